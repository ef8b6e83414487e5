"""A damaged bundle is refused with the reason, and never answers wrongly."""

import os
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from model_store.bundle import Compilation
from model_store.errors import ModelStoreError, RefusedError
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy
from tests.model_store.conftest import DraftLine, Reseal
from tests.publisher_key import PUBLISHERS, SIGNER

pytestmark = pytest.mark.slow  # each loads in a process of its own

FILES = ["manifest.json", "model.skops", "model.onnx", "golden.json", "reference.json", "card.md"]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found(
    name: str, store: FileModelStore, folder: Path, version: str
) -> None:
    """In any file, at any place; put right, the version loads again."""
    path = folder / name
    content = path.read_bytes()
    places = random.Random(name).sample(range(len(content) * 8), min(100, len(content) * 8))  # noqa: S311
    for place in places:
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(RefusedError, match=f"^Version {version} of line is refused"):
            store.load("line", version)
    path.write_bytes(content)
    store.verify("line", version)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_emptied_or_added_to_is_found(
    name: str, store: FileModelStore, folder: Path, version: str
) -> None:
    """Even the newline that an editor adds is found."""
    content = (folder / name).read_bytes()
    cuts = {round(len(content) * part / 20) for part in range(20)} - {len(content)}
    for damaged in [*(content[:cut] for cut in cuts), content + b"\n"]:
        (folder / name).write_bytes(damaged)
        with pytest.raises(RefusedError, match="is refused"):
            store.load("line", version)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["absent", "link", "pipe", "folder", "sparse"])
def test_a_file_that_is_none_is_found_and_never_waited_for(
    name: str, kind: str, store: FileModelStore, folder: Path, version: str
) -> None:
    """A link is refused although it leads to the right content."""
    path = folder / name
    path.rename(folder / "aside")
    if kind == "link":
        path.symlink_to(folder / "aside")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 2**30)
    with pytest.raises(ModelStoreError):
        store.load("line", version)


def test_two_swapped_versions_are_found(
    store: FileModelStore, folder: Path, version: str, draft_line: DraftLine
) -> None:
    """Each is whole, under the other's name."""
    other = store.publish(draft_line(slope=3.0))
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.with_name(other).rename(folder)
    aside.rename(folder.with_name(other))
    for name in (version, other):
        with pytest.raises(RefusedError, match="The folder holds version"):
            store.load("line", name)


def test_a_file_of_another_version_is_found(
    store: FileModelStore, folder: Path, version: str, draft_line: DraftLine
) -> None:
    """It is whole too, and would answer wrongly."""
    other = store.publish(draft_line(slope=3.0))
    shutil.copy(folder.with_name(other) / "model.skops", folder)
    with pytest.raises(RefusedError, match=r"model\.skops is not the file that was published"):
        store.load("line", version)


def test_a_version_in_another_models_folder_is_found(
    store: FileModelStore, folder: Path, version: str
) -> None:
    """A copy does not become another model."""
    shutil.copytree(folder, folder.parents[1] / "other" / version)
    with pytest.raises(RefusedError, match="of line: move it back"):
        store.load("other", version)


def test_a_link_to_a_bundle_is_no_version(
    store: FileModelStore, folder: Path, tmp_path: Path
) -> None:
    """It could change under the store."""
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert store.versions("line") == []
    with pytest.raises(RefusedError, match="is a link"):
        store.load("line", folder.name)


