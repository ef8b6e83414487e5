"""A bundle: the directory that a version is, written and read back, with nothing in it run."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from model_store import files, packages
from model_store.checks.manifest_check import check_manifest
from model_store.checks.reference_check import check_reference
from model_store.errors import NotFoundError, RefusedError
from model_store.golden import Golden
from model_store.manifest import (
    FORMAT_NUMBER,
    Compiled,
    EstimatorFormat,
    File,
    Manifest,
    Origin,
    Score,
    Task,
)
from model_store.schema.deciding.decision import Decision
from model_store.schema.signature import Signature

MANIFEST = "manifest.json"
GOLDEN = "golden.json"
REFERENCE = "reference.json"
CARD = "card.md"
COMPILED = "model.onnx"
_MOST_OF_MODEL = 8 * 2**30
_MOST_BYTES = {GOLDEN: 64 * 2**20, REFERENCE: 64 * 2**20, CARD: 4 * 2**20, COMPILED: 2**30}
NATIVE_NAME = re.compile(r"booster-[1-9][0-9]{0,5}\.(json|txt|cbm)")
"""The files of boosted trees, each in the format of its package."""
ESTIMATOR_FILES = {"skops": "model.skops", "pickle": "model.pickle", "onnx": COMPILED}
"""The file of the estimator. A model that came as a graph has `model.onnx` alone."""


class Compilation(NamedTuple):
    """What came of compiling an estimator."""

    graph: bytes = b""
    """The content of `model.onnx`; empty where there is none."""
    compiled: Compiled | None = None
    reason: str = ""
    """Why there is none, a sentence."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Everything that a new version is made of."""

    model: str
    task: Task
    estimator: Any
    """Fitted."""
    signature: Signature
    golden: Golden
    format: EstimatorFormat = "skops"
    scores: Sequence[Score] = ()
    parameters: Mapping[str, str | int | float | bool | list[str] | None] = field(
        default_factory=dict
    )
    origin: Origin = field(default_factory=Origin)
    requires: Sequence[str] = ()
    """Modules of ours that hold the estimator's classes."""
    reference: bytes = b"{}"
    """The profile of the training data: JSON text, stored as it is."""
    card: str = ""
    """The model card, in Markdown."""
    decision: Decision = field(default_factory=Decision)
    """What the service makes of its probabilities."""
    compilation: Compilation | None = None
    """What came of compiling the estimator; None: it is compiled when it is published."""


class _Numbered(msgspec.Struct):
    format: int


def manifest_of(draft: Draft, compilation: Compilation, version: str, created: str) -> Manifest:
    """Return the manifest of a new version, all but its list of files."""
    return Manifest(
        model=draft.model,
        version=version,
        created=created,
        task=draft.task,
        estimator=draft.format,
        signature=draft.signature,
        scores=tuple(draft.scores),
        parameters=dict(draft.parameters),
        origin=draft.origin,
        python=packages.python_version(),
        packages=packages.of_graphs()
        if draft.format == "onnx"
        else packages.used_by(draft.estimator),
        requires=tuple(draft.requires),
        compiled=compilation.compiled,
        not_compiled=compilation.reason,
        decision=draft.decision,
    )


def write(folder: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> bytes:
    """Write a bundle through to the disk, the manifest last, with its list of files; return it.

    Args:
        folder: an empty directory.
        manifest: all but the list of files.
        contents: the other files, by name.
    """
    for name, content in contents.items():
        files.write(folder / name, content)
    listed = tuple(
        File(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    )
    text = msgspec.structs.replace(manifest, files=listed).sealed()
    files.write(folder / MANIFEST, text)
    files.sync_folder(folder)
    return text


def read_manifest(folder: Path, model: str, version: str) -> Manifest:
    """Return the manifest of the bundle in a folder, as that of this version.

    Raises:
        NotFoundError: there is none.
        RefusedError: it is damaged, of another format number, or of another version, or says what
            nothing could show or measure.
    """
    try:
        text = files.read(folder / MANIFEST)
    except FileNotFoundError as error:
        raise NotFoundError(f"The model {model} has no version {version}.") from error
    try:
        number = msgspec.json.decode(text, type=_Numbered).format
        manifest = msgspec.json.decode(text, type=Manifest) if number == FORMAT_NUMBER else None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusedError(f"{MANIFEST} is damaged ({error}): publish again.") from error
    if manifest is None:
        raise RefusedError(
            f"{MANIFEST} has format number {number}, and this service reads {FORMAT_NUMBER} only: "
            "publish again with this version of the template."
        )
    if not manifest.seals(text):
        raise RefusedError(f"{MANIFEST} does not match its checksum: publish again.")
    if (manifest.model, manifest.version) != (model, version):
        raise RefusedError(
            f"The folder holds version {manifest.version} of {manifest.model}: move it back."
        )
    check_manifest(manifest)
    return manifest


def read_files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    """Return the content of every file of a bundle, by name, as the manifest describes it.

    Raises:
        RefusedError: a file is missing, one too many is listed, or one has other content.
    """
    right = {ESTIMATOR_FILES[manifest.estimator], GOLDEN, REFERENCE, CARD}
    if manifest.compiled:
        right.add(COMPILED)
    if ESTIMATOR_FILES[manifest.estimator] == COMPILED and not manifest.compiled:
        raise RefusedError(f"{MANIFEST} lists a graph and does not describe it: publish again.")
    right |= {file.name for file in manifest.files if NATIVE_NAME.fullmatch(file.name)}
    if sorted(file.name for file in manifest.files) != sorted(right):
        raise RefusedError(f"{MANIFEST} does not list the files of a bundle: publish again.")
    for file in manifest.files:
        if not 0 <= file.size <= _MOST_BYTES.get(file.name, _MOST_OF_MODEL):
            raise RefusedError(f"{file.name} is larger than any such file: publish again.")
    contents = {file.name: _read_file(folder, file) for file in manifest.files}
    check_reference(contents[REFERENCE])
    return contents


def read_all(folder: Path, model: str, version: str) -> tuple[Manifest, dict[str, bytes], str]:
    """Return a bundle's manifest, its files by name, and the SHA-256 of the manifest's text.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it is damaged, or of another version.
    """
    manifest = read_manifest(folder, model, version)
    text = files.read(folder / MANIFEST)
    if not manifest.seals(text):
        raise RefusedError(f"{MANIFEST} was changed meanwhile: look again.")
    return manifest, read_files(folder, manifest), hashlib.sha256(text).hexdigest()


def read_card(folder: Path, manifest: Manifest) -> str:
    """Return the model card of a bundle.

    Raises:
        RefusedError: it is missing or has other content.
    """
    return read_files(folder, manifest)[CARD].decode(errors="replace")


def read_reference(folder: Path, manifest: Manifest) -> bytes:
    """Return the reference profile of a bundle, JSON.

    Raises:
        RefusedError: it is missing or has other content.
    """
    return read_files(folder, manifest)[REFERENCE]


def _read_file(folder: Path, file: File) -> bytes:
    try:
        content = files.read(folder / file.name, file.size)
    except FileNotFoundError as error:
        raise RefusedError(f"{file.name} is missing: publish again.") from error
    # What was hashed is what is used: nothing is read a second time.
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        raise RefusedError(f"{file.name} is not the file that was published: publish again.")
    return content
