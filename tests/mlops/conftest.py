"""The command as a user calls it, in a folder of its own, with a model that anyone can compute."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner, Result

from mlops.cli import app
from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from tests.publisher_key import PUBLISHERS, SIGNER, trust_tests

Mlops = Callable[..., Result]
Publish = Callable[..., str]


@pytest.fixture
def local_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the command writes to, below `tmp_path`."""
    # Wide, so that no table folds the text of a test.
    monkeypatch.setenv("COLUMNS", "400")
    return tmp_path / "local_data"


@pytest.fixture
def mlops(local_data: Path) -> Mlops:
    """Call the command."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return call


@pytest.fixture
def store(local_data: Path) -> FileModelStore:
    """Return the store that the command reads."""
    trust_tests(local_data)
    policy = LoadPolicy(publishers=PUBLISHERS)
    return FileModelStore(local_data / "models", policy, signer=SIGNER)


@pytest.fixture
def publish(store: FileModelStore) -> Publish:
    """Publish a model that answers y = slope * x, and let it be the champion."""

    def line(slope: float = 2.0, model: str = "line") -> str:
        x = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
        y = pd.DataFrame({"y": x["x"] * slope})
        signature = infer_signature(x, y)
        estimator = LinearRegression().fit(conform(x, signature.inputs), y["y"])
        version = store.publish(
            Draft(
                model=model,
                task="regression",
                estimator=estimator,
                signature=signature,
                golden=golden_rows(estimator, signature, x),
                card="# A line",
            )
        )
        store.promote(model, version)
        return version

    return line
