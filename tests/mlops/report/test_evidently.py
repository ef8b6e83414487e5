"""`mlops report --evidently`: what Evidently is given, and what becomes of its page.

Evidently itself is in no environment of ours: a stand-in of its Python shows what it is asked.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mlops.commands import report
from mlops.console import Exit
from mlops.report.evidently_pages import EvidentlyError, make_page
from mlops.report.evidently_script import harmless
from mlops.report.page.findings import Asked, VersionFindings
from model_store.schema.signature import Column, Kind, Signature
from settings.factories import log_path, model_store
from settings.settings import Settings
from tests.mlops.conftest import Mlops
from tests.mlops.report.report_world import (
    SCRIPT,
    SIGNATURE,
    ReportLog,
    publish,
    rows_like_training,
)

STAND_IN = """#!{python} -S
import json, os, sys
job = json.load(open(sys.argv[-1]))
job["rows"] = [json.loads(line) for line in open(job["current"])]
job["environment"] = dict(os.environ)
open({asked!r}, "w").write(json.dumps(job))
open(job["output"], "w").write("<html><head><title>Evidently</title></head><body></body></html>")
sys.exit({code})
"""


class Evidently:
    """A stand-in of Evidently's Python."""

    def __init__(self, folder: Path, code: int = 0) -> None:
        self._asked = folder / "asked.json"
        self.python = folder / "python"
        self.python.write_text(
            STAND_IN.format(python=sys.executable, asked=str(self._asked), code=code)
        )
        self.python.chmod(0o700)

    @property
    def asked(self) -> dict[str, Any]:
        """What it was asked for."""
        found: dict[str, Any] = json.loads(self._asked.read_text())
        return found


@pytest.fixture
def settings(local_data: Path) -> Settings:
    """Return the settings."""
    return Settings(local_data=local_data)


def found_in(settings: Settings) -> VersionFindings:
    """Return what a report finds of the one version."""
    [found] = report.find(settings, model_store(settings), Asked(), 0).versions
    return found


def keep_table(local_data: Path) -> Path:
    """Put the table of the run where the run left it."""
    table = local_data / "runs" / "run-1" / "development.parquet"
    table.parent.mkdir(parents=True)
    table.touch()
    return table


def test_it_compares_the_window_with_the_runs_table(settings: Settings, tmp_path: Path) -> None:
    """Inputs alone, in clear and not personal; of the period; and nothing of our environment."""
    local_data = settings.local_data
    publish(local_data)
    table = keep_table(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(30))
    evidently, page = Evidently(tmp_path), tmp_path / "page.html"
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    asked = evidently.asked
    assert asked["reference"] == str(table)
    assert asked["columns"] == {"weight": "number", "color": "category"}
    assert asked["rows"] == rows_like_training(30)
    assert asked["environment"]["DO_NOT_TRACK"] == "1"
    assert "LOCAL_DATA" not in asked["environment"]


def test_its_page_may_load_and_send_nothing(settings: Settings, tmp_path: Path) -> None:
    """A policy is put before everything else of its head."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    with ReportLog(settings.local_data) as log:
        log.answered("first", rows_like_training(30))
    page = tmp_path / "page.html"
    evidently = Evidently(tmp_path)
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert page.read_text().startswith(
        '<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
    )
    assert page.stat().st_mode & 0o777 == 0o600


def test_personal_columns_and_hashes_are_left_out(local_data: Path, tmp_path: Path) -> None:
    """It gets no column that is personal, and no row that the log hides in part."""
    publish(local_data)
    keep_table(local_data)
    with ReportLog(local_data, personal_fields=frozenset({"weight"})) as log:
        log.answered("hidden", rows_like_training(5))
    with ReportLog(local_data) as log:
        log.answered("clear", rows_like_training(30))
    evidently = Evidently(tmp_path)
    for personal, columns, rows in (("color", {"weight"}, 30), ("weight", {"color"}, 35)):
        settings = Settings(local_data=local_data, log_personal_fields=(personal,))
        page = tmp_path / f"{personal}.html"
        make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
        assert set(evidently.asked["columns"]) == columns
        assert len(evidently.asked["rows"]) == rows


def test_a_column_of_hashes_is_left_out_alone(settings: Settings, tmp_path: Path) -> None:
    """The others are compared; a text that only begins like a hash is a text."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    with ReportLog(settings.local_data, personal_fields=frozenset({"weight"})) as log:
        log.answered("first", [{"weight": 1.0, "color": "hmac:red"}] * 30)
    evidently = Evidently(tmp_path)
    page = tmp_path / "page.html"
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert set(evidently.asked["columns"]) == {"color"}
    assert len(evidently.asked["rows"]) == 30


