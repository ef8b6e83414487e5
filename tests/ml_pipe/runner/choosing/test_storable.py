"""An estimator that cannot be published is refused before it is trained."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer

from ml_pipe.model_class import DateParts
from ml_pipe.runner.choosing import storable
from ml_pipe.runner.choosing.storable import check_fitted, check_storable
from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.run.context import Context
from model_store.errors import PredictionError, RefusedError
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(RNG.normal(size=(400, 2)), columns=["x", "z"]).assign(
    y=lambda table: table["x"] * 2
)
KNOWN = Rows(TABLE[["x", "z"]], TABLE["y"])
SIGNATURE = infer_signature(TABLE[["x", "z"]], TABLE[["y"]])


class Texts(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Answers a number with a text."""

    def fit(self, X: Any, y: Any) -> "Texts":  # noqa: N803 - as sklearn asks
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - as sklearn asks
        return np.array(["text"] * len(X))


class Gathers(LinearRegression):  # type: ignore[misc]  # it has no types
    """Holds a function without a name once it is fitted."""

    def fit(self, X: Any, y: Any) -> "Gathers":  # noqa: N803 - as sklearn asks
        super().fit(X, y)
        self.own_ = lambda: None
        return self


@pytest.fixture(autouse=True)
def context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that trust the classes of this test."""
    trusted = tuple(f"{each.__module__}.{each.__name__}" for each in (Texts, Gathers))
    found = Context(local_data="", trusted_types=trusted)
    monkeypatch.setattr(storable, "run_context", lambda: found)


def test_what_can_be_published_passes() -> None:
    """Also one whose fitted parts are of another library, which scikit-learn uses."""
    check_storable(make_pipeline(SplineTransformer(), LinearRegression()), KNOWN, SIGNATURE)


def test_a_function_without_a_name_is_refused_unfitted() -> None:
    """No row is needed for that."""
    estimator = make_pipeline(FunctionTransformer(lambda x: x), LinearRegression())
    with pytest.raises(RefusedError, match=r"without a name of their own.*before the training"):
        check_storable(estimator, Rows(KNOWN.inputs[:20], KNOWN.truth[:20]), SIGNATURE)


def test_what_only_fitting_shows_is_refused_on_a_few_rows() -> None:
    """The class is trusted; what it holds after `fit` cannot be stored."""
    with pytest.raises(RefusedError, match=r"without a name of their own.*before the training"):
        check_storable(Gathers(), KNOWN, SIGNATURE)


def test_an_answer_of_another_kind_is_refused_on_a_few_rows() -> None:
    """The signature says a number."""
    with pytest.raises(PredictionError, match=r'answered "y" with.*before the training'):
        check_storable(Texts(), KNOWN, SIGNATURE)


def test_a_class_of_the_kernel_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service could import it."""
    monkeypatch.setattr(Texts, "__module__", "__main__")
    with pytest.raises(PipelineError, match="known to this kernel alone"):
        check_storable(Texts(), KNOWN, SIGNATURE)


def test_the_second_notebook_may_ask_its_own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that it exports: any table with dates, texts or arrays needs some of them."""
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60)})
    signature = infer_signature(days, TABLE[["y"]].head(60))
    days = conform(days, signature.inputs)
    fitted = make_pipeline(DateParts(), LinearRegression()).fit(days, TABLE["y"].head(60))
    monkeypatch.setattr(DateParts, "__module__", "__main__")
    check_fitted(fitted, days, signature)
    fitted.steps[0] = ("unknown", type("Unknown", (DateParts,), {"__module__": "__main__"})())
    with pytest.raises(PipelineError, match="known to this kernel alone"):
        check_fitted(fitted, days, signature)


def test_one_that_needs_more_rows_than_these_is_trained() -> None:
    """That it cannot be fitted to 100 rows says nothing of 400."""
    greedy = KNeighborsRegressor(n_neighbors=150)
    with pytest.raises(ValueError, match="n_neighbors"):
        greedy.fit(KNOWN.inputs[:100], KNOWN.truth[:100]).predict(KNOWN.inputs[:1])
    check_storable(greedy, KNOWN, SIGNATURE)
