"""An estimator that misbehaves when it is asked, as its parameter says."""

import ctypes
import os
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class Misbehaving(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Answers zero; before, it does what its mood says."""

    def __init__(self, mood: str = "") -> None:
        self.mood = mood

    def fit(self, *_: Any) -> "Misbehaving":
        """Learn nothing."""
        return self

    def predict(self, rows: Any) -> Any:
        """Return zeros, if ever."""
        match self.mood:
            case "burns":
                while True:
                    pass
            case "sleeps":
                time.sleep(3600)
            case "crashes":
                ctypes.string_at(0)
            case "ends":
                os._exit(3)
            case "eats":
                np.ones(2**40)
            case "eats bit by bit":
                kept = []
                while True:
                    kept.append(bytearray(2**24))
            case "writes":
                os.write(os.open("/tmp/written", os.O_CREAT | os.O_WRONLY), b"x")  # noqa: S108
            case _:
                pass
        return np.zeros(len(rows))
