"""Golden rows cover what a model can meet, and detect a model that answers differently."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from model_store.errors import RefusedError
from model_store.golden import Golden, check, golden_rows
from model_store.predictor import EstimatorPredictor
from model_store.schema.infer_signature import infer_signature
from model_store.schema.row_decoder import MAX_STRING, RowDecoder
from model_store.schema.signature import Column, Kind, Signature

LINE = Signature(
    inputs=(Column(name="x", kind=Kind.NUMBER),), outputs=(Column(name="y", kind=Kind.NUMBER),)
)


class Times(BaseEstimator):  # type: ignore[misc]
    """A model that multiplies x."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return the product."""
        return frame["x"].to_numpy() * self.factor


class Sign(BaseEstimator):  # type: ignore[misc]
    """A classifier that recognises positive numbers, with a little doubt."""

    classes_ = np.array(["minus", "plus"])

    def __init__(self, doubt: float = 0.125) -> None:
        self.doubt = doubt

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """Return the doubt and the rest."""
        plus = np.where(frame["x"] > 0, 1 - self.doubt, self.doubt)
        return np.column_stack([1 - plus, plus])

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return the likelier class."""
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]


def checked(golden: Golden, model: Any, signature: Signature = LINE) -> None:
    """Check a model against golden rows."""
    predictor = EstimatorPredictor(model, signature)
    check(golden, signature, RowDecoder(signature), predictor)


def test_golden_rows_are_rows_as_in_a_request_with_answers_as_in_its_answer() -> None:
    """Anyone can send them to the service."""
    golden = golden_rows(Times(), LINE, pd.DataFrame({"x": [4]}))
    assert golden == Golden([{"x": 4.0}], [{"y": 8.0}])


def test_every_class_category_boolean_and_missing_value_occurs() -> None:
    """That includes those that are one in a thousand."""
    frame = pd.DataFrame(
        {
            "x": [-1.0] * 999 + [1.0],
            "category": pd.Categorical([*["often"] * 995, "rare", None, *["often"] * 3]),
            "flag": [*[True] * 990, False, *[True] * 9],
            "time": pd.Series([pd.Timestamp("2026-11-21")] * 1000).where(np.arange(1000) != 7),
        }
    )
    signature = infer_signature(frame, pd.DataFrame({"sign": ["plus", "minus"]}))
    golden = golden_rows(Sign(), signature, frame, count=8, seed=1)
    assert len(golden.inputs) == len(golden.outputs) == 8
    assert {row["category"] for row in golden.inputs} == {"often", "rare", None}
    assert {row["flag"] for row in golden.inputs} == {True, False}
    assert {row["time"] for row in golden.inputs} == {"2026-11-21T00:00:00Z", None}
    assert {row["sign"] for row in golden.outputs} == {"minus", "plus"}
    assert golden.outputs[0]["probabilities"].keys() == {"minus", "plus"}
    checked(golden, Sign(), signature)


def test_the_same_seed_picks_the_same_rows() -> None:
    """A run can be repeated."""
    frame = pd.DataFrame({"x": np.arange(100.0)})
    first, again, other = (golden_rows(Times(), LINE, frame, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_text_that_is_too_long_for_a_request_is_not_picked() -> None:
    """The service would refuse it."""
    frame = pd.DataFrame({"x": [1.0, 2.0], "text": ["a" * (MAX_STRING + 1), "short"]})
    signature = infer_signature(frame, pd.DataFrame({"y": [1.0]}))
    assert [row["text"] for row in golden_rows(Times(), signature, frame).inputs] == ["short"]
    with pytest.raises(RefusedError, match="no golden rows"):
        golden_rows(Times(), signature, frame[:1])


@pytest.mark.parametrize("factor", [2.0, 2.0 * (1 + 9e-6), 2.0 * (1 - 9e-6)])
def test_a_number_may_be_off_by_a_hundred_thousandth(factor: float) -> None:
    """Other machines add in another order."""
    checked(golden_rows(Times(), LINE, pd.DataFrame({"x": [0.0, -3.0, 1e9]})), Times(factor))


@pytest.mark.parametrize("factor", [2.0 * (1 + 2e-5), -2.0, 0.0])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_number_may_not_be_off_further_whatever_its_scale(factor: float, scale: float) -> None:
    """An absolute tolerance would pass every model of small numbers."""
    golden = golden_rows(Times(), LINE, pd.DataFrame({"x": [scale, 2 * scale]}))
    with pytest.raises(RefusedError, match="golden row 0"):
        checked(golden, Times(factor))


def test_probabilities_are_compared_too() -> None:
    """Labels hide most of what a classifier does."""
    labels = msgspec.structs.replace(LINE, outputs=(Column(name="s", kind=Kind.CATEGORY),))
    golden = golden_rows(Sign(), labels, pd.DataFrame({"x": [1.0]}))
    checked(golden, Sign(0.125000001), labels)
    with pytest.raises(RefusedError, match="golden row 0"):
        checked(golden, Sign(0.126), labels)


@pytest.mark.parametrize(
    ("golden", "reason"),
    [
        (Golden([{"x": 1.0}], [{"y": 3.0}]), "golden row 0"),
        (Golden([{"x": 1.0}], [{"y": "2.0"}]), "golden row 0"),
        (Golden([{"x": 1.0}], [{"y": True}]), "golden row 0"),
        (Golden([{"x": 1.0}], [{"y": None}]), "golden row 0"),
        (Golden([{"x": 1.0}], [{}]), "golden row 0"),
        (Golden([{"x": 1.0}], [{"y": 2.0, "z": 1.0}]), "golden row 0"),
        (Golden([{"x": 1.0}], []), "one answer for each row"),
        (Golden([], []), "no request could have"),
        (Golden([{"x": None}], [{"y": 2.0}]), "no request could have"),
        (Golden([{"z": 1.0}], [{"y": 2.0}]), "no request could have"),
    ],
)
def test_wrong_golden_rows_are_refused(golden: Golden, reason: str) -> None:
    """Another value, kind, key or number of rows."""
    with pytest.raises(RefusedError, match=reason):
        checked(golden, Times())
