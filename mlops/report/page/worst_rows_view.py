"""Tables of single rows on the page; what is personal is hidden."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from api.pages.wording import counted, percent
from mlops.report.page.array_picture import ArrayPicture, array_picture
from mlops.report.page.findings import VersionFindings, WorstRow, WorstRows
from mlops.report.page.values import logged_value
from model_store.schema.signature import Column
from monitoring.log.privacy import is_hash

_HIDDEN = "hidden (personal)"
_MISSING = "missing"


class WorstRowView(NamedTuple):
    """A row that somebody should look at."""

    request_id: str
    place: int
    """Its place in the request, from 0 on."""
    like_it: str
    """How many rows are equal to it; empty where none is."""
    cells: list[str | ArrayPicture]


class WorstRowsView(NamedTuple):
    """A table of such rows."""

    title: str
    meaning: str
    headings: list[str]
    rows: list[WorstRowView]


def worst_rows_view(
    worst: WorstRows, found: VersionFindings, personal: frozenset[str]
) -> WorstRowsView:
    """Return a table of rows without the values of the columns that `personal` names."""
    inputs = list(dict.fromkeys(name for row in worst.rows for name in row.row.inputs))
    outputs = [c.name for c in found.manifest.signature.outputs] if found.manifest else []
    is_labelled = any(row.is_labelled for row in worst.rows)
    has_shares = any("probabilities" in row.row.answer for row in worst.rows)
    is_hidden = any(name in personal for name in outputs)
    arrays = (
        {c.name: c for c in found.manifest.signature.inputs if c.shape} if found.manifest else {}
    )

    def cells(row: WorstRow) -> list[str | ArrayPicture]:
        answers = [_cell(row.row.answer, name, personal) for name in outputs]
        # A classifier that is not sure enough answers null.
        shown: list[str | ArrayPicture] = [row.measure]
        shown += ["not answered" if each == _MISSING else each for each in answers]
        if is_labelled:
            shown.append(_HIDDEN if is_hidden else logged_value(row.truth))
        if has_shares:
            shown.append(_probabilities(row.row.answer, is_hidden=is_hidden))
        return shown + [_cell(row.row.inputs, name, personal, arrays) for name in inputs]

    return WorstRowsView(
        worst.title,
        worst.meaning,
        [
            "request",
            "why",
            *(f"predicted {name}" for name in outputs),
            *(["true value"] if is_labelled else []),
            *(["probabilities"] if has_shares else []),
            *inputs,
        ],
        [
            WorstRowView(
                row.row.request_id,
                row.row.row,
                counted(row.times - 1, "equal row") if row.times > 1 else "",
                cells(row),
            )
            for row in worst.rows
        ],
    )


def _cell(
    row: Mapping[str, Any],
    name: str,
    personal: frozenset[str],
    arrays: Mapping[str, Column] = MappingProxyType({}),
) -> str | ArrayPicture:
    if name not in row:
        return ""
    value = row[name]
    # The log may be older than the setting, and hold it in clear.
    if name in personal and not is_hash(value):
        return _HIDDEN
    if value is None:
        return _MISSING
    if name in arrays and not is_hash(value):
        return array_picture(value, arrays[name])
    return logged_value(value)


def _probabilities(answer: Mapping[str, Any], *, is_hidden: bool) -> str:
    found = answer.get("probabilities")
    if found is None:
        return ""
    if is_hidden or not isinstance(found, Mapping):
        return _HIDDEN
    shares = sorted(found.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {percent(share)}" for label, share in shares[:3])
