"""A run whose table has personal columns shows no value of them, and publishes none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.outputs import hide_personal_outputs, kept_reason
from ml_pipe.runner.source.export import PACKAGE
from ml_pipe.workflow import run_pipeline
from tests.ml_pipe.conftest import WriteNotebook
from tests.run_context import context_in

pytestmark = pytest.mark.slow  # each makes a whole run, through notebooks

STORED_WHOLE = {".parquet", ".skops", ".onnx", ".png"}
"""The clean table, which training needs, and the model that learnt from it."""


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Return a table with an income, a birthday and a member number that nobody else has."""
    random = np.random.default_rng(0)
    income = random.uniform(30_000, 90_000, 300).round(2)
    born = pd.Timestamp("1960-01-01") + pd.to_timedelta(random.integers(0, 14_000, 300), "D")
    rows = {
        "income": income,
        "born": born.strftime("%Y-%m-%d"),
        "customer": [f"K{number}" for number in random.permutation(90_000)[:300] + 10_000],
        "size": random.normal(size=300).round(3),
    }
    table = pd.DataFrame(rows)
    table["rent"] = (income / 100 + table["size"] * 10 + random.normal(size=300)).round(1)
    table.to_csv(tmp_path / "tenants.csv", index=False)
    return table


def told(folder: Path, table: pd.DataFrame, names: list[str]) -> dict[str, str]:
    """Return the files below a folder that hold a value of these columns, each with one."""
    values = [str(value) for name in names for value in table[name]]
    found: dict[str, str] = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in STORED_WHOLE:
            text = path.read_text("utf-8")
            found |= {path.name: value} if (value := _first(values, text)) else {}
    return found


def _first(values: list[str], text: str) -> str:
    return next((value for value in values if value in text), "")


def test_no_value_of_a_personal_column_is_kept_in_clear(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    """Not in outputs, notes, cards, ranges, golden rows, profiles or the run's own files."""
    personal = ("income", "born", "customer")
    parameters = {"data": str(tmp_path / "tenants.csv"), "target": "rent"}
    context = context_in(tmp_path / "data", personal_fields=personal)
    report = run_pipeline(PACKAGE, parameters, context)
    assert report.version
    assert told(tmp_path / "data", table, list(personal)) == {}
    bundle = tmp_path / "data" / "models" / "tenants" / report.version
    golden = json.loads((bundle / "golden.json").read_text())
    assert {"income", "born", "size"} <= set(golden["inputs"][0])
    manifest = json.loads((bundle / "manifest.json").read_text())
    ranges = {c["name"]: c["minimum"] for c in manifest["signature"]["inputs"]}
    assert ranges["income"] is None
    assert ranges["born"] is None
    assert ranges["size"] is not None
    assert "income" not in json.loads((bundle / "reference.json").read_text())
    assert "income, born: personal by the settings" in (bundle / "card.md").read_text()
    # Without the setting all of it is there: the test looks in the right places.
    report = run_pipeline(PACKAGE, parameters, context_in(tmp_path / "open"))
    assert {"golden.json", "00_data_etl.ipynb", "manifest.json"} <= set(
        told(tmp_path / "open", table, list(personal))
    )


def test_a_personal_text_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    """It would stand in the model itself; leaving it out is what the sentence says."""
    table["district"] = np.where(table["size"] > 0, "Nordend", "Westend")
    table.to_csv(tmp_path / "tenants.csv", index=False)
    parameters: dict[str, object] = {"data": str(tmp_path / "tenants.csv"), "target": "rent"}
    context = context_in(tmp_path / "data", personal_fields=("district",))
    with pytest.raises(PipelineError, match=r"district: personal.*leave_out=district"):
        run_pipeline(PACKAGE, parameters, context)
    assert told(tmp_path / "data", table, ["district"]) == {}
    report = run_pipeline(PACKAGE, parameters | {"leave_out": "district"}, context)
    assert report.version
    assert told(tmp_path / "data", table, ["district"]) == {}


def test_a_kernel_gets_no_secret(
    write_notebook: WriteNotebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither ours nor anybody's, but for what the settings name."""
    secrets = {
        "LOG_KEY": "k" * 40,
        "ADMIN_PASSWORD": "admin-secret",
        "PREDICT_PASSWORD": "predict-secret",
        "AWS_SECRET_ACCESS_KEY": "cloud-secret",
        "SOME_TOKEN": "token-secret",
    }
    for name, value in (secrets | {"DATABASE_URL": "asked-for"}).items():
        monkeypatch.setenv(name, value)
    write_notebook("00_show.ipynb", "import os\nprint(dict(os.environ))")
    context = context_in(tmp_path / "data", variables=("DATABASE_URL", "LOG_KEY"))
    report = run_pipeline(tmp_path / "pipeline", {}, context)
    shown = (report.folder / "00_show.ipynb").read_text()
    assert [value for value in secrets.values() if value in shown] == []
    assert "asked-for" in shown
    assert "ML_PIPE_RUN_FOLDER" in shown


def test_an_error_that_may_quote_a_value_is_not_kept(
    write_notebook: WriteNotebook, tmp_path: Path
) -> None:
    """Before the table is known, any value may be personal."""
    write_notebook("00_fail.ipynb", "print('4711 Anna')", "raise ValueError('4711 Anna')")
    context = context_in(tmp_path / "data", personal_fields=("name",))
    with pytest.raises(PipelineError, match="4711 Anna"):
        run_pipeline(tmp_path / "pipeline", {}, context)
    [folder] = (tmp_path / "data" / "runs").iterdir()
    # The source of a cell is the notebook's own text.
    executed = json.loads((folder / "00_fail.ipynb").read_text())
    assert "Anna" not in json.dumps([cell.get("outputs") for cell in executed["cells"]])
    assert "Anna" not in (folder / "run.json").read_text()


def test_outputs_of_other_tables_are_kept(tmp_path: Path) -> None:
    """A setting for one model takes nothing from another one's runs."""
    signature = {"inputs": [{"name": "a"}], "outputs": [{"name": "b"}], "ignored": ["c"]}
    (tmp_path / "table.json").write_text(json.dumps({"signature": signature, "left_out": {}}))
    notebook = {"cells": [{"cell_type": "code", "outputs": [{"text": "shown"}]}]}
    executed = tmp_path / "00.ipynb"
    executed.write_text(json.dumps(notebook))
    hide_personal_outputs(executed, ("other",))
    assert "shown" in executed.read_text()
    assert kept_reason(tmp_path, "why", ("other",)) == "why"
    for name in ("a", "b", "c"):
        shutil.copy(executed, tmp_path / "copy.ipynb")
        hide_personal_outputs(tmp_path / "copy.ipynb", (name,))
        assert "shown" not in (tmp_path / "copy.ipynb").read_text()
        assert kept_reason(tmp_path, "why", (name,)) != "why"
