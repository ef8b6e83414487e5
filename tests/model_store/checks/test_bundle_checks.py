"""What a manifest and a reference profile may say; all else is refused as a bundle is read."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from model_store.checks.manifest_check import check_manifest
from model_store.checks.reference_check import check_reference
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.manifest import Compiled, Manifest, Origin, Score
from model_store.schema.signature import Column, Kind, Signature
from monitoring.statistics import profile
from tests.model_store.conftest import Reseal

X, OUT = Column(name="x", kind=Kind.NUMBER), Column(name="y", kind=Kind.NUMBER)
MANIFEST = Manifest(
    model="line",
    version="one",
    created="2026-11-21T12:00:00Z",
    task="regression",
    estimator="skops",
    signature=Signature(inputs=(X,), outputs=(OUT,)),
    scores=(Score(metric="r2", split="test", value=0.5),),
    python="3.11.7",
    packages={"numpy": "2.4"},
)


def signed(column: Column = X, output: Column = OUT, **options: Any) -> Signature:
    """Return a signature with one column in and one out."""
    return Signature(inputs=(column,), outputs=(output,), **options)


def named(name: str) -> Signature:
    """Return a signature whose output has this name."""
    return signed(output=Column(name=name, kind=Kind.NUMBER))


REFUSED: dict[str, dict[str, Any]] = {
    "a NUL in an output": {"signature": named("y\0")},
    "an escape in an output": {"signature": named("\x1b[2Jy")},
    "a quote in an output": {"signature": named('y"')},
    "an output without a name": {"signature": named("")},
    "an output turned around": {"signature": named("y\u202e")},
    "a line in an output": {"signature": named("y\u2028")},
    "a vast name": {"signature": named("y" * 100_000)},
    "a NUL in an input": {"signature": signed(Column(name="x\0", kind=Kind.NUMBER))},
    "a NUL in a header": {"signature": signed(Column(name="x", header="\0", kind=Kind.NUMBER))},
    "a NUL in a unit": {"signature": signed(Column(name="x", unit="\0", kind=Kind.NUMBER))},
    "a NUL in a category": {
        "signature": signed(Column(name="x", kind=Kind.CATEGORY, categories=("a\0",)))
    },
    "a category twice": {
        "signature": signed(Column(name="x", kind=Kind.CATEGORY, categories=("a", "a")))
    },
    "an ignored NUL": {"signature": signed(ignored=("\0",))},
    "a range of text": {"signature": signed(Column(name="x", kind=Kind.NUMBER, minimum="low"))},
    "a range of no time": {
        "signature": signed(Column(name="x", kind=Kind.DATETIME, minimum="soon"))
    },
    "many outputs": {
        "signature": Signature(
            inputs=(X,), outputs=tuple(Column(name=f"y{n}", kind=Kind.NUMBER) for n in range(1001))
        )
    },
    "no time": {"created": "yesterday"},
    "a time without an offset": {"created": "2026-11-21T12:00:00"},
    "a score twice": {"scores": MANIFEST.scores * 2},
    "a score that is none": {"scores": (Score(metric="r2", split="test", value=float("inf")),)},
    "a NUL in a score": {"scores": (Score(metric="r\0", split="test", value=1.0),)},
    "a NUL in a parameter": {"parameters": {"a\0": 1}},
    "a NUL in a package": {"packages": {"numpy": "\0"}},
    "a NUL in a module": {"requires": ("os\0",)},
    "a NUL in a branch": {"origin": Origin(git_branch="\0")},
    "labels of another kind": {"compiled": Compiled(labels=("a", "b"))},
    "a label twice": {
        "signature": signed(output=Column(name="y", kind=Kind.STRING)),
        "compiled": Compiled(labels=("a", "a")),
    },
    "a NUL in a label": {
        "signature": signed(output=Column(name="y", kind=Kind.STRING)),
        "compiled": Compiled(labels=("a\0", "b")),
    },
    "a vast label": {
        "signature": signed(output=Column(name="y", kind=Kind.INTEGER)),
        "compiled": Compiled(labels=(2**62, 1)),
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_be_shown_or_measured_is_refused(name: str) -> None:
    """The sentence says what it is."""
    with pytest.raises(RefusedError, match=r"manifest\.json has"):
        check_manifest(msgspec.structs.replace(MANIFEST, **REFUSED[name]))


def test_a_usual_manifest_passes() -> None:
    """Names in any script, and labels with line ends, are usual."""
    odd = Column(name="größe ÷ 2 (x%)", kind=Kind.CATEGORY, categories=("a\nb", "नमस्ते", ""))
    labelled = signed(odd, Column(name="y", kind=Kind.INTEGER, minimum=0.0, maximum=1.0))
    for manifest in (
        MANIFEST,
        msgspec.structs.replace(
            MANIFEST, signature=labelled, compiled=Compiled(labels=(0, 1), probabilities=True)
        ),
    ):
        check_manifest(manifest)


BINS: dict[str, Any] = {"kind": "number", "count": 3, "missing": 0.0}
REFERENCES: dict[str, bytes] = {
    "deep": b"[" * 100_000,
    "deep in a column": b'{"x":' + b'{"kind":' * 100_000,
    "deep in what nobody reads": b'{"x":{"kind":"number","count":1,"missing":0,"more":'
    + b"[" * 100_000,
    "a list": b"[]",
    "a NaN": b'{"x":{"kind":"number","count":NaN,"missing":0}}',
    "a text": b'{"x":{"kind":"number","count":"1","missing":0}}',
    "cut": b'{"x":',
    "not UTF-8": b'{"\xff":{}}',
}
CHANGES: dict[str, dict[str, Any]] = {
    "a count below zero": {"count": -1},
    "a vast count": {"count": 2**60},
    "a share above one": {"missing": 1.5},
    "more counts than bins": {"bins": {"least": 0, "upper": [1], "counts": [1, 2]}},
    "bins out of order": {"bins": {"least": 0, "upper": [2, 1], "counts": [1, 2]}},
    "a text as an edge": {"bins": {"least": "a", "upper": [1], "counts": [1]}},
    "an edge beyond all": {"bins": {"least": 0, "upper": [10**400], "counts": [1]}},
    "edges without counts": {"histogram": {"edges": [0, 1, 2], "counts": [1]}},
    "counts without edges": {"histogram": {"edges": [], "counts": [1]}},
    "lengths of text": {"lengths": {"bins": {"least": "a", "upper": [], "counts": []}}},
    "no moment": {
        "kind": "datetime",
        "bins": {"least": "soon", "upper": ["later"], "counts": [1]},
    },
    "categories of text": {"kind": "category", "categories": {"a": "b"}},
}
REFERENCES |= {
    name: json.dumps({"x": BINS | changes}).encode() for name, changes in CHANGES.items()
}


@pytest.mark.parametrize("name", REFERENCES)
def test_an_odd_reference_is_refused(name: str) -> None:
    """Whatever its depth, its shape or its numbers."""
    with pytest.raises(RefusedError, match=r"reference\.json is damaged"):
        check_reference(REFERENCES[name])


def test_a_profile_of_every_kind_passes() -> None:
    """So does none, of a bundle that was made by hand."""
    columns = {
        "number": np.array([1.0, 2.5, np.nan]),
        "integer": np.array([1, 2, 2]),
        "boolean": np.array([True, False, True]),
        "category": np.array(["a", None, "b"], object),
        "string": np.array(["", None, "some"], object),
        "datetime": np.array(["2026-01-01", "NaT", "2026-01-02T03:04:05"], "datetime64[us]"),
    }
    kinds = {name: name for name in columns} | {"nothing": "number"}
    made = profile(columns | {"nothing": np.full(3, np.nan)}, kinds)
    check_reference(json.dumps(made).encode())
    check_reference(b"{}")


@pytest.mark.parametrize("name", ["deep", "bins out of order"])
def test_a_bundle_with_an_odd_reference_is_refused_wherever_it_is_read(
    store: FileModelStore, version: str, reseal: Reseal, name: str
) -> None:
    """By the service, by the report and by who promotes it."""
    reseal({"reference.json": REFERENCES[name]})
    for use in (store.load, store.reference, store.promote):
        with pytest.raises(RefusedError, match=r"reference\.json is damaged"):
            use("line", version)


def test_a_bundle_with_an_odd_name_is_refused_wherever_it_is_read(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """It cannot be listed as a good one either."""
    reseal(signature=named("y\0"))
    for use in (store.load, store.manifest, store.promote):
        with pytest.raises(RefusedError, match="control character"):
            use("line", version)


def test_a_file_that_says_that_it_is_huge_is_not_read(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """Its manifest says how much would be read."""
    files = store.manifest("line", version).files
    huge = tuple(
        msgspec.structs.replace(file, size=2**40) if file.name == "golden.json" else file
        for file in files
    )
    reseal(files=huge)
    with pytest.raises(RefusedError, match=r"golden\.json is larger"):
        store.load("line", version)
