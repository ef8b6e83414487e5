"""The service with a clock that jumps: so many seconds as the file `clock` in its folder says.

Run as `python -m tests.faults.jumping_server mlops serve`. What Python code asks the time from is
replaced; timers and deadlines ask the monotonic clock, which no change of the time moves.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.routes import predict
from api.server import fast_path
from mlops.__main__ import main
from settings import factories

CLOCK = Path(os.environ["LOCAL_DATA"], "clock")
_time_ns = time.time_ns


def jump_seconds() -> float:
    """Return by how much the clock is wrong."""
    return float(CLOCK.read_text())


def utc_now() -> datetime:
    """Return the wrong time."""
    return datetime.now(UTC) + timedelta(seconds=jump_seconds())


if __name__ == "__main__":
    time.time_ns = lambda: _time_ns() + int(jump_seconds() * 1e9)
    time.time = lambda: time.time_ns() / 1e9
    for module in (factories, predict, fast_path):
        module.utc_now = utc_now  # type: ignore[attr-defined]
    del sys.argv[0]
    main()
