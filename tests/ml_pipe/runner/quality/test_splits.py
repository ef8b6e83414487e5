"""Splits by time, by group, and as a column says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.splits import as_predefined, blocks_of, by_group, by_time, split_by
from ml_pipe.runner.table.prepared_table import Facts
from ml_pipe.runner.table.split_column import split_kind
from model_store.schema.infer_signature import infer_signature

RNG = np.random.default_rng(0)


def run_of(table: pd.DataFrame, beside: pd.DataFrame | None = None) -> RunData:
    """Return a run on a table with the target y."""
    facts = Facts(
        model="m",
        task="classification",
        target="y",
        source="m.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=infer_signature(table[["x"]], table[["y"]].astype("category")),
    )
    return RunData(table, facts, Path("nowhere"), beside)


def test_time_trains_on_the_oldest_rows() -> None:
    """Rows of one day stay together, rows without a day are trained on."""
    drawn = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 40, 100), "D"))
    days = drawn.where(drawn.index >= 5)
    parts = by_time(days, (0.2, 0.2))
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
    assert set(range(5)) <= set(parts["train"])
    latest = days.iloc[parts["train"]].max()
    assert latest < days.iloc[parts["test"]].min()
    assert days.iloc[parts["test"]].max() < days.iloc[parts["validation"]].min()
    assert abs(len(parts["validation"]) - 20) <= 5


def test_a_group_is_in_one_split() -> None:
    """With about the shares that were asked for, and labels in each."""
    groups = pd.Series(RNG.integers(0, 30, 300), name="patient")
    truth = pd.Series(RNG.choice(["a", "b"], 300))
    parts = by_group(groups, truth, "classification", (0.2, 0.2), 0)
    names = [set(groups.iloc[places]) for places in parts.values()]
    assert sum(map(len, names)) == 30
    assert 40 <= len(parts["test"]) <= 85
    assert 40 <= len(parts["validation"]) <= 85
    with pytest.raises(TableError, match="has 2 groups"):
        by_group(groups % 2, truth, "classification", (0.2, 0.2), 0)


def test_a_column_says_which_row_is_for_what() -> None:
    """In its usual spellings; without a validation, some rows of training are taken."""
    marks = pd.Series(["Train", "test ", "val", "train"] * 5, name="part")
    parts = as_predefined(marks, 0.2, 0)
    assert [len(rows) for rows in parts.values()] == [10, 5, 5]
    parts = as_predefined(marks.replace("val", "train"), 0.2, 0)
    assert [len(rows) for rows in parts.values()] == [11, 5, 4]
    with pytest.raises(TableError, match='The column "part" says "later": a predefined split says'):
        as_predefined(pd.Series(["train", "later"], name="part"), 0.2, 0)


def test_the_column_may_stand_beside_the_table() -> None:
    """The model does not learn from it."""
    table = pd.DataFrame({"x": np.arange(20.0), "y": ["a", "b"] * 10})
    beside = pd.DataFrame({"part": ["train"] * 12 + ["test"] * 4 + ["validation"] * 4})
    splits = split_by(run_of(table, beside), "predefined:part", (0.2, 0.2), 0)
    assert {name: list(rows) for name, rows in splits.items()} == {
        name: ["x", "y"] for name in ("train", "test", "validation")
    }
    with pytest.raises(TableError, match='no column "part" to split by: the table has x, y'):
        split_by(run_of(table), "predefined:part", (0.2, 0.2), 0)
    with pytest.raises(TableError, match="leaves no rows for test"):
        split_by(run_of(table.assign(same=1)), "time:same", (0.2, 0.2), 0)


@pytest.mark.parametrize("split", ["time", "random:x", "weekly:day", "group:", ""])
def test_an_unknown_split_is_refused(split: str) -> None:
    """With the ones that there are."""
    with pytest.raises(TableError, match="write random, time:<column>"):
        split_kind(split)


def test_rows_of_a_group_or_of_some_days_are_alike() -> None:
    """Unless the groups are too few to be compared."""
    table = pd.DataFrame({"x": np.arange(80.0), "y": ["a", "b"] * 40, "g": np.arange(80) // 4})
    first, second = blocks_of(run_of(table), [table[:40], table[40:]], "group:g")
    assert first is not None
    assert second is not None
    assert first.tolist() == (np.arange(40) // 4).tolist()
    assert not set(first) & set(second)
    days = blocks_of(run_of(table), [table[:40], table[40:]], "time:x")
    assert [len(set(part)) for part in days if part is not None] == [10, 10]
    few = table.assign(g=np.arange(80) // 20)
    assert blocks_of(run_of(few), [few[:40], few[40:]], "group:g") == [None, None]
    assert blocks_of(run_of(table), [table[:40]], "random") == [None]
