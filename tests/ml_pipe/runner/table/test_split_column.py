"""The column by which rows are split."""

import pandas as pd

from ml_pipe.data_etl import prepare
from model_store.schema.signature import Kind

TABLE = pd.DataFrame(
    {
        "patient id": [f"p-{number:03d}" for number in range(40)],
        "part": ["train", "test"] * 20,
        "day": pd.date_range("2024-01-01", periods=40),
        "x": [number / 7 for number in range(40)],
        "y": ["a", "b"] * 19 + [None, "a"],
    }
)
USUAL = {"target": "y", "task": "", "leave_out": [], "drop_duplicates": False, "same_columns": True}


def test_a_group_or_a_part_is_set_aside() -> None:
    """An identifier too, which is left out otherwise; requests may still hold it."""
    for name, kind in (("patient id", "group"), ("part", "predefined")):
        prepared = prepare(TABLE, USUAL | {"split": f"{kind}:{name}"})
        assert prepared.beside is not None
        assert list(prepared.beside.columns) == [name]
        assert len(prepared.beside) == len(prepared.table) == 39
        assert name not in prepared.table
        assert prepared.left_out[name] == "the rows are split by it"
        assert name in prepared.signature.ignored


def test_a_date_stays_an_input() -> None:
    """Unless it was to be left out."""
    kinds = {c.name: c.kind for c in prepare(TABLE, USUAL | {"split": "time:day"}).signature.inputs}
    assert kinds["day"] is Kind.DATETIME
    left = prepare(TABLE, USUAL | {"split": "time:day", "leave_out": ["day"]})
    assert left.beside is not None
    assert "day" not in left.table
    assert left.beside["day"].is_monotonic_increasing


def test_a_random_split_sets_nothing_aside() -> None:
    """Nor does a table whose notebook knows of no split."""
    assert prepare(TABLE, USUAL | {"split": "random"}).beside is None
    assert prepare(TABLE, USUAL).beside is None
