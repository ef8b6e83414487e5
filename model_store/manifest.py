"""The manifest of a bundle: everything about a version that can be read without loading it."""

import hashlib
from typing import Literal

import msgspec

from model_store.schema.deciding.decision import Decision
from model_store.schema.signature import Signature

FORMAT_NUMBER = 1
"""The bundle layout that this code writes, and the only one that it reads."""

Task = Literal["classification", "regression", "anomaly-detection", "clustering"]
"""What a model is for; the last two have no column to predict."""

EstimatorFormat = Literal["skops", "pickle", "onnx"]
"""How the estimator is stored; `onnx`: there is none, as the model came as a graph."""


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A score of the estimator on one split of its data."""

    metric: str
    split: str
    value: float


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the bundle: its size in bytes and its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a version comes from: what an auditor needs to make it again."""

    git_branch: str = ""
    git_head: str = ""
    git_dirty: bool = False
    pipeline: str = ""
    notebooks: dict[str, str] = {}
    """SHA-256 of each notebook that ran, by file name."""
    data: str = ""
    """SHA-256 of the table that the run was given."""
    source: str = ""
    """The name of that table's file."""
    seed: int = 0
    setup: str = ""
    run: str = ""
    """The run's id: its executed notebooks are in `local_data/runs/<run id>/`."""


class Compiled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the compiled form's numbers mean."""

    labels: tuple[str | int | bool, ...] = ()
    """The label that each class index stands for; empty for a regression."""
    probabilities: bool = False
    """Whether it gives a probability for each label."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in `manifest.json`."""

    format: int = FORMAT_NUMBER
    model: str
    version: str
    created: str
    """RFC 3339, UTC."""
    task: Task
    estimator: EstimatorFormat
    """The format of the stored estimator, one of a closed list."""
    signature: Signature
    scores: tuple[Score, ...] = ()
    parameters: dict[str, str | int | float | bool | list[str] | None] = {}
    origin: Origin = Origin()
    python: str
    packages: dict[str, str]
    """Version of each package that takes part in loading and predicting, by distribution name."""
    requires: tuple[str, ...] = ()
    """Modules of ours that hold the estimator's classes; without them it cannot be loaded."""
    compiled: Compiled | None = None
    """About `model.onnx`; none where there is no such file."""
    not_compiled: str = ""
    """Why there is none, a sentence."""
    decision: Decision = Decision()
    """What the service makes of its probabilities."""
    files: tuple[File, ...] = ()
    checksum: str = ""
    """SHA-256 of this text with an empty checksum: it finds accidents, it proves no author."""

    def sealed(self) -> bytes:
        """Return the text of `manifest.json`, which carries the checksum of all its other bytes."""
        blank = msgspec.json.encode(msgspec.structs.replace(self, checksum=""))
        # The checksum is the last field, so that the last empty text is its place.
        head, _, tail = msgspec.json.format(blank, indent=2).rpartition(b'""')
        checksum = hashlib.sha256(head + b'""' + tail).hexdigest()
        return head + f'"{checksum}"'.encode() + tail

    def seals(self, text: bytes) -> bool:
        """Return whether a text is, byte for byte, the manifest that was sealed."""
        head, found, tail = text.rpartition(f'"{self.checksum}"'.encode())
        return bool(found) and hashlib.sha256(head + b'""' + tail).hexdigest() == self.checksum


def shown(name: str, value: float) -> tuple[str, float]:
    """Return a metric's name and value as people read them: errors without `neg_`, above 0."""
    return (name.removeprefix("neg_"), -value) if name.startswith("neg_") else (name, value)


def measured(metric: str, value: float, error: float | None = None) -> str:
    """Return a metric's value with its interval, in which the true one is 19 times of 20."""
    number = f"{shown(metric, value)[1]:.3g}"
    return number if error is None else f"{number} ± {1.96 * error:.2g}"
