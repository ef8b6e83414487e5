"""A report shows no more than the metrics do: nothing of few rows, nor of what the log hides."""

from pathlib import Path
from typing import Any

import pytest

from monitoring.criteria import view_columns
from tests.mlops.conftest import Mlops
from tests.mlops.report.report_world import (
    SIGNATURE,
    TRAINED,
    Page,
    ReportLog,
    page_of,
    publish,
    rows_like_training,
)


def pictures(page: Page) -> str:
    """Return the text alternatives of the pictures."""
    return "\n".join(a["aria-label"] or "" for _, a in page.elements if a.get("role") == "img")


def test_a_column_of_few_values_is_not_drawn(mlops: Mlops, local_data: Path) -> None:
    """Two of 30 rows have a weight: the page shows only how many are missing."""
    publish(local_data)
    rows = [{**row, "weight": None} for row in rows_like_training(28)]
    with ReportLog(local_data) as log:
        log.answered("first", rows + [{"weight": 61.7, "color": "red"}] * 2)
    page = page_of(mlops, "--worst-rows", "0")
    assert "93.3 % are missing" in page.shown
    assert "too few values are present for statistics" in page.shown
    assert "of weight from" not in pictures(page)
    assert "Shares of the values of weight" not in page.shown
    assert "Shares of color" in pictures(page)


@pytest.mark.parametrize(("count", "is_shown"), [(19, False), (20, True)])
def test_single_rows_are_shown_from_twenty_on(
    mlops: Mlops, local_data: Path, count: int, *, is_shown: bool
) -> None:
    """Below that number a sentence stands in their place."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(count))
    page = page_of(mlops)
    assert ("first, row " in page.shown) is is_shown
    assert (f"Single rows: it answered {count} rows" in page.shown) is not is_shown


def test_settings_are_said_to_be_those_of_the_command(mlops: Mlops, local_data: Path) -> None:
    """The service may have others."""
    with ReportLog(local_data):
        pass
    assert "By the settings of this command, which may differ" in page_of(mlops).shown


def test_columns_that_the_log_holds_as_hashes_are_named(mlops: Mlops, local_data: Path) -> None:
    """The other columns are shown, also where the command does not know which are personal."""
    publish(local_data)
    with ReportLog(local_data, personal_fields=frozenset({"color"})) as log:
        log.declare("fruit", view_columns(SIGNATURE))
        log.answered("first", rows_like_training(150))
    page = page_of(mlops)
    assert "Statistics of color: the log holds the values as hashes." in page.shown
    assert "of weight from" in pictures(page)
    assert "of color" not in pictures(page)
    assert "<h4>color</h4>" not in page.text
    assert "hmac:" not in page.text


def test_a_hash_is_no_wrong_answer(mlops: Mlops, local_data: Path) -> None:
    """A label that was hashed says nothing of an answer that was not."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(150))
    with ReportLog(local_data, personal_fields=frozenset({"fruit"})) as log:
        log.declare("fruit", view_columns(SIGNATURE))
        log.label("first", ["Plum"] * 150)
    assert "Wrong answers" not in page_of(mlops).shown


def test_a_period_in_which_the_clock_jumped_says_so(mlops: Mlops, local_data: Path) -> None:
    """Drift and scores are of a stretch of the log, which then holds other rows, too."""
    publish(local_data)
    with ReportLog(local_data) as log:
        for name, hour in (("a", 1.0), ("b", 9.0), ("c", 2.0)):
            log.answered(name, rows_like_training(100), hours=hour)
    page = page_of(mlops, "--until", "2026-11-21T15:00")
    assert "200 rows in 2 requests" in page.shown
    assert "100 rows between its requests have times outside of it" in page.shown
    assert "have times outside" not in page_of(mlops).shown


def test_missing_values_are_drawn(mlops: Mlops, local_data: Path) -> None:
    """A column that drifted by them alone looks the same without."""
    publish(local_data)
    rows = [
        {key: None if place % 3 == 0 else value for key, value in row.items()}
        for place, row in enumerate(rows_like_training(300))
    ]
    with ReportLog(local_data) as log:
        log.answered("first", rows)
    page = page_of(mlops)
    assert "Missing: 33.3 % of the rows, in training 0 %." in pictures(page)
    assert "missing 33.3 %, in training 0 %" in pictures(page)
    assert page.text.count(">missing</text>") == 2


def test_training_stands_beside_the_statistics(mlops: Mlops, local_data: Path) -> None:
    """The reference decides what is shown; the words name its median."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(300))
    page = page_of(mlops)
    before = {row[0]: row[1] for row in page.table("measure", "training", "now")}
    median = sorted(TRAINED["weight"])[499]
    assert f"(training: {median:g})" in page.shown
    expected: dict[str, Any] = {
        "rows": "1,000",
        "minimum": "0",
        "median": f"{median:g}",
        "mean": "",
    }
    assert {name: before[name] for name in expected} == expected
