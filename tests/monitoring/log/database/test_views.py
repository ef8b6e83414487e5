"""`rows_<model>`: one row a prediction, as an analyst expects it."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import apsw
import pandas as pd
import pytest

from monitoring.log.database.views import ViewColumn
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]


def inputs(**kinds: str) -> list[ViewColumn]:
    """Declare input columns."""
    return [ViewColumn(name, kind, "input") for name, kind in kinds.items()]


VARIETY = ViewColumn("variety", "category", "output")


def table(path: Path, query: str = "select * from rows_iris") -> pd.DataFrame:
    """Read the view as a notebook does, with Python's own SQLite.

    From a copy: two SQLite libraries on one file in one process break each other's locks.
    """
    copy = path.with_name("copy.sqlite")
    copy.unlink(missing_ok=True)
    with contextlib.closing(apsw.Connection(str(path))) as log:
        log.execute("VACUUM INTO ?", [str(copy)])
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        return pd.read_sql(query, connection)


def text(rows: Sequence[object]) -> bytes:
    """Write JSON as a Python client does by default: other letters than ASCII as escapes."""
    return json.dumps(rows).encode()


def test_a_request_unfolds_into_its_rows_in_order(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Each input row stands beside its own answer; an integer literal is a number too."""
    body = text([{"petal_length": number} for number in (5, 1.5, 2)])
    answer = text([{"variety": name} for name in "abc"])
    with new_log() as log:
        log.declare("iris", [*inputs(petal_length="number"), VARIETY])
        log.write([new_entry("r", rows=3, inputs=body, outputs=answer)])
        frame = table(path)
    assert list(frame.columns) == [
        *("sequence", "request_id", "time", "model", "version", "row"),
        *("petal_length", "variety", "probabilities", "true_value"),
    ]
    assert frame[["row", "petal_length", "variety"]].to_dict("list") == {
        "row": [0, 1, 2],
        "petal_length": [5.0, 1.5, 2.0],
        "variety": ["a", "b", "c"],
    }
    assert frame["petal_length"].dtype == "float64"


def test_a_body_that_is_one_object_is_one_row(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """One object in, one object out, spaces and line ends as the client likes."""
    with new_log() as log:
        log.declare("iris", [*inputs(petal_length="number"), VARIETY])
        log.write([new_entry(inputs=b' \n{"petal_length":\t5.2}', outputs=b'{"variety":"a"}')])
        frame = table(path)
    assert frame[["row", "petal_length", "variety"]].to_numpy().tolist() == [[0, 5.2, "a"]]


def test_many_rows_keep_their_answers(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """Numbers sort as numbers: row 10 comes after row 9, not after row 1."""
    numbers = list(range(1000))
    body = text([{"n": number} for number in numbers])
    answer = text([{"twice": 2 * number} for number in numbers])
    with new_log() as log:
        log.declare("iris", [*inputs(n="integer"), ViewColumn("twice", "integer", "output")])
        log.write([new_entry(rows=1000, inputs=body, outputs=answer)])
        frame = table(path)
    assert frame["row"].tolist() == frame["n"].tolist() == numbers
    assert (frame["twice"] == 2 * frame["n"]).all()
    assert frame["n"].dtype == "int64"


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        'with "quotes"',
        "it's",
        "Länge",
        "長さ",
        "back\\slash",
        "a.b[0]",
        "$",
        "tab\t",
        "#",
    ],
)
def test_a_column_may_have_any_name(
    new_log: NewLog, new_entry: NewEntry, path: Path, name: str
) -> None:
    """That holds for inputs and outputs, sent with escapes or without."""
    columns = [ViewColumn(name, "number", "input"), ViewColumn(name + "!", "string", "output")]
    with new_log() as log:
        log.declare("iris", columns)
        for escaped in (True, False):
            body = json.dumps([{name: 5.5}], ensure_ascii=escaped).encode()
            answer = json.dumps([{name + "!": "é"}], ensure_ascii=escaped).encode()
            log.write([new_entry(inputs=body, outputs=answer)])
        frame = table(path)
    assert frame[name].tolist() == [5.5, 5.5]
    assert frame[name + "!"].tolist() == ["é", "é"]


