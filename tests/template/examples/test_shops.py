"""The shops example: a forecast, from the table to the answer, the log and the feedback."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from ml_pipe.workflow import run_pipeline
from settings.settings import Settings
from tests.run_context import context_in

SHOPS = Path(__file__).parents[3] / "examples" / "shops"


def test_the_readme_names_the_files() -> None:
    """What a newcomer reads is what there is."""
    readme = (SHOPS / "README.md").read_text()
    assert all(f"`{path.name}`" in readme for path in SHOPS.iterdir() if path.suffix != ".md")


@pytest.mark.slow  # a whole run
def test_a_forecast_is_trained_served_logged_and_scored(tmp_path: Path) -> None:
    """It beats repeating the last week, takes a gap, and learns what came true."""
    report = run_pipeline(SHOPS, {}, context_in(tmp_path))
    assert "r2 0.894 by repeating sold_lag_7, 0.93" in " ".join(report.summary.split())
    settings = Settings(local_data=tmp_path, metrics_password="metrics-secret")
    with TestClient(create_app(settings)) as client:
        rows = json.loads((SHOPS / "request.json").read_text())
        answer = client.post("/predict", json=rows)
        assert answer.status_code == 200, answer.text
        usual, promoted = (row["sold"] for row in answer.json())
        assert 400 < usual < 700
        assert 500 < promoted < 900
        request_id = answer.headers["X-Request-ID"]
        truth = [
            {"request_id": request_id, "row": place, "value": value}
            for place, value in enumerate((530, 640))
        ]
        stored = client.post("/feedback", json=truth)
        assert [each["status"] for each in stored.json()] == ["stored", "stored"]
        without = [{name: value for name, value in rows[0].items() if name != "sold_lag_14"}]
        refused = client.post("/predict", json=without)
        assert refused.status_code == 422
        assert "sold_lag_14" in refused.text
        text = client.get("/metrics", auth=("metrics", "metrics-secret")).text
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["predict_rows_total"] == 2
    assert samples["feedback_rows_total"] == 2
