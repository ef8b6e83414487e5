"""What can go wrong with the prediction log. Each error is a sentence that says what to do."""


class LogUnavailableError(Exception):
    """The log cannot be written or read now. Nothing of the batch was logged; try again later."""


class LogLockedError(LogUnavailableError):
    """Another service writes this log."""


class LogFormatError(LogUnavailableError):
    """What stands at the log's path is no prediction log of this format; it is left as it is."""
