"""Earlier values of the target: found by their time, for each series, and never from the future."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from ml_pipe.data_etl import prepare
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.forecast.lags import Lags, with_lags
from ml_pipe.runner.forecast.repeating import beside_repeating
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.splits import blocks_of
from ml_pipe.runner.table import prepared_table
from ml_pipe.runner.table.prepared_table import Facts
from ml_pipe.train_test_validate import score

PARAMETERS: dict[str, Any] = {
    "target": "load",
    "task": "",
    "leave_out": [],
    "drop_duplicates": False,
    "same_columns": True,
    "split": "time:at",
}


def hourly(rows: int = 60, start: str = "2026-01-01", freq: str = "h") -> pd.DataFrame:
    """Return a series whose value is the number of its step, and a half."""
    return pd.DataFrame(
        {"at": pd.date_range(start, periods=rows, freq=freq), "load": np.arange(rows) + 0.5}
    )


def asked(*steps: int, **others: Any) -> Lags:
    """Return what a run asks for with these lags."""
    return Lags.of({"lags": [str(step) for step in steps], "split": "time:at"} | others)


def test_a_missing_hour_is_a_gap_and_moves_nothing() -> None:
    """The row after it gets no value of the wrong hour."""
    table = hourly().drop(index=[30, 31])
    lagged, dropped, remarks = with_lags(table, ["load"], asked(1, 24))
    values = lagged["load"]
    earlier = {lag: dict(zip(values, lagged[f"load_lag_{lag}"], strict=True)) for lag in (1, 24)}
    assert np.isnan(earlier[1][32.5])
    assert earlier[1][33.5] == 32.5
    assert earlier[24][56.5] == 32.5
    assert np.isnan(earlier[24][54.5])
    assert dropped == {"without at": 0, "in the first 24 steps": 24}
    assert remarks[0].startswith("A step is 1 hour. A request holds load_lag_1, load_lag_24: ")
    assert remarks[1].endswith("load_lag_1 (1), load_lag_24 (2).")


def test_each_series_has_its_own_past() -> None:
    """Whatever the order of the rows; and its own first row."""
    one, other = hourly(), hourly(40, "2026-01-05")
    table = pd.concat([one.assign(name="a"), other.assign(name="b", load=other["load"] * 100)])
    shuffled = table.sample(frac=1, random_state=0).reset_index(drop=True)
    lagged, dropped, _ = with_lags(shuffled, ["load"], asked(2, series="name"))
    assert dropped["in the first 2 steps"] == 4
    of_a, of_b = (lagged[lagged["name"] == name] for name in "ab")
    assert (of_a["load"] - of_a["load_lag_2"] == 2).all()
    assert (of_b["load"] - of_b["load_lag_2"] == 200).all()


@pytest.mark.parametrize(
    ("freq", "start", "step"),
    [
        ("D", "2026-01-01", "1 day"),
        ("15min", "2026-01-01", "15 minutes"),
        ("7D", "2026-01-01", "7 days"),
        ("MS", "2020-01-01", "1 month"),
        ("ME", "2020-01-31", "1 month"),
        ("QS", "2010-01-01", "3 months"),
        ("YS", "1950-01-01", "12 months"),
    ],
)
def test_the_usual_step_is_recognised(freq: str, start: str, step: str) -> None:
    """Months are of different lengths, and count as one step each."""
    lagged, _, remarks = with_lags(hourly(60, start, freq), ["load"], asked(1, 12))
    assert remarks[0].startswith(f"A step is {step}. ")
    assert (lagged["load"] - lagged["load_lag_12"] == 12).all()
    assert len(lagged) == 48


def test_working_days_have_gaps_at_the_weekend() -> None:
    """The day before a Monday is a Sunday."""
    lagged, *_ = with_lags(hourly(60, "2026-01-05", "B"), ["load"], asked(1, 7))
    is_monday = lagged["at"].dt.day_of_week == 0
    assert lagged["load_lag_1"].isna().equals(is_monday)
    assert (lagged["load"] - lagged["load_lag_7"] == 5).all()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": "random"}, "lags need rows that are split in time"),
        ({"split": "group:at"}, "lags need rows that are split in time"),
        ({"lags": ["1", "-2"]}, '"-2" is no number of steps'),
        ({"lags": ["0"]}, '"0" is no number of steps'),
        ({"lags": [str(n) for n in range(1, 200)]}, "199 are too many"),
        ({"horizon": 3}, "the value of 1 steps before is not known yet 3 steps ahead"),
        ({"horizon": 0}, "a forecast is at least one step ahead"),
        ({"lags": [], "series": "name"}, "series and horizon are for a forecast"),
        ({"split": "time:name"}, '"name" holds no dates'),
        ({"series": "nowhere"}, 'no column "nowhere" for the time series'),
        ({"lags": ["50"]}, "10 rows have a time that is 50 steps of 1 hour after"),
        ({"target": "name", "split": "time:at"}, "holds no numbers"),
    ],
)
def test_what_is_no_forecast_is_refused(changes: dict[str, Any], sentence: str) -> None:
    """With a sentence that says what to do."""
    table = hourly().assign(name=["a", "b"] * 30)
    parameters = PARAMETERS | {"lags": ["1"]} | changes
    with pytest.raises(TableError, match=sentence):
        with_lags(table, [parameters["target"]], Lags.of(parameters))


def test_rows_that_are_no_series_are_refused() -> None:
    """Two rows of one moment, or moments at random."""
    twice = pd.concat([hourly(), hourly()], ignore_index=True)
    with pytest.raises(TableError, match="60 rows repeat the at of another row: if there are sev"):
        with_lags(twice, ["load"], asked(1))
    with pytest.raises(TableError, match="join them, or -p drop_duplicates=true"):
        with_lags(twice.assign(name="a"), ["load"], asked(1, series="name"))
    seconds = np.random.default_rng(0).permutation(100_000)[:60]
    odd = hourly().assign(at=pd.Timestamp("2026-01-01") + pd.to_timedelta(seconds, unit="s"))
    with pytest.raises(TableError, match="no usual step in time"):
        with_lags(odd, ["load"], asked(1))


def test_a_table_becomes_one_with_lags() -> None:
    """Its signature has them as numbers; a retraining expects them."""
    parameters = PARAMETERS | {"lags": ["1", "24"]}
    table = hourly(100).assign(heat=np.random.default_rng(0).normal(size=100))
    prepared = prepare(table, parameters)
    assert [c.name for c in prepared.signature.inputs] == [
        "at",
        "heat",
        "load_lag_1",
        "load_lag_24",
    ]
    assert list(prepared.lags) == ["load_lag_1", "load_lag_24"]
    assert any("heat: taken as known when the forecast is asked for" in n for n in prepared.notes)
    assert prepare(table, parameters, prepared.signature).remarks == []
    with pytest.raises(TableError, match="has lost, gained or changed the kind of load_lag_24"):
        prepare(table, parameters | {"lags": ["1"]}, prepared.signature)


def test_the_time_may_be_left_out() -> None:
    """Then rows are split by it, and the model does not see it."""
    prepared = prepare(hourly(100), PARAMETERS | {"lags": ["1"], "leave_out": ["at"]})
    assert [c.name for c in prepared.signature.inputs] == ["load_lag_1"]
    assert prepared.beside is not None


def test_a_model_is_compared_with_repeating() -> None:
    """A forecast that is no better than the last value is one that costs nothing."""
    lagged, *_ = with_lags(hourly(100), ["load"], asked(1, 2))
    known = Rows(lagged, lagged["load"])

    class Ahead:
        def __init__(self, more: float) -> None:
            self.more = more

        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.asarray(rows["load_lag_1"] + self.more)

    names = ["load_lag_1", "load_lag_2"]
    note, warning = beside_repeating(Ahead(1.0), known, names, "regression", score)
    assert note.startswith("On the test rows: r2 0.999 by repeating load_lag_1, 1 by the model")
    assert warning == ""
    note, warning = beside_repeating(Ahead(0.0), known, names, "regression", score)
    assert warning.startswith("The model is no better than repeating an earlier value: r2 0.999 by")
    assert note == ""
    assert beside_repeating(Ahead(0.0), known, [], "regression", score) == ("", "")


def test_blocks_of_a_forecast_have_different_lengths(tmp_path: Path) -> None:
    """Blocks of whole weeks, moved as wholes, would all have the same weekday's rhythm."""
    prepared = prepare(hourly(200, "2026-01-01", "D"), PARAMETERS | {"lags": ["7"]})
    facts = Facts(
        model="m",
        task=prepared.task,
        target="load",
        source="m.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=prepared.signature,
        lags=list(prepared.lags),
    )
    run = RunData(prepared.table, facts, tmp_path)
    parts = [run.table[:70], run.table[70:140]]
    lengths = [_lengths(found) for found in blocks_of(run, parts, "time:at")]
    assert all(len(set(each)) > 3 and sum(each) == 70 for each in lengths)
    without = RunData(prepared.table, msgspec.structs.replace(facts, lags=[]), tmp_path)
    assert set(_lengths(blocks_of(without, parts, "time:at")[0])) == {7}


def _lengths(blocks: np.ndarray | None) -> list[int]:
    return list(Counter(np.asarray(blocks).tolist()).values())


def test_a_personal_target_has_no_lags_under_other_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be shown and stored: they are personal, too."""
    prepared = prepare(hourly(200), PARAMETERS | {"lags": ["7"]})
    monkeypatch.setattr(prepared_table, "personal_columns", lambda: frozenset({"load"}))
    with pytest.raises(TableError, match="load is personal by LOG_PERSONAL_FIELDS, and load_lag_7"):
        prepared_table.save(prepared, tmp_path / "m.csv")
