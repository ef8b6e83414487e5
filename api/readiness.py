"""Whether predictions can be answered now: one verdict, for `/health/ready` and for the metrics."""

from api.state import State


def missing(state: State) -> str:
    """Return why predictions cannot be answered, as a sentence; usually empty."""
    if state.batcher.draining:
        return "The service is stopping."
    reason = state.reloader.loaded_models.missing()
    if not reason and state.settings.log_on_failure == "refuse":
        reason = unwritable(state)
    return reason


def unwritable(state: State) -> str:
    """Return a sentence if the log cannot be written, without the reason: anyone may read it.

    The reason names a path; the events have it.
    """
    return "The prediction log cannot be written." if state.batch_runner.log_failure else ""
