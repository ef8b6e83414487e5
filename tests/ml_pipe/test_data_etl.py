"""Recognising, checking and saving a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_pipe.data_etl import clean, describe, prepare, reason_for, signature_of, task_of
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.figures import plot_columns, plot_missing, plot_target
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import as_raw
from ml_pipe.runner.reading.recognise import recognise
from ml_pipe.runner.run.model_name import model_name
from ml_pipe.runner.run.run_folder import RunReport
from ml_pipe.runner.table.column_names import check_names
from ml_pipe.runner.table.last_version import align, compare, expected_signature, last_signature
from model_store.errors import InvalidNameError
from model_store.schema.conform import conform
from model_store.schema.signature import Kind, Signature
from tests.mixed_table import mixed_table


def recognised(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of somebody's own making with the types that its values show."""
    options = ReadingOptions(keep=tuple(map(str, table)))
    return recognise(as_raw(table.assign(target=1)), "target", options).table.drop(columns="target")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["2024-02-29", "2024-03-01T10:00:00Z", None], "datetime64[us, UTC]"),
        (["2024-02-30", "x"], "object"),
        (["rot", "blau", None, "rot"] * 4, "category"),
        ([f"street {number}" for number in range(20)], "object"),
        ([1.0, None, 3.0], "Int64"),
        ([1.0, 2.0, 3.0], "float64"),
        ([1.5, None], "float64"),
    ],
)
def test_a_column_gets_the_type_that_its_values_show(values: list[object], dtype: str) -> None:
    """ISO dates, few texts and whole numbers with gaps are recognised; nothing is guessed."""
    is_text = any(isinstance(value, str) for value in values)
    series = pd.Series(values, dtype=object if is_text else None)
    assert str(recognised(series.to_frame("a"))["a"].dtype) == dtype


@pytest.mark.parametrize(
    ("labels", "wanted", "task"),
    [
        (["a", "b"] * 4, "", "classification"),
        ([True, False] * 4, "", "classification"),
        ([1, 2, 3] * 4, "", "classification"),
        (list(range(20)), "", "regression"),
        ([0.5, 1.5] * 4, "", "regression"),
        ([1, 2, 3] * 4, "regression", "regression"),
        ([1.0, 2.0] * 4, "classification", "classification"),
        ([0.0, 1.0] * 4, "", "classification"),
    ],
)
def test_the_target_tells_the_task(labels: list[object], wanted: str, task: str) -> None:
    """Unless the task is given."""
    assert task_of(pd.Series(labels), wanted) == task


@pytest.mark.parametrize(
    ("labels", "wanted", "sentence"),
    [
        (["a"] * 8, "", "same value in every row"),
        ([2.5] * 8, "", "same value in every row"),
        (["a", "b"], "regression", "holds no numbers"),
        ([True, False], "regression", "holds no numbers"),
        ([0.5, 1.5] * 4, "classification", "no labels"),
        (list("abcdefgh"), "", "no labels"),
        ([f"label {number}" for number in range(501)] * 3, "", "501 labels.*at most 500"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "", "is a date"),
        (["a", "b"], "clustering", 'There is no task "clustering"'),
    ],
)
def test_a_target_that_cannot_be_predicted_is_reported(
    labels: list[object], wanted: str, sentence: str
) -> None:
    """The sentence says what to do instead."""
    with pytest.raises(TableError, match=sentence):
        task_of(pd.Series(labels, name="y"), wanted)


def test_the_reason_for_a_task_names_the_other_one() -> None:
    """Whole numbers can be either; labels and decimals cannot."""
    reasons = [
        reason_for(pd.Series([0.0, 1.0] * 4, name="y"), "classification"),
        reason_for(pd.Series(range(40), name="y"), "regression"),
        reason_for(pd.Series([0.5, 1.5], name="y"), "regression"),
        reason_for(pd.Series(["a", "b"], name="y"), "classification"),
    ]
    assert "2 distinct whole numbers, which are few; task=regression makes" in reasons[0]
    assert "40 distinct whole numbers, which are many; task=classification makes" in reasons[1]
    assert "numbers with decimals, and a classification needs labels" in reasons[2]
    assert "holds 2 distinct labels, and a regression needs numbers" in reasons[3]


