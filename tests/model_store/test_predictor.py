"""A predictor answers as the signature says, or raises with the reason."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_store.errors import PredictionError
from model_store.predictor import EstimatorPredictor
from model_store.schema.prediction import Prediction, answers
from model_store.schema.signature import Column, Kind, Signature

COLUMNS = {"x": np.array([0.0, 1.0, 2.0, 3.0])}


def signature(kind: Kind, *names: str) -> Signature:
    """Return a signature of one number in, and outputs of one kind."""
    return Signature(
        inputs=(Column(name="x", kind=Kind.NUMBER),),
        outputs=tuple(Column(name=name, kind=kind) for name in names or ("y",)),
    )


class Constant:
    """A model that always says the same, however wrong."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls = 0

    def predict(self, _frame: pd.DataFrame) -> Any:
        """Return the answer."""
        self.calls += 1
        return self.answer


class Shares(Constant):
    """A classifier of two classes that always says the same probabilities."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, shares: Any) -> None:
        super().__init__(np.array(["no"] * 4))
        self.shares = shares

    def predict_proba(self, _frame: pd.DataFrame) -> Any:
        """Return the probabilities."""
        return self.shares


class Raising:
    """A model that cannot take a value, and quotes it in its error."""

    def predict(self, frame: pd.DataFrame) -> Any:
        """Raise an error that holds a value of the table."""
        raise ValueError(f"cannot take {frame['x'].iloc[3]}")


def test_all_rows_are_answered_by_one_call() -> None:
    """A call for each row would cost more than the model."""
    model = Constant(np.array([1.0, 2.0, 3.0, 4.0]))
    predictor = EstimatorPredictor(model, signature(Kind.NUMBER))
    (values,), _ = predictor.predict(COLUMNS)
    assert values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert model.calls == 1


@pytest.mark.parametrize(
    ("answer", "kind", "expected"),
    [
        (np.array([1, 2, 3, 4], dtype="int32"), Kind.INTEGER, [1, 2, 3, 4]),
        (np.array([1, 2, 3, 4]), Kind.NUMBER, [1.0, 2.0, 3.0, 4.0]),
        (np.array([[1.0], [2.0], [3.0], [4.0]]), Kind.NUMBER, [1.0, 2.0, 3.0, 4.0]),
        (np.array([1, 0, 0, 1], dtype=bool), Kind.BOOLEAN, [True, False, False, True]),
        (np.array(list("abcd")), Kind.CATEGORY, ["a", "b", "c", "d"]),
        (np.array(list("abcd"), dtype=object), Kind.STRING, ["a", "b", "c", "d"]),
        (pd.Series(list("abcd")), Kind.STRING, ["a", "b", "c", "d"]),
    ],
)
def test_answers_are_of_the_outputs_kind(answer: Any, kind: Kind, expected: list[Any]) -> None:
    """The dtype of the estimator's answer does not matter."""
    prediction = EstimatorPredictor(Constant(answer), signature(kind)).predict(COLUMNS)
    assert answers(prediction, signature(kind)) == [{"y": value} for value in expected]


def test_several_outputs_are_answered_by_name() -> None:
    """In the order of the signature."""
    two = signature(Kind.NUMBER, "a", "b")
    x = COLUMNS["x"].reshape(-1, 1)
    model = LinearRegression().fit(pd.DataFrame(COLUMNS), np.hstack([x, 2 * x]))
    rows = answers(EstimatorPredictor(model, two).predict(COLUMNS), two)
    assert rows[3] == {"a": pytest.approx(3.0), "b": pytest.approx(6.0)}


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (np.zeros(3), Kind.NUMBER, "shape"),
        (np.zeros((4, 2)), Kind.NUMBER, "shape"),
        (np.float64(1.0), Kind.NUMBER, "shape"),
        (None, Kind.NUMBER, "shape"),
        (np.array([1.0, np.nan, 1.0, 1.0]), Kind.NUMBER, "NaN"),
        (np.array([1.0, np.inf, 1.0, 1.0]), Kind.NUMBER, "infinity"),
        (np.zeros(4), Kind.INTEGER, "float64 values where the signature says integer"),
        (np.array([0, 0, 0, 2**53 + 1]), Kind.INTEGER, "beyond 2"),
        (np.zeros(4), Kind.CATEGORY, "float64 values where the signature says category"),
        (np.array(["a", None, "b", "c"], dtype=object), Kind.STRING, "object values"),
        (np.array(list("abcd")), Kind.NUMBER, "values where the signature says number"),
        (np.zeros(4, dtype=int), Kind.BOOLEAN, "int64 values where the signature says boolean"),
        (np.zeros(4, dtype="datetime64[s]"), Kind.DATETIME, "none predicts"),
    ],
)
def test_an_invalid_answer_is_refused(answer: Any, kind: Kind, reason: str) -> None:
    """A wrong shape, a NaN, or a label of another kind."""
    predictor = EstimatorPredictor(Constant(answer), signature(kind))
    with pytest.raises(PredictionError, match=reason):
        predictor.predict(COLUMNS)


