"""The examples of other shapes of problem: trained, served, logged and scored by true values."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml_pipe.workflow import run_pipeline
from monitoring.feedback.live_scores import live_scores
from monitoring.feedback.reader import FeedbackReader
from tests.api.conftest import running, small_settings
from tests.run_context import context_in

EXAMPLES = Path(__file__).parents[3] / "examples"
ROWS = 60

pytestmark = pytest.mark.slow  # each is a whole run

SHAPES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "power": (["power"], ["power", "power_lower", "power_upper"], ["coverage", "r2"]),
    "homes": (["heating", "cooling"], ["heating", "cooling"], ["r2", "r2 (heating)"]),
}
"""By example: its targets, what is answered, and some of the live scores."""


@pytest.mark.parametrize("name", SHAPES)
def test_an_example_goes_from_the_table_to_live_scores(name: str, tmp_path: Path) -> None:
    """Its own rows are asked for, and their true values are sent."""
    targets, answered, scores = SHAPES[name]
    run_pipeline(EXAMPLES / name, {}, context_in(tmp_path / "training"))
    table = pd.read_csv(EXAMPLES / name / f"{name}.csv").head(ROWS)
    rows = json.loads(table.drop(columns=targets).to_json(orient="records"))
    settings = small_settings(tmp_path, model_name=name)
    with running(tmp_path / "training" / "models", settings, [name]) as service:
        (version,) = service.client.get(f"/models/{name}").json()["versions"]
        interval = version["signature"]["interval"]
        assert (interval and interval["coverage"]) == (0.8 if name == "power" else None)
        request = json.loads((EXAMPLES / name / "request.json").read_text())
        assert [list(answer) for answer in service.predict(request).json()] == [answered] * 2
        answers = service.predict(rows, headers={"X-Request-ID": "a"}).json()
        assert [list(answer) for answer in answers] == [answered] * ROWS
        labels = [
            {"request_id": "a", "row": row, "value": _true(truth, targets)}
            for row, truth in enumerate(table[targets].to_dict("records"))
        ]
        verdicts = service.predict(labels, "/feedback").json()
        assert {verdict["status"] for verdict in verdicts} == {"stored"}
        (served,) = service.state.reloader.loaded_models
        reader = FeedbackReader(service.state.log.path)
        found = live_scores(reader, served.scored, rows=ROWS, min_rows=ROWS)
        assert served.loaded.form == "compiled"
    assert found.rows == ROWS
    assert set(scores) <= found.scores.keys()
    assert found.scores["r2"] > 0.6
    if served.scored.interval:
        assert found.scores["coverage"] > 0.7


def _true(truth: dict[Any, Any], targets: list[str]) -> Any:
    return truth if len(targets) > 1 else truth[targets[0]]


@pytest.mark.parametrize("name", SHAPES)
def test_the_readme_names_each_file(name: str) -> None:
    """And nothing that is not there."""
    folder = EXAMPLES / name
    readme = (folder / "README.md").read_text()
    assert all(f"`{path.name}`" in readme for path in folder.iterdir() if path.suffix != ".md")
