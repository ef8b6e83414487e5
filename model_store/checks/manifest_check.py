"""What a manifest may say: names, labels and numbers that all else can show, store and count."""

import math
from collections.abc import Iterable
from datetime import datetime

from model_store.errors import RefusedError
from model_store.manifest import Manifest
from model_store.names import has_control
from model_store.schema.deciding.decision import TOP
from model_store.schema.signature import Column, Kind, Signature

_MOST_INPUTS, _MOST_OUTPUTS, _MOST_SCORES, _MOST_LABELS = 10_000, 1_000, 1_000, 100_000
_MOST_CHARACTERS = 1_000
"""Of a name."""
_MOST_TEXT = 100_000
"""Of any other text."""
_LABELS: dict[Kind, type] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.STRING: str,
    Kind.CATEGORY: str,
}
_ENDS = {
    Kind.INTEGER: (int, float),
    Kind.NUMBER: (int, float),
    Kind.DATETIME: (str,),
    Kind.ARRAY: (int, float),
}


def check_manifest(manifest: Manifest) -> None:
    """See that a manifest holds nothing that could not be shown, stored or measured.

    Raises:
        RefusedError: it does; the sentence says what.
    """
    _check_signature(manifest.signature)
    _check_moment("created", manifest.created)
    scores = [(score.metric, score.split) for score in manifest.scores]
    _check_number("scores", len(scores), _MOST_SCORES)
    if len(set(scores)) < len(scores):
        raise _refused("has two scores of one metric on one split")
    if not all(math.isfinite(score.value) for score in manifest.scores):
        raise _refused("has a score that is no finite number")
    _check_names("score", (name for pair in scores for name in pair))
    _check_names("parameter", manifest.parameters)
    _check_names("package", (*manifest.packages, *manifest.packages.values(), manifest.python))
    _check_names("module", manifest.requires)
    origin = manifest.origin
    _check_names("notebook", origin.notebooks)
    _check_names(
        "origin",
        (origin.git_branch, origin.git_head, origin.pipeline, origin.source, origin.setup),
    )
    if len(manifest.not_compiled) > _MOST_TEXT:
        raise _refused("has a text that is too long")
    _check_decision(manifest)
    if manifest.compiled:
        _check_labels(manifest.compiled.labels, manifest.signature)


def _check_decision(manifest: Manifest) -> None:
    decision = manifest.decision
    if not 0 <= decision.least_confidence < 1 or not 0 <= decision.top <= _MOST_LABELS:
        raise _refused("has a least confidence that is no probability, or lists too many labels")
    if decision.needs_probabilities and len(manifest.signature.outputs) > 1:
        raise _refused("decides by the probabilities of several outputs")
    if decision.top and manifest.signature.outputs[0].name == TOP:
        raise _refused(f'has an output named "{TOP}", which its answers use themselves')
    _check_names("calibration", [decision.calibrated])


def _check_signature(signature: Signature) -> None:
    _check_number("inputs", len(signature.inputs), _MOST_INPUTS)
    _check_number("outputs", len(signature.outputs), _MOST_OUTPUTS)
    _check_number("ignored columns", len(signature.ignored), _MOST_INPUTS)
    for column in signature:
        if not column.name or any(letter in column.name for letter in '"\\'):
            raise _refused("has a column whose name is empty, or has a quote or a backslash")
        _check_names("column", (column.name, column.header, column.unit))
        _check_labels_text(column.categories)
        if len(set(column.categories)) < len(column.categories):
            raise _refused("has one category twice")
        _check_ends(column)
    _check_names("ignored column", signature.ignored)


def _check_ends(column: Column) -> None:
    for end in (column.minimum, column.maximum):
        if end is None:
            continue
        if type(end) not in _ENDS.get(column.kind, (int, float, str)):
            raise _refused("has a column whose range is of another kind")
        if isinstance(end, str):
            _check_moment("range", end)
        elif not math.isfinite(end):
            raise _refused("has a column whose range is not finite")


def _check_labels(labels: Iterable[str | int | bool], signature: Signature) -> None:
    found = list(labels)
    _check_number("labels", len(found), _MOST_LABELS)
    kind = signature.outputs[0].kind
    if found and any(type(label) is not _LABELS.get(kind) for label in found):
        raise _refused("has labels of another kind than its output")
    if len(set(found)) < len(found):
        raise _refused("has one label twice")
    _check_labels_text(label for label in found if isinstance(label, str))
    if any(abs(label) > 2**53 for label in found if type(label) is int):
        raise _refused("has a label beyond 2**53")


def _check_labels_text(labels: Iterable[str]) -> None:
    # What a table holds may have line ends and tabs; no request holds these.
    if any("\0" in label or len(label) > _MOST_TEXT for label in labels):
        raise _refused("has a label with a NUL, or one that is too long")


def _check_names(what: str, names: Iterable[str]) -> None:
    for name in names:
        if len(name) > _MOST_CHARACTERS:
            raise _refused(f"has the name of a {what} of over {_MOST_CHARACTERS} characters")
        if has_control(name):
            raise _refused(f"has the name of a {what} with a control character")


def _check_moment(what: str, text: str) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused(f"has a time that is none ({what})") from error
    if moment.tzinfo is None:
        raise _refused(f"has a time without an offset ({what})")


def _check_number(what: str, count: int, most: int) -> None:
    if count > most:
        raise _refused(f"has {count} {what}, and {most} are allowed")


def _refused(what: str) -> RefusedError:
    return RefusedError(f"manifest.json {what}: publish again.")
