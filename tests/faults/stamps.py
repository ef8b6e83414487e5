"""Times of files: two changes in one tick of the file system's clock would look like one."""

import itertools
import os
import time
from pathlib import Path

_NUMBERS = itertools.count(1)


def touch(path: Path) -> None:
    """Give a file a time of change that it never had."""
    moment = time.time_ns() + next(_NUMBERS) * 1_000_000
    os.utime(path, ns=(moment, moment), follow_symlinks=False)
