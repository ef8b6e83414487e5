"""What can go wrong in a pipeline. Each error is a sentence that says what to do."""


class TableError(Exception):
    """The table cannot be trained on as it is."""


class AcceptanceError(Exception):
    """The model is not good enough, or too good, or not fair enough, to be published."""


class PipelineError(Exception):
    """A run failed: it published nothing and moved no alias."""

    is_refusal = False
    """Whether nothing failed, but the model was not good enough."""
