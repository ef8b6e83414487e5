"""Boosted trees from the files that XGBoost, LightGBM and CatBoost write themselves."""

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing import LabelEncoder

from mlops.exchange.estimator_model import of_columns
from mlops.exchange.files.recognition import Form
from mlops.exchange.graphs.labels import typed
from mlops.exchange.wants import Examples, Made, Wants
from model_store.boosters.table_booster import BoostedClassifier, BoostedRegressor
from model_store.errors import RefusedError
from model_store.predictor import EstimatorPredictor
from model_store.schema.signature import Kind

_PROBABLE = {
    "xgboost": {"binary:logistic": 2, "multi:softprob": 0},
    "lightgbm": {"binary": 2, "multiclass": 0},
}
"""Objectives with probabilities, and how many classes they have; 0: the file says it."""
_OTHER_LABELS = ("binary:", "multi:", "rank:", "survival:", "lambdarank", "rank_", "multiclassova")
_NAMING = ", or say what the model's own stand for, in order: --labels A,B,C"


class Trees(NamedTuple):
    """What a file of boosted trees holds."""

    model: Any
    """An estimator of its package, fitted."""
    names: tuple[str, ...]
    """Of its columns, in order; empty: it names none."""
    width: int
    classes: tuple[Any, ...] = ()
    """What it answers; empty: amounts."""
    knows_labels: bool = False
    """Whether it answers these itself, and not their places."""


class BoosterSource:
    """Boosted trees from elsewhere, as a `Source`."""

    def __init__(self, trees: Trees, types: dict[str, str], labels: Sequence[str]) -> None:
        """Look at the trees.

        Raises:
            RefusedError: other labels are named than there are classes.
        """
        given = typed(list(labels))
        if given and len(given) != len(trees.classes):
            raise RefusedError(
                f"The model has {len(trees.classes)} classes, and --labels names {len(given)}."
            )
        self._trees = trees
        self._labels = given or trees.classes
        names = trees.names or tuple(types)
        self.wants = Wants(
            names=names,
            width=None if names else trees.width,
            all_numbers=True,
            task="classification" if trees.classes else "regression",
            classes=self._labels,
            naming=_NAMING,
        )

    def made(self, examples: Examples) -> Made:
        """Return the trees as a pipeline that takes a table."""
        if odd := [c.name for c in examples.signature.inputs if c.kind in _NO_NUMBERS]:
            raise RefusedError(
                f'The column "{odd[0]}" of the examples holds no numbers, and a file of boosted '
                "trees does not say which number stands for which of its values: write the numbers "
                "that the model learnt from, or train it here."
            )
        model = self._model(examples)
        estimator = of_columns(model, examples.inputs)
        predictor = EstimatorPredictor(estimator, examples.signature)
        return Made(predictor, estimator, "skops")

    def _model(self, examples: Examples) -> Any:
        trees = self._trees
        if trees.knows_labels and self._labels == trees.classes:
            return trees.model
        around = BoostedClassifier if trees.classes else BoostedRegressor
        # Made of what was fitted elsewhere, so that nothing is fitted here.
        made = around(trees.model)
        made.estimator_ = trees.model
        made.n_features_in_ = trees.width
        if trees.classes:
            labels = self._labels
            if examples.signature.outputs[0].kind is Kind.BOOLEAN and labels == (0, 1):
                labels = (False, True)
            is_text = isinstance(labels[0], str)
            made.classes_ = np.array(labels, dtype=object if is_text else None)
        return made


_NO_NUMBERS = frozenset({Kind.CATEGORY, Kind.STRING, Kind.DATETIME})


def read_boosters(
    path: Path, form: Form, types: dict[str, str], labels: Sequence[str]
) -> BoosterSource:
    """Return the boosted trees in a file.

    Raises:
        RefusedError: their package is not here, or they answer nothing that can be served.
    """
    try:
        package = importlib.import_module(form)
    except ImportError as error:
        raise RefusedError(
            f"{path.name} needs the package {form}, which is not here: `make boosters`."
        ) from error
    try:
        trees = _READ[form](package, path)
    except RefusedError:
        raise
    except Exception as error:
        # The packages' errors have no common base.
        raise RefusedError(f"{path.name} cannot be read by {form} here ({error}).") from error
    return BoosterSource(trees, types, labels)


