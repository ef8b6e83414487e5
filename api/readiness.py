"""Whether predictions can be answered now: one verdict, for `/health/ready` and for the metrics."""

from api.state import State


def missing(state: State) -> str:
    """Return what keeps predictions from being answered, as a sentence; usually empty."""
    if state.batcher.draining:
        return "The service is stopping."
    reason = state.reloader.loaded_models.missing()
    if not reason and state.settings.log_on_failure == "refuse":
        reason = unwritable(state)
    return reason


def unwritable(state: State) -> str:
    """Return that the log cannot be written, if it cannot; anyone may ask, so without the reason.

    It names a path, and stands in the events alone.
    """
    return "The prediction log cannot be written." if state.batch_runner.log_failure else ""
