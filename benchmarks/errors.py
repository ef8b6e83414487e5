"""What ends the comparison."""


class LoadError(Exception):
    """The load could not be sent, or was not answered, or not logged, as it should be."""
