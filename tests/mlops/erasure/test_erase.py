"""A person is erased: no value of theirs is left, and no count changes."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitoring.log.database.views import ViewColumn
from monitoring.log.options import LogOptions
from monitoring.log.writing.erasure import ERASED, Finder, Where
from tests.api.conftest import NewSettings, Serve, new_settings, published, serve, settings
from tests.mlops.conftest import Mlops

__all__ = ["new_settings", "published", "serve", "settings"]

PERSON = 471_147
KEY = "k" * 40


@pytest.fixture
def local_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the service and of the command."""
    monkeypatch.setenv("COLUMNS", "400")
    return tmp_path / "local_data"


def rows_of(local_data: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in the log."""
    with closing(sqlite3.connect(local_data / "predictions.sqlite")) as database:
        return database.execute(query).fetchall()


def predict_and_label(serve: Serve, **used: Any) -> list[str]:
    """Let a service answer some requests with the person's rows and others, and label them."""
    with serve(**used) as service:
        bodies = (
            [{"a": 1, "b": 2}, {"a": PERSON, "b": 3}, {"a": 5, "b": 6}],
            {"a": PERSON, "b": 9},
            [{"a": 7, "b": PERSON}],
        )
        ids = [service.predict(body).headers["x-request-id"] for body in bodies]
        items = [{"request_id": ids[0], "row": row, "value": 12.5 + row} for row in range(3)]
        assert service.client.post("/feedback", json=items).status_code == 200
    return ids


def bytes_of(local_data: Path) -> bytes:
    """Return all that the log holds on disk."""
    # By another process: to open and close them here would drop the locks of a service in this one.
    files = sorted(local_data.glob("predictions.sqlite*"))
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout


def test_rows_go_and_counts_stay(mlops: Mlops, serve: Serve, local_data: Path) -> None:
    """In the middle of a request, too; the rows of others are as they were."""
    ids = predict_and_label(serve)
    ledger = (
        "SELECT * FROM totals",
        "SELECT * FROM feedback_totals",
        "SELECT count(*) FROM feedback",
    )
    before = [rows_of(local_data, query) for query in ledger]
    assert str(PERSON).encode() in bytes_of(local_data)

    found = json.loads(
        mlops("log", "erase", "--where", f"a={PERSON}", "--dry-run", "--json").stdout
    )
    assert (found["requests"], found["rows"]) == (2, 2)
    done = mlops("log", "erase", "--where", f"a={PERSON}", "--yes", "--json")
    assert done.exit_code == 0, done.output
    erased = json.loads(done.stdout)
    assert (erased["requests"], erased["rows"], erased["feedback"]) == (2, 2, 1)

    assert [rows_of(local_data, query) for query in ledger] == before
    assert mlops("log", "check").exit_code == 0
    texts = dict(rows_of(local_data, "SELECT request_id, inputs FROM requests"))
    gone = {"a": ERASED, "b": ERASED}
    assert json.loads(texts[ids[0]]) == [{"a": 1, "b": 2}, gone, {"a": 5, "b": 6}]
    assert json.loads(texts[ids[1]]) == gone
    # In another column the same number is another thing.
    assert json.loads(texts[ids[2]]) == [{"a": 7, "b": PERSON}]
    truths = rows_of(local_data, "SELECT value FROM feedback ORDER BY row")
    assert [json.loads(value) for (value,) in truths] == [12.5, ERASED, 14.5]
    [(detail,)] = rows_of(local_data, "SELECT detail FROM events WHERE kind = 'rows-erased'")
    assert json.loads(detail) == {"columns": ["a"], "requests": 2, "rows": 2, "feedback": 1}
    # Nothing is left in free pages, either.
    assert mlops("log", "erase", "--where", f"b={PERSON}", "--yes").exit_code == 0
    assert str(PERSON).encode() not in bytes_of(local_data)
    with serve() as service:
        assert service.predict([{"a": 1, "b": 2}]).status_code == 200
        assert service.client.get("/metrics", auth=("metrics", "metrics-secret")).status_code == 200


def test_hashed_values_are_found_by_the_key(
    mlops: Mlops,
    serve: Serve,
    new_settings: NewSettings,
    local_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log never held the number, and loses its hash."""
    predict_and_label(serve, used=new_settings(log_personal_fields=("a",), log_key=KEY))
    monkeypatch.setenv("LOG_PERSONAL_FIELDS", "a")
    assert mlops("log", "erase", "--where", f"a={PERSON}", "--yes").exit_code == 1
    monkeypatch.setenv("LOG_KEY", KEY)
    done = mlops("log", "erase", "--where", f"a={PERSON}", "--yes", "--json")
    assert json.loads(done.stdout)["rows"] == 2
    again = mlops("log", "erase", "--where", f"a={PERSON}", "--yes", "--json")
    assert json.loads(again.stdout)["rows"] == 0


def test_a_running_service_goes_on(mlops: Mlops, serve: Serve, local_data: Path) -> None:
    """It logs, counts and labels as before, and the bytes are gone while it still runs."""
    with serve() as service:
        first = service.predict([{"a": PERSON, "b": 2}, {"a": 1, "b": 2}])
        done = mlops("log", "erase", "--where", f"a={PERSON}", "--yes", "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["purged"] is True
        assert str(PERSON).encode() not in bytes_of(local_data)
        assert service.predict([{"a": 3, "b": 4}]).status_code == 200
        item = {"request_id": first.headers["x-request-id"], "row": 0, "value": 1.5}
        [verdict] = service.client.post("/feedback", json=[item]).json()
        assert verdict["status"] == "stored"
        rows = [request["rows"] for request in service.logged()]
        assert rows == [2, 1]
    assert mlops("log", "check").exit_code == 0


def test_versions_that_hold_the_person_are_named(
    mlops: Mlops, serve: Serve, local_data: Path
) -> None:
    """Golden rows, ranges, profiles: a bundle is never changed."""
    with serve():
        pass
    done = mlops("log", "erase", "--where", "a=9", "--yes", "--json")
    assert done.exit_code == 1
    [left] = json.loads(done.stdout)["versions_left"]
    assert left["model"] == "sum"
    assert "golden rows, the signature" in left["where"]
    assert mlops("log", "erase", "--where", "a=9", "--where", "b=77", "--yes").exit_code in {0, 1}


@pytest.fixture
def run_folder(local_data: Path) -> Path:
    """Return a run's folder with three rows, of which the person has one, and a notebook."""
    folder = local_data / "runs" / "a-run"
    (folder / "figures").mkdir(parents=True)
    table = pd.DataFrame({"a": [1, PERSON, 3], "b": [4.0, 5.0, 6.0]}, index=[10, 20, 30])
    table.to_parquet(folder / "clean.parquet")
    table.loc[[20, 30]].to_parquet(folder / "development.parquet")
    pd.DataFrame({"name": ["Ada", "Bob", "Cleo"]}, index=table.index).to_parquet(
        folder / "beside.parquet"
    )
    signature = {"inputs": [{"name": "a"}, {"name": "b"}], "outputs": [{"name": "y"}]}
    facts = {"signature": signature, "left_out": {"name": "the rows are split by it", "id": "x"}}
    (folder / "table.json").write_text(json.dumps(facts))
    notebook = {"cells": [{"cell_type": "code", "outputs": [{"text": f"Bob {PERSON}"}]}]}
    (folder / "00_data_etl.ipynb").write_text(json.dumps(notebook))
    (folder / "figures" / "columns.png").write_bytes(b"png")
    return folder


@pytest.mark.parametrize("where", [f"a={PERSON}", "name=Bob"])
def test_run_folders_lose_the_person(
    where: str, mlops: Mlops, run_folder: Path, local_data: Path
) -> None:
    """Whichever of the tables has the column; outputs and figures go."""
    done = mlops("log", "erase", "--where", where, "--yes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["run_rows"], found["runs"]) == (1, ["a-run"])
    tables = ("clean", "development", "beside")
    left = [pd.read_parquet(run_folder / f"{name}.parquet").index.tolist() for name in tables]
    assert left == [[10, 30], [30], [10, 30]]
    assert "Bob" not in (run_folder / "00_data_etl.ipynb").read_text()
    assert not list((run_folder / "figures").iterdir())


def test_runs_where_nothing_tells_are_named(
    mlops: Mlops, run_folder: Path, local_data: Path
) -> None:
    """The table had the column, and it was left out: whose rows these are, nobody can say."""
    done = mlops("log", "erase", "--where", "id=5", "--yes", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["runs_left"] == ["a-run"]
    (run_folder / "table.json").write_text("{")
    done = mlops("log", "erase", "--where", f"a={PERSON}", "--yes", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["runs_left"] == ["a-run"]


def test_copies_that_hold_the_person_are_named(mlops: Mlops, local_data: Path) -> None:
    """Reports that show the value, and what a restore moved aside."""
    (local_data / "reports").mkdir(parents=True)
    (local_data / "reports" / "one.html").write_text("<td>Bob &amp; Co</td>")
    (local_data / "reports" / "two.html").write_text("<td>Ada</td>")
    (local_data / "before-restore-2026").mkdir()
    done = mlops("log", "erase", "--where", "name=Bob & Co", "--yes", "--json")
    assert done.exit_code == 1
    left = json.loads(done.stdout)["copies_left"]
    assert left == ["reports/one.html", "before-restore-2026"]


@pytest.mark.parametrize("where", ["customer", "=4711", "customer=", "a=1 --yes"])
def test_what_to_erase_must_be_said(where: str, mlops: Mlops, local_data: Path) -> None:
    """And somebody must agree."""
    done = mlops("log", "erase", "--where", where)
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("value", "found", "matches"),
    [
        ("4711", 4711, True),
        ("4711", 4711.0, True),
        ("4711", "4711", True),
        ("4711.0", 4711, True),
        ("4711", "04711", False),
        ("4711", 47110, False),
        ("1", True, False),
        ("true", True, True),
        ("true", 1, False),
        ("9007199254740993", 9007199254740993, True),
        ("Ada", "ada", False),
        ("4711", None, False),
        ("4711", [4711], False),
    ],
)
def test_a_value_is_a_text_or_the_number_in_it(
    value: str,
    found: object,
    matches: bool,  # noqa: FBT001 - a fact of the table above
) -> None:
    """As tables and requests write it."""
    finder = Finder([Where("customer", value)], LogOptions(key=KEY.encode()))
    assert finder.matches({"customer": found}) is matches
    assert not finder.matches({"other": found})
    assert not finder.matches([found])


def test_all_conditions_must_hold() -> None:
    """A name alone may be of several people."""
    finder = Finder([Where("name", "Ada"), Where("born", "1815")], LogOptions())
    assert finder.matches({"name": "Ada", "born": 1815, "x": 1})
    assert not finder.matches({"name": "Ada", "born": 1816})
    assert not finder.matches({"name": "Ada"})


def test_an_erased_value_is_in_no_statistics() -> None:
    """Readers take it for a hidden one, of whatever kind."""
    from monitoring.windows.columns import window_columns  # noqa: PLC0415 - beside its only use

    kinds = ("number", "integer", "boolean", "string", "category", "datetime")
    columns = window_columns([ViewColumn(kind, kind, "input") for kind in kinds], {})
    for column in columns:
        assert column.numbers([ERASED, None]).tolist()[0] == float("inf")
