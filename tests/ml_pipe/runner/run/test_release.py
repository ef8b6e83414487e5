"""What a run published is sealed by what ran it, and only then answers."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.release import (
    Release,
    keep_release,
    kept_releases,
    release,
    release_run,
    versions_now,
)
from ml_pipe.runner.run.run_folder import Run
from model_store.bundle import Compilation
from model_store.file_store import FileModelStore
from model_store.manifest import Origin
from model_store.seals import seal
from model_store.seals.publishers import PublisherFolder
from model_store.store import LoadPolicy
from tests.model_store.conftest import DraftLine, draft_line

pytestmark = pytest.mark.slow  # each publishes, which loads in a process of its own

__all__ = ["draft_line"]

NOTEBOOKS = {"00_a.ipynb": "0" * 64}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run whose folder is `tmp_path / "runs" / "a-run"`."""
    (tmp_path / "runs" / "a-run").mkdir(parents=True)
    return Run(
        run="a-run",
        pipeline="example",
        notebooks=NOTEBOOKS,
        parameters={},
        context=Context(local_data=str(tmp_path)),
    )


def published(run: Run, draft_line: DraftLine, **changes: Any) -> Release:
    """Publish a version that is served by its estimator, as a notebook of the run would."""
    origin = Origin(run=run.run, pipeline=run.pipeline, notebooks=run.notebooks)
    draft = draft_line(
        compilation=Compilation(reason="This test wants none."), **({"origin": origin} | changes)
    )
    version, manifest = store_of(run).publish_noted(draft)
    return Release(model="line", version=version, manifest=manifest, alias="champion")


def store_of(run: Run) -> FileModelStore:
    """Return the store that the run publishes to, as a service has it."""
    local_data = Path(run.context.local_data)
    publishers = PublisherFolder(local_data / "secrets" / "publishers")
    return FileModelStore(local_data / "models", LoadPolicy(publishers=publishers))


def folder_of(run: Run) -> Path:
    """Return the run's folder."""
    return Path(run.context.local_data) / "runs" / run.run


def test_what_a_run_published_is_sealed_and_then_answers(run: Run, draft_line: DraftLine) -> None:
    """The key is made by the process that seals, and no service was ever refused a champion."""
    before = versions_now(run.context)
    made = [published(run, draft_line), published(run, draft_line, card="# Another")]
    for each in made:
        keep_release(folder_of(run), each)
    assert kept_releases(folder_of(run)) == made
    assert release_run(folder_of(run), run, before) == []
    store = store_of(run)
    assert store.aliases("line").current == {"champion": made[1].version}
    assert all(store.load("line", each.version).form == "estimator" for each in made)
    private = Path(run.context.local_data) / "secrets" / "publisher_key.pem"
    assert private.stat().st_mode & 0o777 == 0o600


def of_before(run: Run, made: Release) -> dict[str, list[str]]:
    """Say that the version was there before the run."""
    return {made.model: [made.version]}


def changed_since(run: Run, made: Release) -> dict[str, list[str]]:
    """Let somebody put another manifest in its place, right but for the seal."""
    path = Path(run.context.local_data) / "models" / "line" / made.version / "manifest.json"
    manifest = store_of(run).manifest("line", made.version)
    path.write_bytes(msgspec.structs.replace(manifest, python="2.7").sealed())
    return {}


@pytest.mark.parametrize("fault", [of_before, changed_since])
def test_what_was_not_published_by_the_run_is_not_sealed(
    fault: Any, run: Run, draft_line: DraftLine
) -> None:
    """A notebook gets no foreign bundle sealed, and no alias moves to one."""
    made = published(run, draft_line)
    keep_release(folder_of(run), made)
    with pytest.raises(PipelineError, match="sealed"):
        release_run(folder_of(run), run, fault(run, made))
    store = store_of(run)
    assert seal.read(store.version_folder("line", made.version)) is None
    assert store.aliases("line").current == {}


@pytest.mark.parametrize(
    "origin",
    [
        Origin(),
        Origin(run="another", pipeline="example", notebooks=NOTEBOOKS),
        Origin(run="a-run", pipeline="another", notebooks=NOTEBOOKS),
        Origin(run="a-run", pipeline="example", notebooks={"00_a.ipynb": "1" * 64}),
    ],
)
def test_a_version_of_another_origin_is_not_sealed(
    origin: Origin, run: Run, draft_line: DraftLine
) -> None:
    """It appeared meanwhile, and is somebody else's."""
    keep_release(folder_of(run), published(run, draft_line, origin=origin))
    with pytest.raises(PipelineError, match="was not published by this run"):
        release_run(folder_of(run), run, {})


@pytest.mark.parametrize("text", ["{", "[1]", '[{"model": "line"}]'])
def test_a_damaged_list_of_releases_seals_nothing(text: str, run: Run) -> None:
    """The notebook may have written anything."""
    (folder_of(run) / "releases.json").write_text(text)
    with pytest.raises(PipelineError, match=r"releases\.json"):
        release_run(folder_of(run), run, {})


@pytest.mark.parametrize("names", [("../line", "v1"), ("line", "../v1"), ("line", "absent")])
def test_a_release_names_nothing_outside_the_store(names: tuple[str, str], run: Run) -> None:
    """Names are checked before they meet a path."""
    made = {"model": names[0], "version": names[1], "manifest": "0" * 64}
    (folder_of(run) / "releases.json").write_text(json.dumps([made]))
    with pytest.raises(PipelineError, match="cannot be sealed"):
        release_run(folder_of(run), run, {})


def test_where_nothing_is_sealed_only_compiled_versions_get_their_alias(
    run: Run, draft_line: DraftLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in JupyterLab beside a service: the sentence says where to approve."""
    monkeypatch.setenv("MODEL_SEAL", "no")
    uncompiled = published(run, draft_line)
    said = release(run.context, uncompiled)
    assert f"mlops models approve line {uncompiled.version}" in said
    assert store_of(run).aliases("line").current == {}
    version, manifest = store_of(run).publish_noted(draft_line())
    compiled = Release(model="line", version=version, manifest=manifest, alias="champion")
    assert "compiled form alone" in release(run.context, compiled)
    assert store_of(run).aliases("line").current == {"champion": version}
    assert not (Path(run.context.local_data) / "secrets").exists()


def test_a_kernel_of_a_run_seals_nothing(
    run: Run, draft_line: DraftLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does what it starts by its own environment."""
    from mlops.sealing import seal_version  # noqa: PLC0415 - the command, from the notebooks' side

    made = published(run, draft_line)
    monkeypatch.setenv("ML_PIPE_RUN_FOLDER", str(folder_of(run)))
    monkeypatch.setenv("LOCAL_DATA", run.context.local_data)
    with pytest.raises(Exception, match="2"):
        seal_version.main(made.model, made.version, made.manifest)
    assert seal.read(store_of(run).version_folder("line", made.version)) is None
