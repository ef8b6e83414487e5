"""From a published version to one that answers: sealed first, then given its alias.

So no service meets a champion without its seal, and no kernel holds a key.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.context import ROOT, Context
from ml_pipe.runner.run.run_folder import VARIABLE, Run
from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from model_store.store import LoadPolicy

FILE = "releases.json"
_SEAL = [sys.executable, "-m", "mlops.sealing.seal_version"]


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version that a notebook published."""

    model: str
    version: str
    manifest: str
    """The SHA-256 of its manifest's text, as it was written."""
    alias: str = ""
    """The alias to move to it; empty: none."""
    reason: str = ""
    """Why, for the alias's history."""


def keep_release(folder: Path, release: Release) -> None:
    """Leave a release for the process that runs this notebook."""
    known = kept_releases(folder)
    (folder / FILE).write_bytes(msgspec.json.encode([*known, release]))


def kept_releases(folder: Path) -> list[Release]:
    """Return what notebooks left to be released.

    Raises:
        PipelineError: the file holds something else.
    """
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=list[Release])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise PipelineError(f"{FILE} of the run cannot be read: {error}.") from error


def versions_now(context: Context) -> dict[str, list[str]]:
    """Return the versions of every model that there are, by model."""
    store = _store(context)
    try:
        return {model: store.versions(model) for model in store.models()}
    except ModelStoreError as error:
        raise PipelineError(str(error)) from error


def release_run(folder: Path, run: Run, before: Mapping[str, Sequence[str]]) -> list[str]:
    """Seal and release what the notebooks of a run published; return remarks, sentences.

    Args:
        folder: the run's.
        run: as it was started.
        before: the versions that there were before.

    Raises:
        PipelineError: what a notebook left is not of this run: nothing of it is sealed.
    """
    store = _store(run.context)
    remarks = []
    for each in kept_releases(folder):
        try:
            origin = store.manifest(each.model, each.version).origin
        except ModelStoreError as error:
            raise PipelineError(f"What the run published cannot be sealed. {error}") from error
        made = (origin.run, origin.pipeline, origin.notebooks)
        if each.version in before.get(each.model, ()) or made != (
            run.run,
            run.pipeline,
            run.notebooks,
        ):
            raise PipelineError(
                f"Version {each.version} of {each.model} was not published by this run, and is not "
                "sealed: a notebook may only release what it made."
            )
        remarks.append(release(run.context, each))
    return [remark for remark in remarks if remark]


def release(context: Context, which: Release) -> str:
    """Seal a version and give it its alias; return what is left to do, a sentence, or nothing.

    Raises:
        PipelineError: it cannot be sealed as it was published.
    """
    store = _store(context)
    names = f"{which.model} {which.version}"
    unsealed = _seal(context, which)
    if unsealed and not store.manifest(which.model, which.version).compiled:
        return (
            f"It has no seal ({unsealed}), and only sealed versions are served by their estimator: "
            f"no alias was moved. Where the service runs: `mlops models approve {names}`, then "
            f"`mlops models promote {names}`."
        )
    if which.alias:
        store.promote(which.model, which.version, which.alias, reason=which.reason)
    if unsealed:
        return f"It has no seal ({unsealed}): its compiled form alone is served."
    return ""


def _seal(context: Context, which: Release) -> str:
    """Return why a version has no seal now, a phrase; empty where it has one."""
    variables = {k: v for k, v in os.environ.items() if k != VARIABLE}
    done = subprocess.run(  # noqa: S603 - our own module
        [*_SEAL, which.model, which.version, which.manifest],
        cwd=ROOT,
        env=variables | {"LOCAL_DATA": context.local_data},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PipelineError(f"What was published cannot be sealed: {reason}")
    return str(json.loads(done.stdout)["unsealed"])


def _store(context: Context) -> FileModelStore:
    return FileModelStore(Path(context.local_data) / "models", LoadPolicy())
