"""What stands in a stored estimator in place of boosted trees that have a file of their own."""

from typing import Any


class BoosterFile:
    """The place of boosted trees: their class, their file in the bundle, their parameters."""

    def __init__(self, kind: str, name: str, parameters: dict[str, Any]) -> None:
        self.kind = kind
        """The full name of their class."""
        self.name = name
        self.parameters = parameters
        """Those that the trees were made with, where their file does not bring them back."""