def test_an_error_of_the_model_contains_no_value() -> None:
    """Neither its sentence nor its traceback has one."""
    columns = {"x": np.array([0.0, 0.0, 0.0, 4711.0])}
    with pytest.raises(PredictionError, match=r"raised ValueError in .*test_predictor") as refusal:
        EstimatorPredictor(Raising(), signature(Kind.NUMBER)).predict(columns)
    assert "4711" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(n_estimators=5, random_state=0),
        HistGradientBoostingClassifier(min_samples_leaf=1),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5, random_state=0)),
    ],
)
def test_probabilities_never_change_the_answer(model: Any) -> None:
    """That holds for one call and for two."""
    model.fit(pd.DataFrame(COLUMNS), ["no", "no", "yes", "yes"])
    predictor = EstimatorPredictor(model, signature(Kind.CATEGORY))
    (with_them,), probabilities = predictor.predict(COLUMNS, probabilities=True)
    (without,), _ = predictor.predict(COLUMNS)
    assert predictor.classes == ("no", "yes")
    assert probabilities == pytest.approx(model.predict_proba(pd.DataFrame(COLUMNS)))
    assert with_them.tolist() == without.tolist()
    assert with_them.tolist() == model.predict(pd.DataFrame(COLUMNS)).tolist()


def test_a_forest_is_asked_once_and_other_models_twice() -> None:
    """Only a forest's answer is sure to be its likeliest class."""
    asked: list[str] = []

    class Counted(StandardScaler):  # type: ignore[misc]
        def transform(self, *args: Any, **options: Any) -> Any:
            asked.append("once")
            return super().transform(*args, **options)

    for model, calls in ((RandomForestClassifier(n_estimators=2), 1), (LogisticRegression(), 2)):
        pipeline = make_pipeline(Counted(), model)
        pipeline.fit(pd.DataFrame(COLUMNS), ["no", "no", "yes", "yes"])
        asked.clear()
        predictor = EstimatorPredictor(pipeline, signature(Kind.CATEGORY))
        predictor.predict(COLUMNS, probabilities=True)
        assert len(asked) == calls


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        (np.full((4, 3), 0.5), "shape"),
        (np.full(4, 0.5), "shape"),
        (np.full((4, 2), np.nan), "not numbers"),
        (np.full((4, 2), "0.5"), "not numbers"),
    ],
)
def test_invalid_probabilities_are_refused(shares: Any, reason: str) -> None:
    """They are refused before they reach an answer."""
    predictor = EstimatorPredictor(Shares(shares), signature(Kind.CATEGORY))
    with pytest.raises(PredictionError, match=reason):
        predictor.predict(COLUMNS, probabilities=True)


def test_a_regression_has_no_probabilities_to_give() -> None:
    """It says so instead of failing."""
    predictor = EstimatorPredictor(Constant(np.zeros(4)), signature(Kind.NUMBER))
    assert predictor.classes == ()
    with pytest.raises(PredictionError, match="no probabilities"):
        predictor.predict(COLUMNS, probabilities=True)


def test_classes_of_another_kind_than_the_output_are_refused_at_once() -> None:
    """They are refused when the model is loaded, not when it predicts."""
    with pytest.raises(PredictionError, match="the signature says integer"):
        EstimatorPredictor(Shares(None), signature(Kind.INTEGER))


def test_probabilities_are_named_by_their_labels_as_json_writes_them() -> None:
    """Keys of JSON are text."""
    prediction = Prediction((np.array([True]),), np.array([[0.25, 0.75]]))
    assert answers(prediction, signature(Kind.BOOLEAN), (False, True)) == [
        {"y": True, "probabilities": {"false": 0.25, "true": 0.75}}
    ]
