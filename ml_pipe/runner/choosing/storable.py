"""Whether an estimator can be published: seen before the training, on a few of its rows."""

import importlib
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from threadpoolctl import threadpool_limits

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.run_folder import run_context
from model_store import formats
from model_store.boosters import storing
from model_store.errors import PredictionError, RefusedError
from model_store.golden import golden_rows
from model_store.schema.signature import Signature
from model_store.store import LoadPolicy

FEW_ROWS = 100
"""So many rows show what an estimator is made of once it is fitted."""
_KERNEL = "__main__"
_SHORT = 2 * FEW_ROWS
_BEFORE = "This was found before the training."


def check_storable(estimator: Any, known: Rows, signature: Signature) -> None:
    """Check that an estimator can be published once it is fitted.

    It is looked at unfitted; where the training has more than 200 rows, a copy is fitted to 100 of
    them, stored, loaded and asked, too. A copy that cannot be fitted to so few shows nothing.

    Args:
        estimator: an unfitted one.
        known: the training rows.
        signature: the columns of the model.

    Raises:
        PipelineError: a class of it is none that a service can import.
        RefusedError: it cannot be stored, or not be loaded; the sentence says why.
        PredictionError: it answers with no such values as the signature says.
    """
    modules_of(estimator)
    _check(estimator)
    if len(known.inputs) <= _SHORT:
        return
    rows = known.inputs.sample(FEW_ROWS, random_state=0)
    fitted = _fitted(estimator, rows, known.truth.loc[rows.index])
    if fitted is not None:
        check_fitted(fitted, rows, signature)


def check_fitted(estimator: Any, rows: pd.DataFrame, signature: Signature) -> None:
    """Check that an estimator, fitted to a few rows, can be published: stored, loaded and asked.

    Args:
        estimator: a fitted one.
        rows: those that it was fitted to, `(rows, columns)`.
        signature: the columns of the model.

    Raises:
        PipelineError: a class of it is none that a service can import.
        RefusedError: it cannot be stored, or not be loaded; the sentence says why.
        PredictionError: it answers with no such values as the signature says.
    """
    # In the kernel of 01 the classes that it exports are its own; 02 imports them, and stores them.
    loaded = estimator
    if not _is_of_exports(estimator):
        modules_of(estimator)
        loaded = _check(estimator)
    try:
        golden_rows(loaded, signature, rows)
    except PredictionError as error:
        raise PredictionError(f"{error} {_BEFORE}") from error


def modules_of(estimator: Any) -> tuple[str, ...]:
    """Return the modules outside scikit-learn that the parts of an estimator come from.

    Raises:
        PipelineError: one is a class of a kernel, which no service can import.
    """
    parts = _parts(estimator)
    # What is frozen shows none of its parts.
    frozen = [part.estimator for part in parts if isinstance(part, FrozenEstimator)]
    inner = {name for each in frozen for name in modules_of(each)}
    classes = {type(part) for part in parts if part is estimator or isinstance(part, BaseEstimator)}
    for each in classes:
        if each.__module__ == _KERNEL:
            raise PipelineError(
                f"The class {each.__name__} is known to this kernel alone, and no service could "
                "load it: move it into an exported cell of 01_model_class.ipynb."
            )
    modules = {each.__module__ for each in classes} | inner
    return tuple(sorted(name for name in modules if name.split(".")[0] != "sklearn"))


def _parts(estimator: Any) -> list[Any]:
    own = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    return [estimator, *own]


def _is_of_exports(estimator: Any) -> bool:
    """Return whether it has classes of this kernel, and the second notebook exports all of them."""
    kinds = {type(each) for each in _parts(estimator)}
    own = {kind.__qualname__ for kind in kinds if kind.__module__ == _KERNEL}
    if not own:
        return False
    # By name, as this package stands below what the notebooks export.
    exported = importlib.import_module("ml_pipe.model_class")
    return all(hasattr(exported, name) for name in own)


def policy_of(context: Context) -> LoadPolicy:
    """Return what a run may publish, by its settings."""
    return LoadPolicy(formats=frozenset(context.model_formats), trusted_types=context.trusted_types)


def _fitted(estimator: Any, inputs: pd.DataFrame, truth: Any) -> Any:
    """Return a fitted copy of an estimator; None where so few rows are too few for it."""
    try:
        with threadpool_limits(1):
            fitted = clone(estimator).fit(inputs, truth)
            fitted.predict(inputs)
    except Exception:  # noqa: BLE001 - the training itself will raise it, or will not
        return None
    return fitted


def _check(estimator: Any) -> Any:
    """Return an estimator as a service would load it."""
    try:
        try:
            return _loaded(estimator, Context(local_data=""))
        except RefusedError:
            # The settings are read only where they matter.
            return _loaded(estimator, run_context())
    except RefusedError as error:
        raise RefusedError(f"{error} {_BEFORE}") from error


def _loaded(estimator: Any, context: Context) -> Any:
    policy = policy_of(context)
    rest, trees = storing.taken_apart(estimator)
    stored = formats.dump(rest, context.model_format)
    formats.check_allowed(stored, context.model_format, policy)
    return storing.put_together(formats.load(stored, context.model_format, policy), trees)
