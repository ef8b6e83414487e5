"""The digits example: from a table of pictures to an answer that may be none."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml_pipe.workflow import run_pipeline
from model_store.file_store import FileModelStore
from model_store.schema.answer_encoder import AnswerEncoder
from model_store.store import LoadPolicy
from tests.publisher_key import PUBLISHERS
from tests.run_context import context_in

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
def test_it_is_trained_and_may_not_know(tmp_path: Path) -> None:
    """Compiled, with a reference of four summaries; the request of the example is answered."""
    report = run_pipeline(DIGITS, {}, context_in(tmp_path))
    assert "there is no answer" in report.summary
    assert report.version
    policy = LoadPolicy(publishers=PUBLISHERS)
    loaded = FileModelStore(tmp_path / "models", policy).load("digits", report.version)
    assert (loaded.form, loaded.manifest.decision.least_confidence) == ("compiled", 0.8)
    profile = json.loads(loaded.reference)
    assert list(profile["image"]["summaries"]) == ["mean", "deviation", "distance", "residual"]
    assert profile["label"]["missing"] > 0
    rows = loaded.decoder.decode((DIGITS / "request.json").read_bytes())
    columns = loaded.decoder.columns([rows])
    prediction = loaded.predictor.predict(columns, probabilities=True)
    classes, decision = loaded.predictor.classes, loaded.manifest.decision
    encoder = AnswerEncoder(loaded.manifest.signature, classes, decision)
    answers = json.loads(next(encoder.encode(prediction, [rows], probabilities=False)))
    assert [row["label"] for row in answers] == [0, 1, None]