def test_every_letter_may_be_sent_as_an_escape(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """JSON allows it for ASCII too, and the value is found all the same."""
    with new_log() as log:
        log.declare("iris", inputs(age="integer"))
        log.write([new_entry(inputs=b'[{"\\u0061ge":7}]')])
        assert table(path)["age"].tolist() == [7]


def test_names_that_are_taken_get_their_side_in_front(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """A feature called `time` hides nothing; SQLite takes `Price` and `price` for one name."""
    columns = [*inputs(time="string", Price="number", price="number")]
    columns.append(ViewColumn("price", "number", "output"))
    with new_log() as log:
        log.declare("iris", columns)
        body = text([{"time": "noon", "Price": 1.0, "price": 2.0}])
        log.write([new_entry(inputs=body, outputs=text([{"price": 3.0}]))])
        [row] = table(path).to_dict("records")
    assert row["time"] == "2026-11-21T12:00:00.000000Z"
    assert (row["input_time"], row["Price"]) == ("noon", 1.0)
    assert (row["input_price"], row["output_price"]) == (2.0, 3.0)


def test_dates_are_utc_and_booleans_are_numbers(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Dates sort as text whatever their offsets, to the microsecond; null stays missing."""
    sent = [
        {"when": "2026-11-21T10:00:59.999999+01:00", "paid": True},
        {"when": "2026-11-21t10:00:00z", "paid": False},
        {"when": "2026-12-31T23:30:00-02:30", "paid": None},
        {"when": None, "paid": True},
    ]
    with new_log() as log:
        log.declare("iris", inputs(when="datetime", paid="boolean"))
        log.write([new_entry(rows=4, inputs=text(sent), outputs=text([{}] * 4))])
        frame = table(path)
    assert frame["when"].tolist()[:3] == [
        "2026-11-21T09:00:59.999999Z",
        "2026-11-21T10:00:00Z",
        "2027-01-01T02:00:00Z",
    ]
    assert frame["when"].isna().tolist() == [False, False, False, True]
    assert pd.to_datetime(frame["when"], format="ISO8601", utc=True).notna().sum() == 3
    assert frame["paid"].tolist()[:2] == [1, 0]
    assert frame["paid"].isna().tolist() == [False, False, True, False]


def test_versions_with_other_columns_share_the_view(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """What a version did not have is missing, also when the log was reopened in between."""
    with new_log() as log:
        log.declare("iris", [*inputs(old="number"), VARIETY])
        log.write([new_entry(inputs=b'[{"old":1.0}]')])
    with new_log() as log:
        log.declare("iris", [*inputs(new="number"), VARIETY])
        log.declare("iris", [*inputs(new="number"), VARIETY])
        log.write([new_entry(inputs=b'[{"new":2.0}]', version="v2")])
        frame = table(path, "select old, new from rows_iris")
    assert frame.fillna(-1).to_numpy().tolist() == [[1.0, -1.0], [-1.0, 2.0]]


def test_a_true_value_stands_beside_the_answer(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It belongs to its row; the next training reads the rows that have one."""
    body, answer = text([{"n": 1}] * 3), text([{"variety": "a"}] * 3)
    with new_log() as log:
        log.declare("iris", [*inputs(n="integer"), VARIETY])
        log.write([new_entry("r", rows=3, inputs=body, outputs=answer)])
        log.add_feedback([Feedback("r", 1, "b"), Feedback("r", 2, "c")])
        log.add_feedback([Feedback("r", 2, "d")])
        frame = table(path, "select row, true_value from rows_iris where true_value is not null")
    assert frame.to_numpy().tolist() == [[1, "b"], [2, "d"]]


def test_probabilities_come_as_json(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """The view has them for requests that asked for them."""
    answer = b'[{"variety":"a","probabilities":{"a":0.75,"b":0.25}}]'
    with new_log() as log:
        log.declare("iris", [VARIETY])
        log.write([new_entry(outputs=answer)])
        assert json.loads(table(path)["probabilities"][0]) == {"a": 0.75, "b": 0.25}


def test_each_model_has_its_own_view(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """A name that is no SQL word is quoted; names that differ in case only are refused."""
    with new_log() as log:
        log.declare("iris", [VARIETY])
        log.declare("a-b.c", [VARIETY])
        log.write([new_entry("x"), new_entry("y", model="a-b.c")])
        assert table(path)["request_id"].tolist() == ["x"]
        assert table(path, 'select * from "rows_a-b.c"')["request_id"].tolist() == ["y"]
        with pytest.raises(ValueError, match="rename one"):
            log.declare("Iris", [VARIETY])


def test_the_time_of_rows_can_be_searched_by_index(new_log: NewLog, path: Path) -> None:
    """A question about an hour does not unfold the whole log."""
    with new_log() as log:
        log.declare("iris", [VARIETY])
        plan = table(path, "explain query plan select * from rows_iris where time > '2026'")
    assert plan["detail"].str.contains("USING INDEX requests_by_time").any()


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    "name", ["nul\0in it", "\0", "'; DROP TABLE requests; --", '"', "'", "''\"\"", "]", "\\x00"]
)
def test_no_name_ends_the_statement(
    new_log: NewLog, new_entry: NewEntry, path: Path, name: str, side: Literal["input", "output"]
) -> None:
    """Of an input or an output; its values are found, if any SQL text can hold it."""
    sides = {"inputs": text([{"a": 1}]), "outputs": text([{"b": 1}])}
    sides[f"{side}s"] = text([{name: 7}])
    with new_log() as log:
        log.declare("iris", [ViewColumn(name, "integer", side)])
        log.write([new_entry(**sides)])
    found = table(path)[name.replace("\0", "\\x00")].tolist()
    assert found == [None if "\0" in name else 7]


def test_two_names_of_one_title_are_two_columns(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """One is the escape of the other."""
    with new_log() as log:
        log.declare("iris", inputs(**{"a\0": "integer", "a\\x00": "integer"}))
        log.write([new_entry(inputs=text([{"a\0": 1, "a\\x00": 2}]))])
    assert table(path)[["a\\x00", "input_a\\x00"]].to_numpy().tolist() == [[None, 2]]


def test_a_view_that_cannot_be_made_is_its_models_alone(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Nothing else is refused, at once or when the log is opened anew."""
    with new_log() as log:
        log.declare("other", [VARIETY])
        with pytest.raises(ValueError, match="rows_iris cannot be made"):
            log.declare("iris", inputs(**{"half \ud800": "number"}))
        log.write([new_entry()])
        path.rename(path.with_name("moved.sqlite"))
        log.write([new_entry()])
        log.declare("iris", [VARIETY])
        path.rename(path.with_name("moved.sqlite"))
        log.write([new_entry()])
    assert table(path)["variety"].tolist() == ["Virginica"]
    assert table(path, "SELECT * FROM rows_other").empty


def test_a_view_that_waited_for_the_log_prevents_nothing_either(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It was remembered while the log could not be opened, and cannot be made then."""
    path.mkdir()
    log = new_log()
    for model, columns in (("iris", inputs(**{"half \ud800": "number"})), ("other", [VARIETY])):
        with pytest.raises(LogUnavailableError):
            log.declare(model, columns)
    path.rmdir()
    with log:
        log.write([new_entry()])
    assert table(path, "SELECT * FROM rows_other").empty


def test_a_model_of_very_many_columns_can_be_read(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """SQLite has no more than 2,000 columns in a result: the last inputs are not shown."""
    many = {f"x{number}": "number" for number in range(2_500)}
    with new_log() as log:
        log.declare("iris", [*inputs(**many), VARIETY])
        log.write([new_entry(inputs=text([dict.fromkeys(many, 1.5)]))])
    [found] = table(path).to_dict("records")
    assert (found["x0"], found["variety"], "x2499" in found) == (1.5, "Virginica", False)
