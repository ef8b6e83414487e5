"""Servers are started, looked at and stopped by their process ids."""

from pathlib import Path

import pytest

from benchmarks.baselines import floor
from benchmarks.bench_models import BenchModel
from benchmarks.errors import LoadError
from benchmarks.server_runs import running

ROWS = [{"sepal_length": 5.1}]


@pytest.fixture
def no_model(tmp_path: Path) -> BenchModel:
    """Return a model whose files do not exist."""
    gone = tmp_path / "gone"
    return BenchModel(
        name="none", estimator=None, joblib=gone, onnx=gone, models=gone, version="none"
    )


def test_a_server_answers_until_the_block_ends(tmp_path: Path, no_model: BenchModel) -> None:
    """It can be asked, has taken memory and time, and is gone afterwards."""
    with running("floor", no_model, tmp_path / "run", None, ROWS) as server:
        assert server.ask([b"[]", b"[]"]) == [floor.ANSWER] * 2
        assert server.start_seconds > 0
        # An interpreter with a web framework takes more than 10 MB and less than a GB.
        assert 10e6 < server.peak_bytes() < 1e9
        assert server.cpu_seconds() > 0
    assert server.process.poll() is not None


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path, no_model: BenchModel) -> None:
    """What it printed is in the error."""
    with (
        pytest.raises(LoadError, match=r"FileNotFoundError.*gone"),
        running("plain", no_model, tmp_path / "run", None, ROWS),
    ):
        pass
