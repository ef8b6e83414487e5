"""The rows that somebody should look at: the worst answers, the least certain, the oddest."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from api.pages.wording import counted, number, percent
from mlops.report.page.findings import VersionFindings, WorstRow, WorstRows
from model_store.manifest import Manifest
from monitoring.criteria import scored_version
from monitoring.feedback.comparison import comparable, label, of_output
from monitoring.feedback.logged_rows import read_rows
from monitoring.feedback.reader import LabelledRow
from monitoring.windows.rarity import rarity
from monitoring.windows.reader import Reading

NEWEST_ROWS = 2_000
"""The least certain and the oddest rows are looked for among so many, as in the label queue."""
# Eight times as rare as half of all rows are; less is chance.
_ODD_BITS = 3.0
_MANY = 1_000_000
# So many wrong answers are read whole, to show equal ones once.
_CANDIDATES = 500
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Place = tuple[int, int]


class _Recent(NamedTuple):
    """A row of the window."""

    place: Place
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    times: int = 1
    """How many are equal to it; it is the newest of them."""


@dataclass(frozen=True)
class WorstRowsFinder:
    """Finds up to `count` rows of each sort in a log."""

    log: Path
    manifest: Manifest
    count: int

    def add(
        self, found: VersionFindings, reading: Reading, labelled: Sequence[LabelledRow]
    ) -> None:
        """Add to what was found of a version.

        Args:
            found: What is added to.
            reading: The requests of its window.
            labelled: Rows with a true value.
        """
        recent = _recent(reading)
        of = scored_version(self.manifest)
        for worst in (
            *(self._errors(labelled, one.output, named=bool(of.each)) for one in of.each or [of]),
            self._uncertain(recent),
            self._odd(found, recent),
        ):
            if worst and worst.rows:
                found.worst.append(worst)

    def _errors(
        self, labelled: Sequence[LabelledRow], output: str, *, named: bool
    ) -> WorstRows | None:
        labelled = [of_output(row, output) for row in labelled]
        if self.manifest.task == "regression":
            numbers = [row for row in labelled if _error(row, output) is not None]
            worst = heapq.nlargest(_CANDIDATES, numbers, key=lambda row: _error(row, output) or 0.0)
            measures = [f"wrong by {number(_error(row, output) or 0.0)}" for row in worst]
            title = f"Largest errors of {output}" if named else "Largest errors"
        else:
            wrong = [row for row in labelled if _is_wrong(row, output)]
            worst = heapq.nlargest(_CANDIDATES, wrong, key=_certainty)
            measures = [_certain(_certainty(row)) for row in worst]
            of = f" of {output}" if named else ""
            title = f"Wrong predictions{of}, the most certain first"
        meaning = (
            f"Among the newest {counted(len(labelled), 'row')} with a true value. Check whether "
            "the model or the label is wrong, and what these rows have in common."
        )
        rows = self._rows([(row.sequence, row.row) for row in worst], measures)
        truths = {(row.sequence, row.row): row.truth for row in worst}
        distinct: dict[bytes, WorstRow] = {}
        for row in rows:
            truth = truths[row.row.sequence, row.row.row]
            key = _encode((row.row.inputs, row.row.answer, truth))
            first = distinct.get(key, row._replace(truth=truth, is_labelled=True, times=0))
            distinct[key] = first._replace(times=first.times + 1)
        return WorstRows(title, meaning, list(distinct.values())[: self.count])

    def _uncertain(self, recent: Sequence[_Recent]) -> WorstRows | None:
        rows = [row for row in recent if _shares(row.answer)]
        worst = heapq.nsmallest(self.count, rows, key=lambda row: max(_shares(row.answer)))
        measures = [_certain(max(_shares(row.answer))) for row in worst]
        meaning = (
            f"Among the newest {counted(_rows_of(rows), 'row')} with probabilities. The model was "
            "least certain about these, so that labels for them are worth most."
        )
        return WorstRows("Least certain", meaning, self._distinct(worst, measures))

    def _odd(self, found: VersionFindings, recent: Sequence[_Recent]) -> WorstRows | None:
        columns = [finding.counts.column for finding in found.columns]
        bits = [rarity(columns, row.inputs) for row in recent]
        of_rows = [bit for bit, row in zip(bits, recent, strict=True) for _ in range(row.times)]
        usual = median(of_rows) if of_rows else 0.0
        worst = [
            place
            for place in heapq.nlargest(self.count, range(len(recent)), key=bits.__getitem__)
            if bits[place] - usual >= _ODD_BITS
        ]
        measures = [_rarer(bits[place] - usual) for place in worst]
        meaning = (
            f"Among the newest {counted(_rows_of(recent), 'row')}. Their inputs are furthest from "
            "the training data: outside of its range, in categories that are rare or absent there, "
            "or missing. No test has shown how good the predictions for such rows are."
        )
        rows = self._distinct([recent[place] for place in worst], measures)
        return WorstRows("Furthest from the training data", meaning, rows)

    def _distinct(self, worst: Sequence[_Recent], measures: Sequence[str]) -> list[WorstRow]:
        times = {row.place: row.times for row in worst}
        rows = self._rows([row.place for row in worst], measures)
        return [row._replace(times=times[row.row.sequence, row.row.row]) for row in rows]

    def _rows(self, places: Sequence[Place], measures: Sequence[str]) -> list[WorstRow]:
        measure = dict(zip(places, measures, strict=True))
        rows = read_rows(self.log, places)
        return [WorstRow(row, measure[row.sequence, row.row]) for row in rows]


def _recent(reading: Reading) -> list[_Recent]:
    """Return the newest rows, the newest first, equal ones once."""
    found: dict[bytes, _Recent] = {}
    seen = 0
    for request in reversed(reading.requests):
        sides = (_decode(request.inputs), _decode(request.outputs))
        inputs, answers = (side if isinstance(side, list) else [side] for side in sides)
        rows = list(zip(range(len(inputs)), inputs, answers, strict=False))
        for row, asked, answer in islice(reversed(rows), NEWEST_ROWS - seen):
            seen += 1
            key = _encode((asked, answer))
            times = found[key].times + 1 if key in found else 1
            new = _Recent((request.sequence, row), asked, answer)
            found[key] = found.get(key, new)._replace(times=times)
        if seen >= NEWEST_ROWS:
            break
    return list(found.values())


def _rows_of(recent: Sequence[_Recent]) -> int:
    return sum(row.times for row in recent)


def _shares(answer: Mapping[str, Any]) -> list[float]:
    # A hash stands in their place where the output is personal.
    shares = answer.get("probabilities")
    return list(shares.values()) if isinstance(shares, Mapping) else []


def _certainty(row: LabelledRow) -> float:
    return max(_shares(row.answer), default=0.0)


def _rarer(bits: float) -> str:
    """Return how much rarer a row is than half of the rows are, in words."""
    if bits >= math.log2(_MANY):
        return f"over {_MANY:,} times as rare as a typical row"
    return f"{float(f'{2**bits:.1g}'):,.0f} times as rare as a typical row"


def _certain(share: float) -> str:
    return f"{percent(share)} certain" if share else "no probability"


def _error(row: LabelledRow, output: str) -> float | None:
    values = (row.answer.get(output), row.truth)
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        return None
    return float(abs(values[0] - values[1]))


def _is_wrong(row: LabelledRow, output: str) -> bool:
    answer = row.answer.get(output)
    return comparable(row.truth, answer) and label(row.truth) != label(answer)
