"""The smallest world of a report: versions that were never trained, and their log."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import Result

from model_store import bundle
from model_store.manifest import Manifest, Origin, Score, Task
from model_store.schema.signature import Column, Kind, Signature
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback
from monitoring.statistics import profile

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
TRAINED = {
    "weight": np.arange(1000.0) % 100,
    "color": np.array(["red", SCRIPT] * 500, dtype=object),
    "fruit": np.array(["Plum", "Melon"] * 500, dtype=object),
}
SCORES: dict[Task, dict[str, float]] = {
    "classification": {"accuracy": 0.9},
    "regression": {"r2": 0.9, "mean_absolute_error": 2.0},
}
KINDS = {"weight": "number", "color": "category", "fruit": "category"}
SIGNATURE = Signature(
    inputs=(
        Column(name="weight", kind=Kind.NUMBER),
        Column(name="color", kind=Kind.CATEGORY, categories=("red", SCRIPT)),
    ),
    outputs=(Column(name="fruit", kind=Kind.CATEGORY, categories=("Plum", "Melon")),),
)


def publish(  # noqa: PLR0913 - one for each thing in which versions differ
    local_data: Path,
    version: str = "v1",
    model: str = "fruit",
    *,
    reference: Mapping[str, Any] | None = None,
    signature: Signature = SIGNATURE,
    task: Task = "classification",
) -> None:
    """Put a version into the store that nobody can load: a report does not need to."""
    if reference is None:
        reference = profile(TRAINED, KINDS)
    folder = local_data / "models" / model / version
    folder.mkdir(parents=True)
    manifest = Manifest(
        model=model,
        version=version,
        created="2026-11-20T12:00:00Z",
        task=task,
        estimator="skops",
        signature=signature,
        scores=tuple(Score(metric=m, split="test", value=v) for m, v in SCORES[task].items()),
        origin=Origin(run="run-1"),
        python="3.11",
        packages={},
    )
    contents = {
        "model.skops": b"",
        bundle.GOLDEN: b"{}",
        bundle.REFERENCE: json.dumps(reference).encode(),
        bundle.CARD: b"",
    }
    bundle.write(folder, manifest, contents)


def rows_like_training(count: int) -> list[dict[str, Any]]:
    """Return inputs that are distributed as in training."""
    places = (np.arange(count) * 37) % 1000
    return [
        {"weight": float(TRAINED["weight"][i]), "color": str(TRAINED["color"][i])} for i in places
    ]


def answers_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an answer to each row, as many of either fruit, with probabilities."""
    fruits = [("Plum", "Melon")[place % 2] for place in range(len(rows))]
    return [
        {"fruit": fruit, "probabilities": {fruit: 0.9, ("Melon", "Plum")[fruit == "Melon"]: 0.1}}
        for fruit in fruits
    ]


class ReportLog(PredictionLog):
    """The log of a service, with short calls to write it."""

    def __init__(self, local_data: Path, **options: Any) -> None:
        super().__init__(
            local_data / "predictions.sqlite",
            LogOptions(key=b"k" * 32, **options),
            lambda: NOON + timedelta(days=1),
        )

    def answered(
        self,
        request_id: str,
        rows: Sequence[Mapping[str, Any]],
        version: str = "v1",
        *,
        model: str = "fruit",
        hours: float = 0,
    ) -> None:
        """Log a request that came so many hours after noon."""
        # Without spaces, as the service writes.
        compact = json.JSONEncoder(separators=(",", ":")).encode
        asked, answered = (compact(side).encode() for side in (rows, answers_of(rows)))
        time = NOON + timedelta(hours=hours)
        names = (request_id, time, model, version)
        self.write([Entry(*names, "answered", len(rows), 0.004, asked, answered)])

    def label(self, request_id: str, truths: Iterable[Any]) -> None:
        """Add the true values of the first rows of a request."""
        self.add_feedback(Feedback(request_id, row, value) for row, value in enumerate(truths))


def page_of(mlops: Callable[..., Result], *options: str) -> "Page":
    """Write a report and read it."""
    result = mlops("report", *options)
    assert result.exit_code == 0, result.stderr
    return Page(Path(result.stdout.strip()).read_text())


class Page(HTMLParser):
    """A page, taken apart as a browser would."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._tables: list[list[list[str]]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self._tables.append([])
        elif tag == "tr":
            self._tables[-1].append([])
        elif tag in {"td", "th"}:
            self._tables[-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._in_cell:
            self._tables[-1][-1][-1] += data

    @property
    def shown(self) -> str:
        """What stands on the page, without its tags."""
        return "".join(self.words)

    def table(self, *headings: str) -> list[list[str]]:
        """Return the rows of the first table with these first headings."""
        for table in self._tables:
            if table and table[0][: len(headings)] == list(headings):
                return table[1:]
        raise AssertionError(f"There is no table {headings}.")

    def verdicts(self) -> list[str]:
        """Return the words of the badges of the versions, in order."""
        return re.findall(r'class="badge \w+">. ([^<]+)</span><h4', self.text)