def test_a_missing_column_is_reported_with_the_names_that_come_near() -> None:
    """For the target as for columns to leave out."""
    table = pd.DataFrame({"Variety": [1], "length": [2]})
    with pytest.raises(TableError, match='no column "variety": it has Variety and others'):
        check_names(table, "variety")
    with pytest.raises(TableError, match='no column "lenght": it has length'):
        check_names(table, "Variety", ["lenght"])
    with pytest.raises(TableError, match="no column to learn from"):
        check_names(table, "Variety", ["length"])


def test_cleaning_drops_little_and_counts_it() -> None:
    """Rows without a target always, repeated rows on request, others never."""
    table = pd.DataFrame({"a": [1, 1, None, 4] * 10, "y": ["u", "u", "v", None] * 10})
    assert clean(table, "y")[1] == {"without target": 10, "duplicate": 0}
    with pytest.raises(TableError, match="2 of the table's rows have a target, which is too few"):
        clean(table, "y", drop_duplicates=True)


def fit(table: pd.DataFrame, target: str) -> tuple[pd.DataFrame, Signature]:
    """Return a table as a run has it after recognising, and its signature."""
    table = recognised(table)
    signature = signature_of(table, target, task_of(table[target]))
    return conform(table, tuple(signature)), signature


def test_kinds_of_a_mixed_table() -> None:
    """Twenty columns as people bring them."""
    _, signature = fit(mixed_table(200, seed=1), "amount")
    kinds = {column.name: (column.kind.value, column.nullable) for column in signature}
    assert kinds == {
        "rooms": ("integer", False),
        "floor": ("integer", True),
        "small int": ("integer", False),
        "size": ("number", False),
        "weight (kg)": ("number", True),
        "share %": ("number", False),
        "constant": ("number", False),
        "temperature °C": ("number", True),
        "is new": ("boolean", False),
        "has garden": ("boolean", True),
        "Stadt": ("category", False),
        "Größe": ("category", True),
        "code, old": ("category", False),
        "letter": ("category", False),
        "built": ("datetime", False),
        "seen last": ("datetime", True),
        "comment": ("string", False),
        "price $": ("number", False),
        "Label": ("category", False),
        "amount": ("number", False),
    }


class TestExpectation:
    """A table is held to what the last version of its model saw."""

    def test_the_same_kind_of_table_passes(self) -> None:
        """The table itself, and other rows of it."""
        table, signature = fit(mixed_table(200, seed=1), "amount")
        assert compare(table, signature) == []
        assert compare(table.iloc[::3], signature) == []

    def test_other_columns_and_kinds_are_refused(self) -> None:
        """All of them in one sentence."""
        table, signature = fit(mixed_table(200, seed=1), "amount")
        changed = table.drop(columns="rooms").assign(new=1, size="large", built=1.5)
        with pytest.raises(TableError, match="changed the kind of built, new, rooms, size"):
            compare(changed, signature)

    def test_other_values_are_remarked_on(self) -> None:
        """Numbers, dates and categories that were not there before, and new gaps."""
        table, signature = fit(mixed_table(200, seed=1), "amount")
        table.loc[table.index[:2], "rooms"] = 99
        table.loc[table.index[:3], "Stadt"] = "Wien"
        table.loc[table.index[:4], "built"] = pd.Timestamp("1999-01-01")
        table.loc[table.index[:5], "size"] = np.nan
        assert sorted(compare(table, signature)) == [
            f"{name}: values that the last version did not see, in {rows} rows"
            for name, rows in (("Stadt", 3), ("built", 4), ("rooms", 2), ("size", 5))
        ]

    def test_columns_are_read_as_they_were_then(self) -> None:
        """A number that is whole this time stays a number, and a text a text."""
        then = pd.DataFrame({"n": [1.5, 2, 3] * 8, "t": [f"t{i}" for i in range(24)], "y": "a"})
        _, signature = fit(then.assign(y=["a", "b"] * 12), "y")
        now = pd.DataFrame({"n": [2, 3, 3] * 8, "t": ["t1", "t2"] * 12, "y": ["a", "b"] * 12})
        aligned = align(recognised(now), signature)
        again = signature_of(aligned, "y", "classification")
        assert [column.kind for column in again] == [Kind.NUMBER, Kind.STRING, Kind.CATEGORY]
        assert compare(conform(aligned, tuple(again)), signature) == []

    @pytest.mark.slow  # a whole run is made, which publishes that version
    def test_the_last_version_tells_it(self, iris_run: RunReport, tmp_path: Path) -> None:
        """One that has another purpose, or none at all, expects nothing."""
        local_data = iris_run.folder.parents[1]
        signature = last_signature(local_data, "iris", "variety", "")
        assert signature is not None
        assert [column.name for column in signature.outputs] == ["variety"]
        assert last_signature(local_data, "iris", "petal_width", "") is None
        assert last_signature(local_data, "iris", "variety", "regression") is None
        assert last_signature(tmp_path, "iris", "variety", "") is None
        with pytest.raises(InvalidNameError):
            last_signature(tmp_path, "../iris", "variety", "")

    @pytest.mark.slow  # as above
    def test_another_target_does_not_take_a_models_name(self, iris_run: RunReport) -> None:
        """The refusal gives both names; on purpose it is replaced."""
        local_data, table = iris_run.folder.parents[1], Path("elsewhere/iris.csv")
        asked = {"target": "petal_width", "task": "", "same_columns": True}
        with pytest.raises(TableError, match=r'predicts "variety".*NAME=iris-petal-width'):
            expected_signature(local_data, "iris", table, asked)
        on_purpose = asked | {"same_columns": False}
        assert expected_signature(local_data, "iris", table, on_purpose) is None
        assert expected_signature(local_data, "new", table, asked) is None
        same = expected_signature(local_data, "iris", table, asked | {"target": "variety"})
        assert same is not None
        assert [column.name for column in same.outputs] == ["variety"]


