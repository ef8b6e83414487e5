"""The smallest world of the prediction log: a clock that stands, and entries of one row."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def new_entry() -> Callable[..., Entry]:
    """Make an entry of one row; what a test is about is given by keyword."""
    plain = Entry(
        request_id="first",
        time=NOON,
        model="iris",
        version="v1",
        outcome="answered",
        rows=1,
        seconds=0.002,
        inputs=b'[{"petal_length":5.2}]',
        outputs=b'[{"variety":"Virginica"}]',
    )

    def make(request_id: str = "first", **changes: Any) -> Entry:
        return plain._replace(request_id=request_id, **changes)

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log stands."""
    return tmp_path / "predictions.sqlite"


@pytest.fixture
def new_log(path: Path) -> Callable[..., PredictionLog]:
    """Make a log, with the options given by keyword, at noon for ever."""

    def make(**options: Any) -> PredictionLog:
        return PredictionLog(path, LogOptions(**options), lambda: NOON)

    return make
