"""The verdict on a version: what weighs how much, and in which words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mlops.report.page.findings import VersionFindings
from mlops.report.page.scores_view import curve_view
from mlops.report.page.verdict import Level, verdict
from model_store.manifest import Manifest, Score, Task
from model_store.schema.signature import Column, Kind, Signature
from monitoring.feedback.answer_scores import ScoredVersion
from monitoring.feedback.live_scores import Estimate, LiveScores, Period
from monitoring.log.database.views import Side
from monitoring.log.reading.traffic import VersionTraffic
from monitoring.log.span import Span
from monitoring.windows.drift import ColumnDrift, Drift
from monitoring.windows.observation import Observation

TRAINED = {"accuracy": 0.9, "r2": 0.9, "mean_absolute_error": 2.0, "r2 (north)": 0.9}


def drift(drifted: int, columns: int = 10) -> Drift:
    """Return the drift of so many columns, some of them drifted; a third of them is the whole."""
    found = tuple(
        ColumnDrift(f"c{n}", 0.1 * (columns - n), 0.1, 0.001, n < drifted) for n in range(columns)
    )
    return Drift(found, drifted / columns, drifted / columns >= 0.3)


def findings(
    inputs: Drift | None = None,
    outputs: Drift | None = None,
    scores: Mapping[str, float] | None = None,
    rows: int = 200,
    estimate: Estimate | None = None,
) -> VersionFindings:
    """Return what was found of a version."""
    sides: dict[Side, Drift] = {}
    if inputs:
        sides["input"] = inputs
    if outputs:
        sides["output"] = outputs
    task: Task = "classification"
    of = ScoredVersion("m", "v1", "y", task)
    number = Column(name="x", kind=Kind.NUMBER)
    manifest = Manifest(
        model="m",
        version="v1",
        created="",
        task=task,
        estimator="skops",
        signature=Signature(inputs=(number,), outputs=(number,)),
        scores=tuple(Score(metric=m, split="test", value=v) for m, v in TRAINED.items()),
        python="",
        packages={},
    )
    return VersionFindings(
        VersionTraffic("m", "v1", Span()),
        manifest=manifest,
        observation=Observation("m", "v1", 1000, drift=sides),
        scores=LiveScores(of, rows if scores else 0, scores or {}, estimate=estimate),
    )


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (findings(drift(0), drift(0, 1), {"accuracy": 0.85}), Level.TRUSTED),
        (findings(drift(0), drift(0, 1)), Level.UNCONTRADICTED),
        (findings(drift(1), drift(0, 1)), Level.CARE),
        (findings(drift(3), drift(0, 1)), Level.DOUBTED),
        (findings(drift(3), drift(0, 1), {"accuracy": 0.85}), Level.CARE),
        (findings(drift(0), drift(1, 1)), Level.DOUBTED),
        (findings(drift(0), drift(1, 1), {"accuracy": 0.9}), Level.CARE),
        (findings(drift(0), drift(0, 1), {"accuracy": 0.79}), Level.DOUBTED),
        (findings(drift(0), None, {"mean_absolute_error": 2.4}), Level.TRUSTED),
        (findings(drift(0), None, {"mean_absolute_error": 2.6}), Level.DOUBTED),
        (findings(drift(0), None, {"accuracy": 0.1}, rows=99), Level.CARE),
        (findings(drift(0), None, {"accuracy": 0.9}, rows=99), Level.UNCONTRADICTED),
        (findings(None, None, {"accuracy": 0.9}), Level.CARE),
        (findings(), Level.UNKNOWN),
    ],
)
def test_labels_weigh_more_than_drift(found: VersionFindings, level: Level) -> None:
    """A low score dooms a version; one that holds makes drift a reason for care, not for doubt."""
    assert verdict(found).level is level


def test_the_sentence_names_the_reasons() -> None:
    """The most drifted columns, how many there are, and what was promised."""
    sentence = verdict(findings(drift(4), None, {"accuracy": 0.7})).sentence
    assert sentence == (
        "Its accuracy is 0.7 (0.9 on its test data), measured on 200 labelled rows; 4 of 10 "
        "input columns have drifted away from the training data (c0, c1, c2 and 1 more)."
    )


def test_every_score_that_fails_is_named() -> None:
    """An error of several times that of the test data is not hidden by another score."""
    scores = {"r2": 0.5, "mean_absolute_error": 7.6}
    assert verdict(findings(scores=scores)).sentence.startswith(
        "Its R² is 0.5 (0.9 on its test data) and its mean absolute error is 7.6 (2 on its test "
        "data), measured on 200 labelled rows"
    )


def test_an_estimate_is_called_one() -> None:
    """It proves nothing: the word stays cautious."""
    estimate = Estimate(500, {"accuracy": 0.93}, calibrated=False)
    judged = verdict(findings(drift(0), None, estimate=estimate))
    assert judged.level is Level.UNCONTRADICTED
    assert "give an estimated accuracy of 0.93" in judged.sentence


def test_few_labels_prove_little() -> None:
    """The sentence says so, whatever they show."""
    assert "prove little" in verdict(findings(drift(0), None, {"accuracy": 0.1}, rows=99)).sentence


def test_one_of_several_outputs_that_is_much_worse_decides() -> None:
    """The sentence names it; it is judged as the score of one output is."""
    found = verdict(findings(drift(0), scores={"r2": 0.85, "r2 (north)": 0.7, "r2 (south)": 1.0}))
    assert found.level is Level.DOUBTED
    assert "R² of north is 0.7 (0.9 on its test data)" in found.sentence
    alone = verdict(findings(drift(0), scores={"r2 (south)": 1.0, "coverage": 0.9}))
    assert "its R² of south is 1" in alone.sentence


def test_the_curve_is_of_all_outputs_or_of_the_first() -> None:
    """The others stand in the table of scores."""
    found = findings()
    scores = {"mean_absolute_error (north)": 2.0, "r2 (north)": 0.5, "r2 (south)": 0.75}
    times = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
    spans = list(pairwise(times))
    found.periods = [Period(start, end, 50, scores) for start, end in spans]
    curve = curve_view(found)
    assert curve
    assert curve.title == "mean absolute error of north"
    found.periods = [Period(start, end, 50, scores | {"r2": 0.625}) for start, end in spans]
    together = curve_view(found)
    assert together
    assert together.title == "R²"
