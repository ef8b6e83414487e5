"""What is monitored of a version and when it counts as drift, from its manifest and the settings.

The service, its reports and later its gates judge by these same criteria. The manifest and the
settings are described here as protocols, so that this package imports neither.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from monitoring.feedback.answer_scores import ScoredInterval, ScoredVersion
from monitoring.feedback.comparison import Task
from monitoring.log.database.views import ViewColumn
from monitoring.windows.columns import WindowColumn, window_columns
from monitoring.windows.drift import Thresholds

# Integer classes are listed one by one up to this many.
_MAX_INTEGER_CLASSES = 1_000


class SignatureColumn(Protocol):
    """A column of a signature: `model_store.schema.signature.Column`."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as the signature documents it
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def categories(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def minimum(self) -> float | str | None: ...  # noqa: D102
    @property
    def maximum(self) -> float | str | None: ...  # noqa: D102


class Interval(Protocol):
    """The bounds of an output: `model_store.schema.signature.Interval`."""

    @property
    def lower(self) -> str: ...  # noqa: D102
    @property
    def upper(self) -> str: ...  # noqa: D102
    @property
    def coverage(self) -> float: ...  # noqa: D102


class Signature(Protocol):
    """All columns of a version, inputs first."""

    @property
    def targets(self) -> Sequence[SignatureColumn]: ...  # noqa: D102
    @property
    def interval(self) -> Interval | None: ...  # noqa: D102

    @property
    def inputs(self) -> Sequence[SignatureColumn]: ...  # noqa: D102
    @property
    def outputs(self) -> Sequence[SignatureColumn]: ...  # noqa: D102
    def __iter__(self) -> Iterator[SignatureColumn]: ...


class Manifest(Protocol):
    """What a version says of itself: `model_store.manifest.Manifest`."""

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def task(self) -> Task: ...  # noqa: D102
    @property
    def signature(self) -> Signature: ...  # noqa: D102


class DriftSettings(Protocol):
    """The settings of drift: `settings.settings.Settings`."""

    @property
    def drift_psi(self) -> float: ...  # noqa: D102
    @property
    def drift_alpha(self) -> float: ...  # noqa: D102
    @property
    def drift_min_rows(self) -> int: ...  # noqa: D102
    @property
    def drift_dataset_share(self) -> float: ...  # noqa: D102
    @property
    def drift_columns(self) -> Mapping[str, float]: ...  # noqa: D102


def thresholds(settings: DriftSettings) -> Thresholds:
    """Return the limits beyond which a column, and the dataset, count as drifted."""
    return Thresholds(
        psi=settings.drift_psi,
        alpha=settings.drift_alpha,
        fewest_rows=settings.drift_min_rows,
        drifted_share=settings.drift_dataset_share,
        columns=settings.drift_columns,
    )


def scored_version(manifest: Manifest) -> ScoredVersion:
    """Return the outputs and the classes by which a version is scored."""
    signature = manifest.signature
    found = [_scored(manifest, output) for output in signature.targets]
    interval = signature.interval
    bounds = None
    if interval:
        bounds = ScoredInterval(interval.lower, interval.upper, interval.coverage)
    return replace(found[0], each=tuple(found) if len(found) > 1 else (), interval=bounds)


def _scored(manifest: Manifest, output: SignatureColumn) -> ScoredVersion:
    classes = _classes(output) if manifest.task == "classification" else ()
    return ScoredVersion(
        manifest.model, manifest.version, output.name, manifest.task, frozenset(classes)
    )


def view_columns(signature: Signature) -> list[ViewColumn]:
    """Return the columns of a signature as the views of the prediction log show them."""
    columns = [ViewColumn(c.name, str(c.kind), "input") for c in signature.inputs]
    return columns + [ViewColumn(c.name, str(c.kind), "output") for c in signature.outputs]


def monitored_columns(
    manifest: Manifest, reference: bytes, *, personal_fields: Collection[str]
) -> tuple[WindowColumn, ...]:
    """Return the columns of a version's window.

    Args:
        manifest: The version's.
        reference: Its reference profile, JSON.
        personal_fields: Columns that the log does not hold in clear; they are left out.
    """
    return window_columns(
        view_columns(manifest.signature),
        json.loads(reference),
        seen={c.name: c.categories for c in manifest.signature if c.categories},
        # Of inputs alone: an output's range is that of the target, not of what was predicted.
        ranges={
            c.name: (c.minimum, c.maximum)
            for c in manifest.signature.inputs
            # That of an array is of its numbers, and not of its summaries.
            if c.minimum is not None and c.maximum is not None and str(c.kind) != "array"
        },
        leave_out=personal_fields,
    )


def _classes(output: SignatureColumn) -> Iterable[str]:
    """Return the classes that a classifier may answer with, as texts; none where unknown."""
    if output.kind == "boolean":
        return ("false", "true")
    if output.kind == "integer" and output.minimum is not None and output.maximum is not None:
        numbers = range(int(output.minimum), int(output.maximum) + 1)
        return map(str, numbers) if len(numbers) <= _MAX_INTEGER_CLASSES else ()
    return output.categories
