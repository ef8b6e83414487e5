"""A model that misbehaves when a row asks for it, and needs a set time for each row."""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HANG_SECONDS = 30
PAUSE_SECONDS = 1
PAUSED = "paused"
"""A file in the service's folder, made when the model pauses."""
HUGE_BYTES = 2 * 2**30

RAISE, HANG, SHAPE, NAN, HUGE, PAUSE = 7001.5, 7002.5, 7003.5, 7004.5, 7005.5, 7006.5
"""Values of `a` that are moods."""


@dataclass
class Moody:
    """Answers `total = a + 2 * b`, unless `a` is a mood."""

    work: int = 0
    """How many times a row is hashed: some thousands take a millisecond, on another core or not."""

    def predict(self, frame: pd.DataFrame) -> Any:
        """Answer, or not."""
        moods = set(frame["a"])
        total = (frame["a"] + 2 * frame["b"]).to_numpy()
        if RAISE in moods:
            raise ValueError(f"cannot take {frame['b'].max()}")
        if HANG in moods:
            time.sleep(HANG_SECONDS)
        if PAUSE in moods:
            Path(os.environ["LOCAL_DATA"], PAUSED).touch()
            time.sleep(PAUSE_SECONDS)
        if SHAPE in moods:
            return total[:-1]
        if NAN in moods:
            return total * np.nan
        if HUGE in moods:
            np.ones(HUGE_BYTES, dtype=np.uint8)
        if self.work:
            hashlib.pbkdf2_hmac("sha256", b"", b"", self.work * len(frame))
        return total
