"""Not to answer, in training: how many rows it costs, and how many answers are right then."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from ml_pipe.runner.choosing.calibration import METHODS, with_calibration
from ml_pipe.runner.choosing.decide import decide
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.answers import Rows
from model_store.compile.compiling import compile_estimator
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature

ROWS = 600


def table(labels: int) -> pd.DataFrame:
    """Return numbers and a label that mostly follows from them."""
    random = np.random.default_rng(5)  # of each table anew, whatever the order of the tests
    frame = pd.DataFrame(random.normal(size=(ROWS, 2)), columns=["a", "b"])
    place = (frame["a"] + random.normal(0, 0.7, ROWS) > 0).astype(int)
    place += ((frame["b"] > 0.5) & (labels > 2)).astype(int)
    return frame.assign(y=np.array(["no", "so", "yes"], dtype=object)[place])


def world(labels: int = 2) -> tuple[Any, dict[str, pd.DataFrame]]:
    """Return a run as `load` does, and its splits."""
    whole = table(labels)
    parts = (whole.iloc[:300], whole.iloc[300:450], whole.iloc[450:])
    splits = dict(zip(("train", "test", "validation"), parts, strict=True))
    run = SimpleNamespace(
        task="classification", names=["a", "b"], target="y", targets=["y"], table=whole
    )
    return run, splits


def fitted(model: Any, splits: dict[str, pd.DataFrame]) -> Any:
    """Return a model fitted on the training rows."""
    return model.fit(splits["train"][["a", "b"]], splits["train"]["y"])


def test_what_is_not_answered_makes_the_rest_better() -> None:
    """The phrase says both numbers, and the mask says which rows."""
    run, splits = world()
    model = fitted(LogisticRegression(), splits)
    found = decide(run, model, splits, least_confidence=0.9, top=2)
    assert (found.decision.least_confidence, found.decision.top) == (0.9, 2)
    unseen = pd.concat([splits["test"], splits["validation"]])
    shares = model.predict_proba(unseen[["a", "b"]]).max(axis=1)
    assert found.unsure is not None
    assert np.array_equal(found.unsure, shares < 0.9)
    right = model.predict(unseen[["a", "b"]]) == unseen["y"]
    assert right[~found.unsure].mean() > right.mean()
    assert f"for {found.unsure.mean():.1%} of 300 unseen rows" in found.phrase
    assert f"{right.mean():.1%} would be" in found.phrase
    calibrated = decide(run, model, splits, least_confidence=0.9, calibrate="temperature")
    assert "of 150 unseen rows" in calibrated.phrase
    assert calibrated.unsure is not None
    assert np.array_equal(calibrated.unsure, found.unsure)


def test_nothing_asked_is_nothing_decided() -> None:
    """A regression needs no probabilities for that."""
    run, splits = world()
    run.task = "regression"
    found = decide(run, object(), splits, calibrate="sigmoid")
    assert (found.phrase, found.unsure) == ("", None)
    assert not found.decision.needs_probabilities


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"least_confidence": 1.0}, "a probability below 1"),
        ({"least_confidence": -0.1}, "a probability below 1"),
        ({"least_confidence": 0.99999}, "of the unseen rows"),
        ({"top": 3}, "the model has 2 labels"),
        ({"top": -1}, "the model has 2 labels"),
        ({"least_confidence": 0.6, "threshold": "0.3"}, "exclude each other"),
    ],
)
def test_what_cannot_be_decided_is_refused(asked: dict[str, Any], word: str) -> None:
    """Before anything is published."""
    run, splits = world()
    with pytest.raises(TableError, match=word):
        decide(run, fitted(LogisticRegression(C=0.001), splits), splits, **asked)


def test_what_has_no_probabilities_is_refused() -> None:
    """A regression, and a classifier of distances."""
    run, splits = world()
    model = fitted(LinearSVC(), splits)
    with pytest.raises(TableError, match="classifier with probabilities"):
        decide(run, model, splits, top=1)
    known = Rows(splits["test"][["a", "b"]], splits["test"]["y"])
    with pytest.raises(TableError, match="with probabilities or distances"):
        with_calibration(object(), "sigmoid", known)
    calibrated, note = with_calibration(model, "sigmoid", known)
    assert "made of distances by sigmoid" in note
    assert decide(run, calibrated, splits, top=1).decision.top == 1


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_calibrated_on_rows_apart(method: str) -> None:
    """On rows that neither has seen, they are better than before; the labels are the same ones."""
    _, splits = world(3)
    model = fitted(RandomForestClassifier(20, random_state=0), splits)
    known = Rows(splits["validation"][["a", "b"]], splits["validation"]["y"])
    if method == "isotonic":
        with pytest.raises(TableError, match="needs 200 validation rows"):
            with_calibration(model, method, known)
        both = pd.concat([splits["validation"], splits["test"]])
        known = Rows(both[["a", "b"]], both["y"])
    calibrated, note = with_calibration(model, method, known)
    assert list(calibrated.classes_) == list(model.classes_)
    assert "log loss" in note
    shares = calibrated.predict_proba(splits["test"][["a", "b"]])
    before = model.predict_proba(splits["test"][["a", "b"]])
    places = pd.Index(model.classes_).get_indexer(splits["test"]["y"])
    rows = np.arange(len(places))
    assert np.log(shares[rows, places] + 1e-9).mean() > np.log(before[rows, places] + 1e-9).mean()


def test_a_label_without_validation_rows_is_named() -> None:
    """A calibration would forget it."""
    _, splits = world(3)
    model = fitted(LogisticRegression(), splits)
    some = splits["validation"][splits["validation"]["y"] != "yes"]
    with pytest.raises(TableError, match="2 validation rows of each label, and one has 0"):
        with_calibration(model, "temperature", Rows(some[["a", "b"]], some["y"]))
    with pytest.raises(TableError, match="temperature, sigmoid, isotonic"):
        with_calibration(model, "platt", Rows(some[["a", "b"]], some["y"]))


@pytest.mark.slow  # compiles four estimators
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("model", [RandomForestClassifier(5, random_state=0), LogisticRegression()])
def test_a_temperature_is_compiled(model: Any, labels: int) -> None:
    """Under the proof of equality, of two labels and of more, of logits and of probabilities."""
    _, splits = world(labels)
    known = Rows(splits["validation"][["a", "b"]], splits["validation"]["y"])
    calibrated, _ = with_calibration(fitted(model, splits), "temperature", known)
    frame = splits["train"]
    signature = infer_signature(frame[["a", "b"]], frame[["y"]].astype("category"))
    golden = golden_rows(calibrated, signature, frame)
    assert compile_estimator(calibrated, signature, golden).reason == ""
