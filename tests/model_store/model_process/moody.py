"""An estimator that does to its process what a row says."""

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

BURN, SLEEP, CRASH, END, FORK, EAT = -1.0, -2.0, -3.0, -4.0, -5.0, -6.0
PRINT, PROCESS, SECRETS = -7.0, -8.0, -9.0


def _burn() -> None:
    while True:
        pass


def _fork() -> None:
    """End, and leave something behind that has open all that this process had."""
    if os.fork() == 0:
        time.sleep(1)
    os._exit(0)


_ORDERS: dict[float, Callable[[], object]] = {
    BURN: _burn,
    SLEEP: lambda: time.sleep(3600),
    CRASH: lambda: ctypes.string_at(0),
    END: lambda: os._exit(3),
    FORK: _fork,
    EAT: lambda: np.ones(2**40),
    PRINT: lambda: print("no answer" * 100_000, flush=True),  # noqa: T201
    PROCESS: os.getpid,
    SECRETS: lambda: sum("KEY" in name or "PASSWORD" in name for name in os.environ),
}


class Moody(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Answers each `x` by `factor * x`; a negative one is an order, whose result is the answer."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def fit(self, *_: Any) -> "Moody":
        """Learn nothing."""
        return self

    def predict(self, rows: Any) -> Any:
        """Follow the orders, and answer."""
        followed = [_ORDERS[x]() if x in _ORDERS else None for x in rows["x"]]
        known = zip(rows["x"], followed, strict=True)
        return np.array([x * self.factor if got is None else float(got) for x, got in known])  # type: ignore[arg-type]
