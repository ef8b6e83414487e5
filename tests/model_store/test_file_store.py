"""A store keeps versions apart, uses safe names, and loads only what it has checked."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from model_store.errors import InvalidNameError, NotFoundError, RefusedError
from model_store.file_store import FileModelStore
from model_store.manifest import Origin, Score
from model_store.store import LoadPolicy, ModelStore
from tests.model_store.conftest import NOON, DraftLine
from tests.publisher_key import PUBLISHERS, SIGNER

UNSAFE = ["", ".", "..", "../x", "/etc", ".hidden", "a" * 200, "Zürich", "a\0", "a/b"]


def test_an_absent_store_is_an_empty_one(tmp_path: Path) -> None:
    """Reading makes no folder."""
    store: ModelStore = FileModelStore(tmp_path / "absent", LoadPolicy())
    assert store.models() == []
    assert store.fingerprint() == ()
    assert not (tmp_path / "absent").exists()


def test_a_published_version_answers(store: FileModelStore, version: str) -> None:
    """JSON text leads to the answer that anyone can compute."""
    loaded = store.load("line", version)
    columns = loaded.decoder.columns([loaded.decoder.decode(b'[{"x": 4.0}]')])
    (values,), _ = loaded.predictor.predict(columns)
    assert values == pytest.approx([8.0])
    assert loaded.card == store.card("line", version) == "# A line"
    assert loaded.manifest == store.manifest("line", version)


def test_a_manifest_records_where_a_version_comes_from(
    store: FileModelStore, draft_line: DraftLine
) -> None:
    """All of it can be read without loading the model."""
    origin = Origin(git_branch="main", git_head="1a2b3c4d5e", setup="setup-1a", seed=7)
    score = Score(metric="r2", split="test", value=1.0)
    version = store.publish(draft_line(origin=origin, scores=[score], parameters={"depth": None}))
    manifest = store.manifest("line", version)
    assert version == manifest.version == "20261121T120000Z_main_1a2b3c4_setup-1a"
    assert (manifest.created, manifest.origin) == ("2026-11-21T12:00:00Z", origin)
    assert (manifest.scores, manifest.parameters) == ((score,), {"depth": None})
    assert manifest.python == ".".join(map(str, sys.version_info[:3]))
    assert manifest.packages.keys() >= {"scikit-learn", "numpy", "skops"}


def test_versions_are_listed_from_the_oldest(tmp_path: Path, draft_line: DraftLine) -> None:
    """Their time decides, not the order of publication."""
    years = iter([2028, 2026, 2027])
    store = FileModelStore(
        tmp_path,
        LoadPolicy(publishers=PUBLISHERS),
        lambda: datetime(next(years), 1, 1, tzinfo=UTC),
        SIGNER,
    )
    published = [store.publish(draft_line()) for _ in range(3)]
    assert store.versions("line") == sorted(published)
    assert [name[:4] for name in store.versions("line")] == ["2026", "2027", "2028"]


def test_versions_of_the_same_second_both_stand(
    store: FileModelStore, version: str, draft_line: DraftLine
) -> None:
    """The later one gets a number."""
    again = [store.publish(draft_line(slope=slope)) for slope in (3.0, 4.0)]
    assert again == [f"{version}_2", f"{version}_3"]
    for name in store.versions("line"):
        store.verify("line", name)


def test_publishing_moves_no_alias(store: FileModelStore, version: str) -> None:
    """Which version answers is the decision of a person."""
    assert version
    assert store.aliases("line").current == {}


def test_models_are_listed_by_name_and_strangers_are_not(
    store: FileModelStore, draft_line: DraftLine, tmp_path: Path
) -> None:
    """Editors and people leave folders about."""
    for model in ("b", "a"):
        store.publish(draft_line(model=model))
    models = tmp_path / "models"
    (models / "empty").mkdir()
    (models / ".hidden").mkdir()
    (models / "file").touch()
    (models / "link").symlink_to(models / "a")
    (models / "a" / ".ipynb_checkpoints").mkdir()
    (models / "a" / "notes").mkdir()
    assert store.models() == ["a", "b"]
    assert len(store.versions("a")) == 1
    with pytest.raises(RefusedError, match="link is a link"):
        store.versions("link")


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_name_meets_no_path(
    name: str, store: FileModelStore, version: str, draft_line: DraftLine, tmp_path: Path
) -> None:
    """It is refused by every method, before anything is touched."""
    before = sorted(tmp_path.rglob("*"))
    for use in (store.versions, store.aliases, store.rollback):
        with pytest.raises(InvalidNameError, match="model name"):
            use(name)
    for use_version in (store.manifest, store.card, store.load, store.verify, store.promote):
        with pytest.raises(InvalidNameError, match="model name"):
            use_version(name, version)
        with pytest.raises(InvalidNameError, match="version name"):
            use_version("line", name)
    with pytest.raises(InvalidNameError, match="model name"):
        store.publish(draft_line(model=name))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_absent_model_or_version_is_named(store: FileModelStore, version: str) -> None:
    """The error distinguishes model and version."""
    with pytest.raises(NotFoundError, match="The model store has no other"):
        store.load("other", version)
    with pytest.raises(NotFoundError, match="The model line has no version other"):
        store.load("line", "other")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"requires": ["no_such_module"]}, "no_such_module"),
        ({"format": "pickle"}, "format pickle is not allowed"),
    ],
)
def test_a_model_that_would_not_load_is_not_published(
    changes: dict[str, Any], reason: str, store: FileModelStore, draft_line: DraftLine
) -> None:
    """The error comes in the notebook, not in the service."""
    with pytest.raises(RefusedError, match=reason):
        store.publish(draft_line(**changes))
    assert store.models() == []


def test_a_model_that_does_not_answer_its_golden_rows_is_not_published(
    store: FileModelStore, draft_line: DraftLine, tmp_path: Path
) -> None:
    """None of its files stays behind."""
    with pytest.raises(RefusedError, match="golden row"):
        store.publish(draft_line(slope=2.0, golden=draft_line(slope=3.0).golden))
    assert store.models() == []
    assert [path.name for path in (tmp_path / "models" / "line").iterdir()] == [".lock"]


def test_a_module_that_is_required_is_found_without_running_it(
    store: FileModelStore, draft_line: DraftLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages around it are not run either."""
    package = tmp_path / "package_of_this_test"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "inside.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    version = store.publish(draft_line(requires=["package_of_this_test.inside", "sklearn.base"]))
    store.verify("line", version)
    with pytest.raises(RefusedError, match=r"not here \(package_of_this_test\.inside\.further\)"):
        store.publish(draft_line(requires=["package_of_this_test.inside.further"]))
    (package / "inside.py").unlink()
    with pytest.raises(RefusedError, match=r"not here \(package_of_this_test\.inside\)"):
        store.verify("line", version)


def test_the_clock_decides_nothing_but_names(draft_line: DraftLine, tmp_path: Path) -> None:
    """It may jump back to 1970 between two moves."""
    times = iter([NOON, NOON.replace(year=1970), NOON.replace(year=2038)])
    store = FileModelStore(tmp_path, LoadPolicy(publishers=PUBLISHERS), lambda: next(times), SIGNER)
    version = store.publish(draft_line())
    store.promote("line", version)
    assert store.publish(draft_line()) in store.versions("line")
    assert store.aliases("line").history[0].time == "1970-11-21T12:00:00Z"
