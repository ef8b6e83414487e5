"""A model that anyone can compute, as a draft, as a store, and as a version in it."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.manifest import File, Manifest
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.seals.seal import SEAL
from model_store.store import LoadPolicy
from tests.publisher_key import PUBLISHERS, SIGNER

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

DraftLine = Callable[..., Draft]
Reseal = Callable[..., None]


@pytest.fixture(scope="session")
def draft_line() -> DraftLine:
    """Return what drafts a model named `line`, which answers y = slope * x."""

    def draft(slope: float = 2.0, **changes: Any) -> Draft:
        x = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
        y = pd.DataFrame({"y": x["x"] * slope})
        signature = infer_signature(x, y)
        line = LinearRegression().fit(conform(x, signature.inputs), y["y"])
        options: dict[str, Any] = {
            "model": "line",
            "task": "regression",
            "estimator": line,
            "signature": signature,
            "golden": golden_rows(line, signature, x),
            "card": "# A line",
        }
        return Draft(**options | changes)

    return draft


@pytest.fixture
def store(tmp_path: Path) -> FileModelStore:
    """Return an empty store in `tmp_path / "models"`, where it is always noon."""
    policy = LoadPolicy(publishers=PUBLISHERS)
    return FileModelStore(tmp_path / "models", policy, lambda: NOON, SIGNER)


@pytest.fixture
def version(store: FileModelStore, draft_line: DraftLine) -> str:
    """Return the only version in the store."""
    return store.publish(draft_line())


@pytest.fixture
def folder(tmp_path: Path, version: str) -> Path:
    """Return the folder of the only version in the store."""
    return tmp_path / "models" / "line" / version


@pytest.fixture
def reseal(folder: Path) -> Reseal:
    """Return `reseal_bundle` for the only version in the store."""
    return partial(reseal_bundle, folder)


def reseal_bundle(folder: Path, contents: dict[str, bytes] | None = None, **changes: Any) -> None:
    """Do what a publisher could do: change files or the manifest, put it right, and seal it."""
    path = folder / "manifest.json"
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    files = {file.name: file for file in manifest.files}
    for name, content in (contents or {}).items():
        (folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files[name] = File(name=name, size=len(content), sha256=digest)
    options = {"files": tuple(files.values())} | changes
    text = msgspec.structs.replace(manifest, **options).sealed()
    path.write_bytes(text)
    if (folder / SEAL).exists():
        (folder / SEAL).write_bytes(SIGNER.seal(text, "2026-11-21T12:00:00Z"))
