"""What can go wrong with stored models. Each error is a sentence that says what to do."""


class ModelStoreError(Exception):
    """The base of every error of the model store."""


class InvalidNameError(ModelStoreError):
    """A model, version or alias has a name that is no safe file name."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"That {what} name cannot be used: start with a letter or digit, go on with letters, "
            "digits, '.', '_' or '-', and keep it within 128 characters."
        )


class NotFoundError(ModelStoreError):
    """A model, version or alias is not in the store."""


class RefusedError(ModelStoreError):
    """A bundle failed a check; it is not loaded, and whatever answered before answers on."""


class SignatureError(ModelStoreError):
    """A table has a column that cannot be served as it is."""


class PredictionError(ModelStoreError):
    """A model raised, or answered with the wrong shape or with values that are no answer."""