@pytest.mark.slow  # it draws
def test_every_column_can_be_described_and_drawn(tmp_path: Path) -> None:
    """Names with dollars start no formula, letters without a glyph stop nothing."""
    table, signature = fit(mixed_table(60, seed=1).rename(columns={"size": "$a$ $"}), "amount")
    columns = tuple(signature)
    assert describe(table, columns).loc["floor", "kind"] == "integer"
    latin = table.assign(Stadt="Köln")
    plot_columns(latin, columns, most=len(columns)).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow  # it draws
def test_the_target_and_the_gaps_are_drawn() -> None:
    """Labels as bars, amounts as a histogram; the emptiest column on top, the full ones not."""
    table, _ = fit(mixed_table(60, seed=1), "amount")
    assert len(plot_target(table["Label"], "classification").axes[0].patches) == 2
    assert len(plot_target(table["amount"], "regression").axes[0].patches) == 20
    gaps = pd.DataFrame({"full": [1, 2], "half": [1, None], "empty": [None, None]})
    labels = [label.get_text() for label in plot_missing(gaps).axes[0].get_yticklabels()]
    assert labels == ["half", "empty"]
    assert "no value is missing" in plot_missing(gaps[["full"]]).axes[0].texts[0].get_text()


PARAMETERS = {
    "target": "amount",
    "task": "",
    "leave_out": ["Label"],
    "drop_duplicates": False,
    "same_columns": True,
}


def test_a_table_is_prepared_in_one_call() -> None:
    """As the run and `mlops serve --data` call it: with the parameters, and what was before."""
    table = mixed_table(200, seed=1)
    first = prepare(table, PARAMETERS)
    assert (first.target, first.task, first.remarks) == ("amount", "regression", [])
    assert list(first.table) == [column.name for column in first.signature]
    assert "Label" not in first.table
    wilder = table.assign(rooms=table["rooms"] + 50)
    (remark,) = prepare(wilder, PARAMETERS, first.signature).remarks
    assert remark.startswith("rooms: values that the last version did not see")
    with pytest.raises(TableError, match="changed the kind of size"):
        prepare(table.drop(columns="size"), PARAMETERS, first.signature)
    on_purpose = PARAMETERS | {"same_columns": False}
    assert (
        len(prepare(table.drop(columns="size"), on_purpose, first.signature).signature.inputs) == 16
    )


def test_a_model_is_named_after_its_table() -> None:
    """In letters that are safe everywhere."""
    assert model_name(Path("data/Wine quality.csv.gz")) == "wine-quality"
    assert model_name(Path("東京.csv")) == "model"
