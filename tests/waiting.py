"""Waiting for what another process does."""

import time
from collections.abc import Callable


def wait_until(reached: Callable[[], object], seconds: float) -> None:
    """Return as soon as something is true; fail if it is not within a time that is generous."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "It did not come about."
        time.sleep(0.02)
