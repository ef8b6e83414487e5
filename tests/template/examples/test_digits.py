"""The digits example: from a table of pictures to an answer that may be none."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml_pipe.workflow import run_pipeline
from monitoring.feedback.live_scores import live_scores
from monitoring.feedback.reader import FeedbackReader
from tests.api.conftest import running, small_settings
from tests.run_context import context_in

ROWS = 300
DIGITS = Path(__file__).parents[3] / "examples" / "digits"


def test_the_table_is_the_well_known_one() -> None:
    """1,797 pictures of 8x8 pixels, about as many of each digit."""
    table = np.load(DIGITS / "digits.npz", allow_pickle=False)
    assert (table["image"].shape, table["image"].dtype) == ((1797, 8, 8), np.uint8)
    assert table["image"].max() == 16
    assert np.bincount(table["label"]).min() >= 174


def test_the_readme_names_files_that_exist() -> None:
    """What a newcomer reads is what there is."""
    readme = (DIGITS / "README.md").read_text()
    assert all(f"`{path.name}`" in readme for path in DIGITS.iterdir() if path.suffix != ".md")


@pytest.mark.slow  # a whole run of the notebooks
def test_it_goes_from_pictures_to_live_scores_and_may_not_know(tmp_path: Path) -> None:
    """Compiled, and watched by four summaries; a row without an answer is in no score."""
    report = run_pipeline(DIGITS, {}, context_in(tmp_path / "training"))
    assert "there is no answer" in report.summary
    table = np.load(DIGITS / "digits.npz", allow_pickle=False)
    rows = [{"image": image.tolist()} for image in table["image"][:ROWS]]
    settings = small_settings(tmp_path, model_name="digits", admin_password="admin-secret")
    with running(tmp_path / "training" / "models", settings, ["digits"]) as service:
        request = json.loads((DIGITS / "request.json").read_text())
        answers = service.predict(request).json()
        assert [row["label"] for row in answers] == [0, 1, None]
        assert [len(row["top"]) for row in answers] == [3, 3, 3]
        answers = service.predict(rows, headers={"X-Request-ID": "a"}).json()
        unsure = sum(row["label"] is None for row in answers)
        assert 0 < unsure < ROWS / 5
        service.state.monitor.update()
        ratios = service.samples("missing_ratio")
        shares = {place[-1]: value for place, value in ratios.items()}
        names = [f"image.{name}" for name in ("mean", "deviation", "distance", "residual")]
        assert set(shares) == {*names, "label"}
        queue = service.client.post("/feedback/queue", auth=("admin", "admin-secret")).json()
        assert queue["rows"][0]["reason"] == "not answered"
        labels = [
            {"request_id": "a", "row": row, "value": int(table["label"][row])}
            for row in range(ROWS)
        ]
        verdicts = service.predict(labels, "/feedback").json()
        assert {verdict["status"] for verdict in verdicts} == {"stored"}
        (served,) = service.state.reloader.loaded_models
        reader = FeedbackReader(service.state.log.path)
        found = live_scores(reader, served.scored, rows=ROWS, min_rows=20)
        assert served.loaded.form == "compiled"
    assert found.scores["accuracy"] > 0.95
