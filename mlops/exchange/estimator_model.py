"""A fitted estimator from a file of skops, joblib or pickle, read in an import's own process."""

import io
import warnings
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ml_pipe.runner.choosing.storable import modules_of
from ml_pipe.runner.errors import PipelineError
from mlops.exchange.files.recognition import Form
from mlops.exchange.wants import Examples, Made, Wants
from mlops.sealing.contents import types_held
from model_store import formats
from model_store.errors import PredictionError, RefusedError
from model_store.manifest import EstimatorFormat, Task
from model_store.predictor import EstimatorPredictor
from model_store.schema.signature import Kind
from model_store.store import LoadPolicy

_MOST_BYTES = 8 * 2**30
_KINDS = {
    "double": Kind.NUMBER,
    "float": Kind.NUMBER,
    "long": Kind.INTEGER,
    "integer": Kind.INTEGER,
}


class EstimatorSource:
    """A fitted estimator from elsewhere, as a `Source`."""

    def __init__(
        self, estimator: Any, policy: LoadPolicy, types: dict[str, str], notes: list[str]
    ) -> None:
        """Look at an estimator.

        Raises:
            RefusedError: it is nothing that predicts.
        """
        _check_predicts(estimator)
        self._estimator = estimator
        self._policy = policy
        self._notes = notes
        self._own_names = _names(estimator)
        names = self._own_names or tuple(types)
        classes = getattr(estimator, "classes_", None)
        task = _task(estimator)
        self.wants = Wants(
            names=names,
            width=None if names else getattr(estimator, "n_features_in_", None),
            kinds={name: _KINDS[each] for name, each in types.items() if each in _KINDS},
            # It learnt from an array, where a whole number is one with fractions.
            all_numbers=not self._own_names and not types,
            task=task,
            classes=tuple(classes) if task == "classification" and classes is not None else (),
        )

    def made(self, examples: Examples) -> Made:
        """Return the estimator as one that takes a table, in the safest format that holds it."""
        estimator = self._estimator
        if not self._own_names:
            estimator = of_columns(estimator, examples.inputs)
        try:
            requires = modules_of(estimator)
            predictor = EstimatorPredictor(estimator, examples.signature)
        except (PipelineError, PredictionError) as error:
            raise RefusedError(str(error)) from error
        format_name, note = _format(estimator, self._policy)
        notes = (*self._notes, *filter(None, [note]))
        return Made(predictor, estimator, format_name, requires=requires, notes=notes)


def read_estimator(
    path: Path, form: Form, policy: LoadPolicy, types: dict[str, str], *, approved: bool
) -> EstimatorSource:
    """Return the estimator in a file.

    Raises:
        RefusedError: it may not be loaded, cannot be, or predicts nothing.
    """
    content = path.read_bytes()
    if len(content) > _MOST_BYTES:
        raise RefusedError(f"{path.name} is larger than 8 GiB.")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        estimator = (
            _of_skops(content, policy, approved=approved)
            if form is Form.SKOPS
            else _of_pickle(content, path.name, approved=approved)
        )
    notes = [
        f"It was made with scikit-learn {each.message.original_sklearn_version}, and is read with "
        f"{each.message.current_sklearn_version}."
        for each in heard
        if isinstance(each.message, InconsistentVersionWarning)
    ][:1]
    return EstimatorSource(estimator, policy, types, notes)


def _of_skops(content: bytes, policy: LoadPolicy, *, approved: bool) -> Any:
    held = [name for name in types_held(content, "skops") if name not in policy.trusted_types]
    if held and not approved:
        raise RefusedError(
            f"It holds types that skops does not trust by itself ({', '.join(held)}). If you trust "
            "whoever made it, say --approve."
        )
    formats.check_allowed(content, "skops", policy)
    return formats.load(content, "skops", policy)


def _of_pickle(content: bytes, name: str, *, approved: bool) -> Any:
    if not approved:
        raise RefusedError(
            "A pickle runs whatever is in it. If you trust whoever made it, say --approve."
        )
    try:
        return joblib.load(io.BytesIO(content))
    except ModuleNotFoundError as error:
        raise RefusedError(
            f"{name} needs the module {error.name}, which is not here: `make add PACKAGE=...`, or "
            "put your own module beside ml_pipe."
        ) from error
    except AttributeError as error:
        raise RefusedError(
            f"{name} cannot be read here ({error}). A class or function that was defined in a "
            "script or notebook must be in a module that can be imported here."
        ) from error
    except Exception as error:
        # A pickle may raise anything.
        raise RefusedError(
            f"{name} cannot be read here ({type(error).__name__}: {error}): it may be of other "
            "versions of Python or of its packages. Save it with skops there, or train again."
        ) from error


def _check_predicts(estimator: Any) -> None:
    kind = type(estimator).__name__
    if isinstance(estimator, dict):
        raise RefusedError(
            f"The file holds a dictionary ({', '.join(map(str, list(estimator)[:8]))}), and no "
            "model: save the fitted estimator alone."
        )
    if isinstance(estimator, type):
        raise RefusedError(f"The file holds the class {estimator.__name__}, not a fitted model.")
    if not hasattr(estimator, "predict"):
        raise RefusedError(
            f"The file holds a {kind}, which has no predict: save the fitted model, as a Pipeline "
            "with the steps before it."
        )
    if hasattr(estimator, "get_params"):
        try:
            check_is_fitted(estimator)
        except NotFittedError as error:
            raise RefusedError(
                f"The {kind} in the file is not fitted: save it after fit."
            ) from error
        except TypeError:
            # Not every estimator of others is one that can be asked.
            return


def _names(estimator: Any) -> tuple[str, ...]:
    names = getattr(estimator, "feature_names_in_", ())
    return tuple(str(name) for name in names)


def _task(estimator: Any) -> Task | None:
    try:
        if is_classifier(estimator):
            return "classification"
        if is_regressor(estimator):
            return "regression"
    except (AttributeError, TypeError):
        # It is no estimator of scikit-learn.
        return None
    return None


def of_columns(estimator: Any, inputs: pd.DataFrame) -> Pipeline:
    """Return an estimator that learnt from an array as one that takes a table."""
    names = list(inputs.columns)
    # Passed on without their names, as the estimator knows none.
    columns = ColumnTransformer([("columns", "passthrough", names)]).fit(inputs)
    return Pipeline([("columns", columns), ("model", estimator)])


def _format(estimator: Any, policy: LoadPolicy) -> tuple[EstimatorFormat, str]:
    """Return the format to store an estimator in: skops where it can hold it."""
    try:
        formats.check_allowed(formats.dump(estimator, "skops"), "skops", policy)
    except RefusedError as error:
        if "pickle" in policy.formats:
            return "pickle", f"It is stored as a pickle. {error}"
        raise RefusedError(
            f"{error} Or allow pickles: MODEL_FORMATS=skops,pickle, where you trust everyone who "
            "can write to the model store."
        ) from error
    return "skops", ""
