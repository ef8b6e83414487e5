"""The compiled form is preferred, needs no library of training, and is never trusted blindly."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from model_store.bundle import Compilation
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.manifest import Compiled
from model_store.predictor import EstimatorPredictor
from model_store.store import LoadPolicy
from tests.model_store.conftest import DraftLine, Reseal

pytestmark = pytest.mark.slow  # each loads in a process of its own

HEAVY = ("joblib", "onnx", "pandas", "scipy", "skl2onnx", "sklearn", "skops")
LOAD = """
import json, sys
from pathlib import Path
from model_store.file_store import FileModelStore
from model_store.schema.prediction import answers
from model_store.store import LoadPolicy

store = FileModelStore(Path(sys.argv[1]), LoadPolicy())
model = store.load("line", sys.argv[2])
rows = model.decoder.decode(b'[{"x": 1.5}, {"x": -2}]')
prediction = model.predictor.predict(model.decoder.columns([rows]))
given = answers(prediction, model.manifest.signature)
heavy = [name for name in sys.argv[3:] if name in sys.modules]
print(json.dumps({"form": model.form, "answers": given, "heavy": heavy}))
"""


def test_a_compiled_model_is_served_without_the_libraries_of_its_training(
    store: FileModelStore, folder: Path, version: str
) -> None:
    """A process of its own imports none of them to load the model and to answer."""
    path = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    finished = subprocess.run(
        [sys.executable, "-c", LOAD, folder.parents[1], version, *HEAVY],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert not finished.returncode, finished.stderr
    found = json.loads(finished.stdout)
    assert found["form"] == "compiled"
    assert found["heavy"] == []
    assert [row["y"] for row in found["answers"]] == pytest.approx([3.0, -4.0])


def test_the_compiled_form_is_preferred(store: FileModelStore, version: str) -> None:
    """The loaded model says so."""
    loaded = store.load("line", version)
    assert isinstance(loaded.predictor, OnnxPredictor)
    assert (loaded.form, loaded.form_reason) == ("compiled", "")
    assert loaded.manifest.compiled == Compiled()


def test_a_model_that_cannot_be_compiled_is_served_by_its_estimator(
    store: FileModelStore, draft_line: DraftLine
) -> None:
    """The manifest keeps the reason."""
    draft = draft_line(compilation=Compilation(reason="Not today."))
    version = store.publish(draft)
    loaded = store.load("line", version)
    assert isinstance(loaded.predictor, EstimatorPredictor)
    assert (loaded.form, loaded.form_reason) == ("estimator", "Not today.")
    assert store.manifest("line", version).not_compiled == "Not today."


def test_an_installation_without_those_libraries_refuses_an_estimator(
    store: FileModelStore,
    draft_line: DraftLine,
    version: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says what is missing and what to do; compiled models are not affected."""
    uncompiled = store.publish(draft_line(compilation=Compilation(reason="Not today.")))
    monkeypatch.setattr("model_store.packages._is_there", lambda module: module != "skops")
    assert store.load("line", version).form == "compiled"
    with pytest.raises(RefusedError, match="needs skops, and this installation serves compiled"):
        store.load("line", uncompiled)


@pytest.mark.parametrize("damaged", [b"", b"no graph", b"\x08\x0a"])
def test_a_graph_that_cannot_run_here_falls_back(
    damaged: bytes, store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """The estimator is used, with all its checks; `verify` says which form fails."""
    reseal({"model.onnx": damaged})
    loaded = store.load("line", version)
    assert loaded.form == "estimator"
    assert "The compiled form fails here. model.onnx is no graph" in loaded.form_reason
    with pytest.raises(RefusedError, match="Its compiled form fails here"):
        store.verify("line", version)


def test_a_graph_that_answers_otherwise_falls_back(
    store: FileModelStore, folder: Path, version: str, draft_line: DraftLine, reseal: Reseal
) -> None:
    """In this test it is the graph of another version with right hashes."""
    other = store.publish(draft_line(slope=2.001))
    reseal({"model.onnx": (folder.with_name(other) / "model.onnx").read_bytes()})
    loaded = store.load("line", version)
    assert loaded.form == "estimator"
    assert "golden row" in loaded.form_reason
    with pytest.raises(RefusedError, match=r"Its compiled form fails here\..*golden row"):
        store.verify("line", version)


def test_a_damaged_graph_is_refused(store: FileModelStore, folder: Path, version: str) -> None:
    """A wrong hash is no reason to fall back: somebody changed the bundle."""
    (folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(RefusedError, match=r"model\.onnx is not the file that was published"):
        store.load("line", version)


def test_the_estimator_is_loaded_only_if_it_is_needed(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """A compiled form needs no type to be trusted; `verify` says that the estimator fails."""
    reseal({"model.skops": b"no estimator"})
    assert store.load("line", version).form == "compiled"
    with pytest.raises(RefusedError, match="skops file cannot be loaded"):
        store.verify("line", version)


def test_publishing_checks_the_estimator_although_the_graph_would_serve(
    tmp_path: Path, draft_line: DraftLine
) -> None:
    """The estimator is the source of truth."""
    store = FileModelStore(tmp_path, LoadPolicy(formats=frozenset()))
    with pytest.raises(RefusedError, match="format skops is not allowed"):
        store.publish(draft_line())


def test_a_manifest_that_knows_no_compiled_form_is_read(
    store: FileModelStore, folder: Path, version: str, reseal: Reseal
) -> None:
    """Versions from before the compiled form load as they did."""
    (folder / "model.onnx").unlink()
    manifest = store.manifest("line", version)
    reseal(files=tuple(f for f in manifest.files if f.name != "model.onnx"), compiled=None)
    path = folder / "manifest.json"
    text = path.read_text().replace('  "compiled": null,\n  "not_compiled": "",\n', "")
    assert "compiled" not in text
    old = msgspec.json.decode(text, type=type(manifest))
    head, _, tail = text.rpartition(old.checksum)
    checksum = hashlib.sha256((head + tail).encode()).hexdigest()
    path.write_text(head + checksum + tail)
    # Nor had they a seal: a person looks at them once.
    (folder / "seal.json").unlink()
    with pytest.raises(RefusedError, match="mlops models approve --all"):
        store.load("line", version)
    store.seal("line", version)
    assert store.load("line", version).form == "estimator"