def test_another_minor_version_of_scikit_learn_loads_while_the_golden_rows_reproduce(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """Versions are a suspicion, golden rows are the proof."""
    reseal(packages={"scikit-learn": "0.24.2", "gone": "1.0"})
    assert store.load("line", version).manifest.packages["scikit-learn"] == "0.24.2"


def test_another_minor_version_of_scikit_learn_is_refused_where_they_do_not(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """The sentence names the packages as the likely cause."""
    rows = {"inputs": [{"x": 1.0}], "outputs": [{"y": 2.001}]}
    then = {"scikit-learn": "0.24.2", "numpy": "0.1", "gone": "1.0"}
    reseal({"golden.json": msgspec.json.encode(rows)}, packages=then)
    with pytest.raises(
        RefusedError, match=r"golden row 0.*made with scikit-learn 0\.24\.2 \(here: [1-9]"
    ):
        store.load("line", version)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"inputs": [{"x": 1.0}], "outputs": [{"y": 2.001}]}, "golden row 0 differently"),
        ({"inputs": [{"z": 1.0}], "outputs": [{"y": 2.0}]}, "no request could have"),
        ({"inputs": [], "outputs": []}, "no request could have"),
        ({"inputs": [{"x": 1.0}]}, "damaged"),
        ([], "damaged"),
    ],
)
def test_wrong_golden_rows_are_found_however_well_they_are_sealed(
    rows: Any, reason: str, store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """Hashes prove that nothing changed, not that it was right."""
    reseal({"golden.json": msgspec.json.encode(rows)})
    with pytest.raises(RefusedError, match=reason):
        store.load("line", version)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format number 2, and this service reads 1 only"),
        ({"model": "other"}, "holds version .* of other"),
        ({"version": "other"}, "holds version other"),
        ({"files": ()}, "does not list the files of a bundle"),
        ({"compiled": None}, "does not list the files of a bundle"),
        ({"estimator": "pickle"}, "does not list the files of a bundle"),
    ],
)
def test_a_manifest_that_says_otherwise_is_found_however_well_it_is_sealed(
    changes: dict[str, Any], reason: str, store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """A checksum proves no author."""
    reseal(**changes)
    with pytest.raises(RefusedError, match=reason):
        store.load("line", version)


def test_an_estimator_whose_modules_are_not_here_is_refused(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """It is refused before any of it is loaded; a compiled form would not need them."""
    reseal(requires=("no_such_module.inside",))
    store.load("line", version)
    with pytest.raises(RefusedError, match=r"not here \(no_such_module\.inside\)"):
        store.verify("line", version)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format":1}']
)
def test_an_invalid_manifest_is_refused(
    text: bytes, store: FileModelStore, folder: Path, version: str
) -> None:
    """Every way of reading it refuses it."""
    (folder / "manifest.json").write_bytes(text)
    for read in (store.load, store.manifest, store.card, store.promote):
        with pytest.raises(RefusedError, match=r"manifest\.json"):
            read("line", version)


def test_a_file_whose_name_leads_elsewhere_is_not_read(
    store: FileModelStore, version: str, reseal: Reseal
) -> None:
    """The names of a bundle's files come from our code."""
    reseal({"../../outside": b"x"})
    with pytest.raises(RefusedError, match="does not list the files of a bundle"):
        store.load("line", version)


def test_a_model_that_is_none_is_refused(tmp_path: Path, draft_line: DraftLine) -> None:
    """A pickle can hold anything."""
    store = FileModelStore(
        tmp_path, LoadPolicy(frozenset({"pickle"}), publishers=PUBLISHERS), signer=SIGNER
    )
    with pytest.raises(RefusedError, match="The model raised AttributeError"):
        store.publish(draft_line(estimator="text", format="pickle"))


def test_a_pickle_runs_only_if_allowed_and_whole(tmp_path: Path, draft_line: DraftLine) -> None:
    """Reading a pickle runs what is in it, so that every check comes before."""
    marker = tmp_path / "it ran"

    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (marker,)

    allowing = FileModelStore(
        tmp_path, LoadPolicy(frozenset({"pickle"}), publishers=PUBLISHERS), signer=SIGNER
    )
    uncompiled = Compilation(reason="Not asked for.")
    version = allowing.publish(draft_line(format="pickle", compilation=uncompiled))
    path = tmp_path / "line" / version / "model.pickle"
    good = path.read_bytes()
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RefusedError, match="not the file that was published"):
        allowing.load("line", version)
    path.write_bytes(good)
    with pytest.raises(RefusedError, match="format pickle is not allowed"):
        FileModelStore(tmp_path, LoadPolicy(publishers=PUBLISHERS)).load("line", version)
    assert not marker.exists()
    allowing.verify("line", version)
