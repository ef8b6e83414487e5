"""An estimator that answers an interval as well."""

from typing import Any

from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.intervals.conformal import ConformalInterval, held_back
from model_store.schema.signature import Signature

_BOOSTED = (GradientBoostingRegressor, HistGradientBoostingRegressor)


def with_interval(estimator: Any, signature: Signature, rows: int, seed: int) -> Any:
    """Return an estimator that answers an interval as well, where the signature has one.

    The bounds are boosted trees of quantiles, behind the same steps as the estimator's last one; an
    estimator that is boosted itself keeps its settings for them. Beside an estimator that is no
    pipeline, the bounds are the amount itself, moved: one width for all rows.

    Args:
        estimator: an unfitted one, of the amount.
        signature: the columns of the model.
        rows: how many it will be fitted to.
        seed: the start of every random choice.

    Raises:
        TableError: the rows are too few for the coverage.
    """
    interval = signature.interval
    if interval is None:
        return estimator
    try:
        held_back(rows, interval.coverage)
    except ValueError as error:
        raise TableError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    outside = (1 - interval.coverage) / 2
    lower, upper = (_of_quantile(estimator, share, seed) for share in (outside, 1 - outside))
    return ConformalInterval(estimator, lower, upper, interval.coverage, seed)


def _of_quantile(estimator: Any, share: float, seed: int) -> Any:
    if isinstance(estimator, _BOOSTED):
        return _boosted(estimator, share, seed)
    if not isinstance(estimator, Pipeline):
        # What prepares its columns is inside of it: the bounds follow the amount.
        return clone(estimator)
    *before, (name, last) = estimator.steps
    return Pipeline(
        [*((n, clone(step)) for n, step in before), (name, _boosted(last, share, seed))]
    )


def _boosted(model: Any, share: float, seed: int) -> Any:
    if isinstance(model, HistGradientBoostingRegressor):
        return clone(model).set_params(loss="quantile", quantile=share)
    if isinstance(model, GradientBoostingRegressor):
        return clone(model).set_params(loss="quantile", alpha=share)
    return HistGradientBoostingRegressor(
        loss="quantile",
        quantile=share,
        max_iter=60,
        min_samples_leaf=5,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
