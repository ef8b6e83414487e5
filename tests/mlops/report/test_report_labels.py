"""Labels in a report: scores over time, and the rows that a person should check."""

from pathlib import Path

import pytest

from model_store.schema.signature import Column, Kind, Signature
from monitoring.log.writing.batch import Entry
from tests.mlops.conftest import Mlops
from tests.mlops.report.report_world import NOON, ReportLog, page_of, publish, rows_like_training

TRUE = ["Plum", "Melon"] * 20


def test_labels_that_are_not_scored_are_not_counted_as_scored(
    mlops: Mlops, local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are, as many as the settings say; the number is called what it is."""
    publish(local_data)
    monkeypatch.setenv("FEEDBACK_ROWS", "100")
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(140))
        log.label("first", ["Plum", "Melon"] * 70)
    assert "<dt>newest labelled rows scored</dt><dd>100</dd>" in page_of(mlops).text


def test_scores_over_time_have_a_scale(mlops: Mlops, local_data: Path) -> None:
    """Between 0 and 1 it can be read how good it was."""
    publish(local_data)
    with ReportLog(local_data) as log:
        for hour in range(5):
            log.answered(f"{hour}", rows_like_training(40), hours=hour)
            log.label(f"{hour}", TRUE)
    page = page_of(mlops)
    assert "Accuracy over time" in page.shown
    for tick in ("0.25", "0.5", "0.75"):
        assert f">{tick}</text>" in page.text


def test_answers_of_one_moment_have_no_picture_over_time(mlops: Mlops, local_data: Path) -> None:
    """A period has a minute at least."""
    publish(local_data)
    with ReportLog(local_data) as log:
        for place in range(10):
            log.answered(f"{place}", rows_like_training(40), hours=place / 36_000)
            log.label(f"{place}", TRUE)
    page = page_of(mlops)
    assert "Accuracy over time" not in page.shown
    assert "accuracy" in page.shown


def test_labels_that_are_no_class_are_counted(mlops: Mlops, local_data: Path) -> None:
    """The page says how many, and not which."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(100))
        log.label("first", ["Grape"] * 3 + ["Melon", *TRUE])
    page = page_of(mlops, "--worst-rows", "0")
    assert "3 labels name no class that the model answers with" in page.shown
    assert "Grape" not in page.shown


def test_equal_rows_are_shown_once(mlops: Mlops, local_data: Path) -> None:
    """Their number stands beside them, so that they do not fill the table."""
    publish(local_data)
    odd = [{"weight": 900.0, "color": "green"}, {"weight": 901.0, "color": "green"}] * 10
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(300) + odd)
        log.label("first", ["Melon", "Melon"] * 160)
    page = page_of(mlops)
    furthest = page.shown.split("Furthest from the training data", 1)[1]
    assert furthest.count(", and 9 equal rows") == 2
    assert "times as rare as a typical row" in furthest
    rows = page.table("request", "why", "predicted fruit", "true value")
    assert len({tuple(row[1:]) for row in rows}) == len(rows) == 5


def test_of_a_large_request_the_last_rows_are_read(
    mlops: Mlops, local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does the window: a rare row that 2,000 others followed is old."""
    publish(local_data)
    monkeypatch.setenv("WINDOW_ROWS", "3000")
    old, new = ({"weight": weight, "color": "green"} for weight in (900.0, 901.0))
    with ReportLog(local_data) as log:
        log.answered("first", [old, *rows_like_training(1999), new])
    page = page_of(mlops)
    furthest = page.shown.split("Furthest from the training data", 1)[1]
    assert "Among the newest 2,000 rows" in furthest
    assert "first, row 2000" in furthest
    assert "first, row 0" not in furthest


def test_the_sign_of_a_bias_is_explained(mlops: Mlops, local_data: Path) -> None:
    """Above 0 where the answers are too high."""
    number = (Column(name="y", kind=Kind.NUMBER),)
    signature = Signature(inputs=(Column(name="x", kind=Kind.NUMBER),), outputs=number)
    publish(local_data, model="line", reference={}, signature=signature, task="regression")
    with ReportLog(local_data) as log:
        asked, answered = (b"[%s]" % b",".join([row] * 30) for row in (b'{"x":1.0}', b'{"y":9.0}'))
        entry = Entry("first", NOON, "line", "v1", "answered", 30, 0.01, asked, answered)
        log.write([entry])
        log.label("first", [float(place % 3) for place in range(30)])
    page = page_of(mlops)
    scores = {row[0]: row[2] for row in page.table("score")}
    assert scores["bias (above 0: predictions are too high)"] == "8"
