"""Whole runs: a table in, a version that answers out, or a sentence and nothing changed."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from ml_pipe.runner.run.notebook_run import CellError, run_notebook
from ml_pipe.runner.run.run_folder import VARIABLE, RunReport
from ml_pipe.runner.source.export import PACKAGE
from ml_pipe.workflow import run_pipeline
from model_store.file_store import FileModelStore
from model_store.schema.prediction import answers
from model_store.seals.publishers import PublisherFolder
from model_store.store import LoadedModel, LoadPolicy
from settings.model_settings import TRUSTED_TYPES
from tests.iris_example import ANSWER, REQUEST
from tests.mixed_table import mixed_table
from tests.run_context import context_in

pytestmark = pytest.mark.slow  # each makes whole runs, through notebooks, or looks at what one made


def store_of(report: RunReport) -> FileModelStore:
    """Return the store that a run published to."""
    local_data = report.folder.parents[1]
    publishers = PublisherFolder(local_data / "secrets" / "publishers")
    policy = LoadPolicy(trusted_types=TRUSTED_TYPES, publishers=publishers)
    return FileModelStore(local_data / "models", policy)


def loaded(report: RunReport) -> LoadedModel:
    """Return the version that a run published."""
    assert report.version is not None
    return store_of(report).load(report.model, report.version)


def answer(model: LoadedModel, body: bytes, *, probabilities: bool = False) -> object:
    """Return a model's answer to a request's body."""
    rows = model.decoder.decode(body)
    columns = model.decoder.columns([rows])
    prediction = model.predictor.predict(columns, probabilities=probabilities)
    return answers(prediction, model.manifest.signature, model.predictor.classes)


def test_iris_becomes_a_version_that_answers(iris_run: RunReport) -> None:
    """It answers under the alias champion, and its id says where it is from."""
    assert iris_run.version is not None
    assert iris_run.version.endswith("_main_1a2b3c4_setup-1a")
    assert store_of(iris_run).aliases("iris").current == {"champion": iris_run.version}
    assert answer(loaded(iris_run), REQUEST) == ANSWER
    compiled = loaded(iris_run).manifest.compiled
    assert loaded(iris_run).form == ("compiled" if compiled else "estimator")


def test_a_run_keeps_what_it_did(iris_run: RunReport) -> None:
    """Executed notebooks, figures, tables, and the version in published.json."""
    assert {path.name for path in iris_run.folder.rglob("*.*")} == {
        "00_data_etl.ipynb",
        "01_model_class.ipynb",
        "02_train_test_validate.ipynb",
        "answers.png",
        "clean.parquet",
        "columns.png",
        "development.parquet",
        "importance.png",
        "missing.png",
        "published.json",
        "releases.json",
        "run.json",
        "summary.json",
        "table.json",
        "target.png",
    }
    published = json.loads((iris_run.folder / "published.json").read_text())
    assert published == {
        "model": "iris",
        "version": iris_run.version,
        "summary": iris_run.summary,
    }


def test_a_run_ends_in_sentences_that_a_person_understands(iris_run: RunReport) -> None:
    """What was published, how good it is, who answers now, and what to do next."""
    assert iris_run.summary.startswith(f"iris {iris_run.version}\n")
    summary = " ".join(iris_run.summary.split())
    assert "on validation; guessing: 0.333. By cross-validation in 5 parts: 0.9" in summary
    assert "beaten on 149 rows (cross-validation in 5 parts): balanced accuracy 0.9" in summary
    assert "It is the champion now" in iris_run.summary
    # There is no version before the first one.
    assert "rollback" not in iris_run.summary


def test_the_manifest_tells_where_a_version_comes_from(iris_run: RunReport) -> None:
    """Data, notebooks, seed, run and scores; and no path of the machine."""
    manifest = loaded(iris_run).manifest
    origin = manifest.origin
    assert (origin.pipeline, origin.run, origin.seed) == ("iris", iris_run.run_id, 7)
    assert (origin.git_branch, origin.git_head, origin.setup) == ("main", "1a2b3c4", "setup-1a")
    assert list(origin.notebooks) == [path.name for path in sorted(PACKAGE.glob("0[012]_*.ipynb"))]
    assert len(origin.data) == 64
    assert {(score.metric, score.split) for score in manifest.scores} >= {
        ("accuracy", "train"),
        ("accuracy", "test"),
        ("log_loss", "validation"),
    }
    assert str(iris_run.folder).encode() not in msgspec.json.encode(manifest)


def test_the_card_answers_what_is_known_and_asks_the_rest(iris_run: RunReport) -> None:
    """A person must answer what no computer knows."""
    card, manifest = loaded(iris_run).card, loaded(iris_run).manifest
    accuracy = {score.split: score.value for score in manifest.scores if score.metric == "accuracy"}
    assert card.count("To be answered by a person.") == 7
    assert "Most on petal_" in card
    assert ("It is served compiled" in card) == (manifest.compiled is not None)
    assert manifest.not_compiled in card
    assert f"| accuracy | {accuracy['train']:.3g} | {accuracy['test']:.3g} ± " in card
    assert "It is better than guessing, on 149 rows (cross-validation in 5 parts):" in card


def test_the_same_seed_and_data_give_the_same_answers(
    iris: Path, iris_run: RunReport, tmp_path: Path
) -> None:
    """To the last bit, scores and probabilities, in another folder and from another caller."""
    parameters = {"data": str(iris / "iris.csv"), "target": "variety"}
    again = run_pipeline(PACKAGE, parameters, context_in(tmp_path))
    first, second = loaded(iris_run), loaded(again)
    assert first.manifest.scores == second.manifest.scores
    assert answer(first, REQUEST, probabilities=True) == answer(second, REQUEST, probabilities=True)


def test_a_model_that_is_refused_leaves_no_trace_in_the_store(
    iris_run: RunReport, tmp_path: Path
) -> None:
    """No version, no moved alias; the sentence says which limit, and where to look."""
    local_data = iris_run.folder.parents[1]
    # Other tests look into the run's own folder, in any order.
    folder = shutil.copytree(iris_run.folder, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (local_data / "models").rglob("*")}
    with pytest.raises(CellError) as caught:
        run_notebook(
            PACKAGE / "02_train_test_validate.ipynb",
            tmp_path / "executed.ipynb",
            {"lowest_score": 0.999},
            cell_timeout_seconds=120,
            on_phase=lambda _: None,
            variables={VARIABLE: str(folder)},
        )
    assert caught.value.line.startswith("accept(")
    assert caught.value.reason.startswith(
        "The model is not published: validation 0.9667 is 0.03233 below lowest"
    )
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set((local_data / "models").rglob("*")) == set(before)


@pytest.mark.parametrize(("target", "other"), [("Label", "amount"), ("amount", "Label")])
def test_a_table_of_mixed_columns_becomes_a_version(
    tmp_path: Path, target: str, other: str
) -> None:
    """Nothing but table and target given: one as CSV with labels, one as Parquet with amounts."""
    table = mixed_table(150, seed=2).drop(columns=other)
    path = tmp_path / f"Größe {target}.table"
    if target == "Label":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    parameters = {"data": path, "target": target, "group": "Stadt"}
    report = run_pipeline(PACKAGE, parameters, context_in(tmp_path))
    model = loaded(report)
    assert model.manifest.task == ("classification" if target == "Label" else "regression")
    assert len(model.manifest.signature.inputs) == 17
    assert "The column `constant` is left out" in model.card
    assert "between the groups of Stadt" in model.card


def test_a_table_that_cannot_be_trained_on_is_reported(iris: Path, tmp_path: Path) -> None:
    """The report ends in the sentence, and no model folder is made."""
    parameters = {"data": str(iris / "iris.csv"), "target": "varity"}
    with pytest.raises(CellError, match='The table has no column "varity": it has var'):
        run_pipeline(PACKAGE, parameters, context_in(tmp_path))
    assert not (tmp_path / "models").exists()