def _xgboost(package: Any, path: Path) -> Trees:
    booster = package.Booster(model_file=str(path))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    classes = _classes("xgboost", objective, int(learner["learner_model_param"]["num_class"]))
    names, kinds = booster.feature_names, booster.feature_types
    if "c" in (kinds or ()):
        raise RefusedError(
            "It takes categories, and its file does not say which number stands for which of them: "
            "train it here (-p model=xgboost), or import it as ONNX."
        )
    width = int(booster.num_features())
    # The table knows the names, and the trees get numbers alone.
    booster.feature_names = booster.feature_types = None
    model = (package.XGBClassifier if classes else package.XGBRegressor)(n_jobs=1)
    model.load_model(bytearray(booster.save_raw("json")))
    return Trees(model, tuple(names or ()), width, classes)


def _lightgbm(package: Any, path: Path) -> Trees:
    booster = package.Booster(model_str=path.read_text("utf-8"))
    # The numbers stand for what pandas had, and only their training knows in which order.
    if booster.pandas_categorical:
        raise RefusedError(
            "It takes categories as pandas had them: train it here (-p model=lightgbm), or import "
            "it as ONNX."
        )
    lines = booster.model_to_string().partition("\n\n")[0].split("\n")
    head = dict(line.split("=", 1) for line in lines if "=" in line)
    objective = head.get("objective", "custom").split()[0]
    classes = _classes("lightgbm", objective, int(head.get("num_class", 1)))
    names = tuple(booster.feature_name())
    width = int(booster.num_feature())
    if names == tuple(f"Column_{place}" for place in range(width)):
        names = ()
    model = (package.LGBMClassifier if classes else package.LGBMRegressor)(n_jobs=1)
    # What `fit` would leave: the package has no other way from a file to its estimator.
    model._Booster = booster  # noqa: SLF001
    model._n_features = model._n_features_in = width  # noqa: SLF001
    model._objective = objective  # noqa: SLF001
    model.fitted_ = True
    if classes:
        model._le = LabelEncoder().fit(range(len(classes)))  # noqa: SLF001
        model._classes = np.arange(len(classes))  # noqa: SLF001
        model._n_classes = len(classes)  # noqa: SLF001
    return Trees(model, names, width, classes)


def _catboost(package: Any, path: Path) -> Trees:
    found = package.CatBoost().load_model(str(path))
    if found.get_cat_feature_indices() or found.get_text_feature_indices():
        raise RefusedError("It takes categories or texts: train it here (-p model=catboost).")
    classes = tuple(np.asarray(found.classes_).tolist())
    loss = str(found.get_all_params().get("loss_function", ""))
    if classes and loss not in {"Logloss", "CrossEntropy", "MultiClass"}:
        raise RefusedError(f"It is a classifier of the loss {loss}, which gives no probabilities.")
    names = tuple(found.feature_names_)
    width = len(names)
    if names == tuple(str(place) for place in range(width)):
        names = ()
    model = (package.CatBoostClassifier if classes else package.CatBoostRegressor)()
    model.load_model(str(path))
    return Trees(model, names, width, classes, knows_labels=True)


def _classes(package: str, objective: str, number: int) -> tuple[int, ...]:
    """Return the classes of an objective, by their places; none of one that answers amounts.

    Raises:
        RefusedError: it is of something else.
    """
    probable = _PROBABLE[package]
    if objective in probable:
        return tuple(range(probable[objective] or number))
    if objective.startswith(_OTHER_LABELS) or objective == "custom":
        raise RefusedError(
            f"Its objective is {objective}: of classifiers, those of {', '.join(probable)} can be "
            "imported."
        )
    return ()


_READ: dict[Form, Callable[[Any, Path], Trees]] = {
    Form.XGBOOST: _xgboost,
    Form.LIGHTGBM: _lightgbm,
    Form.CATBOOST: _catboost,
}