def test_a_column_of_hashes_with_gaps_is_left_out_alone(settings: Settings, tmp_path: Path) -> None:
    """A missing value is no hash: the rows that lack it must not stand for all."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    rows = [{**row, "weight": None} for row in rows_like_training(30)]
    with ReportLog(settings.local_data, personal_fields=frozenset({"weight"})) as log:
        log.answered("first", rows_like_training(70) + rows)
    evidently = Evidently(tmp_path)
    page = tmp_path / "page.html"
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert set(evidently.asked["columns"]) == {"color"}
    assert len(evidently.asked["rows"]) == 100


def test_a_column_of_few_values_is_left_out_and_named(settings: Settings, tmp_path: Path) -> None:
    """Our own report shows nothing of it either; a name cannot put HTML into the page."""
    name = f"weight {SCRIPT}"
    inputs = (Column(name=name, kind=Kind.NUMBER), SIGNATURE.inputs[1])
    publish(settings.local_data, signature=Signature(inputs=inputs, outputs=SIGNATURE.outputs))
    keep_table(settings.local_data)
    rows = [{name: row["weight"], "color": row["color"]} for row in rows_like_training(19)]
    with ReportLog(settings.local_data) as log:
        log.answered("first", [*rows, {name: None, "color": "red"}])
    evidently, page = Evidently(tmp_path), tmp_path / "page.html"
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert evidently.asked["columns"] == {"color": "category"}
    assert len(evidently.asked["rows"]) == 20
    note = "Left out, with fewer than 20 values present and in clear: weight &lt;script&gt;"
    assert f"<body><p>{note}" in page.read_text()


def test_of_few_rows_there_is_no_page(settings: Settings, tmp_path: Path) -> None:
    """Below the number of rows from which our own report has statistics."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    with ReportLog(settings.local_data) as log:
        log.answered("first", rows_like_training(19))
    evidently, page = Evidently(tmp_path), tmp_path / "page.html"
    with pytest.raises(EvidentlyError, match="Try again when more rows"):
        make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert not page.exists()


def test_of_a_large_request_the_windows_rows_are_given(settings: Settings, tmp_path: Path) -> None:
    """The last ones, as many as the window has."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    with ReportLog(settings.local_data) as log:
        log.answered("first", rows_like_training(3 * settings.window_rows))
    evidently, page = Evidently(tmp_path), tmp_path / "page.html"
    make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    rows = rows_like_training(3 * settings.window_rows)
    assert evidently.asked["rows"] == rows[-settings.window_rows :]


def test_without_the_runs_table_it_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    """Evidently compares rows with rows, and a bundle holds none."""
    publish(settings.local_data)
    with ReportLog(settings.local_data) as log:
        log.answered("first", rows_like_training(30))
    with pytest.raises(EvidentlyError, match=r"its run run-1 is no longer in .* train again"):
        make_page(settings, log_path(settings), found_in(settings), tmp_path / "page.html")


@pytest.mark.parametrize(
    ("keep", "code", "sentence"),
    [("hashed", 0, "none of its inputs has 20 values in clear"), ("full", 1, "Evidently failed")],
)
def test_a_failure_leaves_no_page(
    settings: Settings, tmp_path: Path, keep: str, code: int, sentence: str
) -> None:
    """Why there is none is a sentence."""
    publish(settings.local_data)
    keep_table(settings.local_data)
    with ReportLog(settings.local_data, keep=keep) as log:
        log.answered("first", rows_like_training(30))
    page = tmp_path / "page.html"
    evidently = Evidently(tmp_path, code)
    with pytest.raises(EvidentlyError, match=sentence):
        make_page(settings, log_path(settings), found_in(settings), page, evidently.python)
    assert not page.exists()


def test_where_it_is_not_installed_the_verb_says_how(
    mlops: Mlops, local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own page is there all the same."""
    monkeypatch.setattr(report, "is_installed", lambda: False)
    with ReportLog(local_data):
        pass
    result = mlops("report", "--evidently")
    assert result.exit_code == Exit.FAILED
    assert "requirements/install.sh python3 .evidently evidently" in result.stderr
    assert Path(result.stdout.strip()).exists()


def test_no_value_ends_a_script() -> None:
    """Evidently writes names and values into scripts as they are."""
    assert "<" not in harmless(SCRIPT)
    assert ">" not in harmless(SCRIPT)
    assert (harmless("red"), harmless(None)) == ("red", None)
