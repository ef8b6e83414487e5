"""The formats of a stored estimator: a closed list, chosen by our code and allowed by a policy."""

import copy
import importlib
import pickle
from collections.abc import Iterable
from typing import Any

from model_store.checks.archive_check import check_archive
from model_store.checks.estimator_check import check_estimator_parts
from model_store.checks.estimator_parts import parts_of
from model_store.errors import RefusedError
from model_store.manifest import EstimatorFormat
from model_store.store import LoadPolicy

SEALED_PACKAGES = ("sklearn", "xgboost", "lightgbm", "catboost")
"""Packages all of whose types a seal stands for: scikit-learn's, and those of boosted trees."""
# What their estimators are made of besides.
_SEALED_TYPES = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "model_store.boosters.booster_file.BoosterFile",
        "model_store.boosters.table_booster.BoostedClassifier",
        "model_store.boosters.table_booster.BoostedRegressor",
        "numpy.dtype",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
    }
)
# Functions that only compute, as a step pools or rounds by them.
_SEALED_FUNCTIONS = frozenset(
    f"numpy.{name}"
    for name in ("clip", "max", "mean", "median", "min", "nan_to_num", "round", "std", "sum", "var")
)
# What only fitting needs and skops cannot hold: the tree of a Birch refers to itself, and a
# distribution that a search draws from holds itself.
_ONLY_FOR_FITTING = ("root_", "dummy_leaf_")
_LEFT_OUT = "left out: only fitting needs it"


def dump(estimator: Any, format_name: EstimatorFormat) -> bytes:
    """Return a fitted estimator as bytes.

    Raises:
        RefusedError: the format cannot hold it.
    """
    if format_name == "onnx":
        # It came as a graph, and is stored as it is.
        return bytes(estimator)
    try:
        if format_name == "pickle":
            return pickle.dumps(estimator)
        stored: bytes = _skops().dumps(_without_fitting(estimator))
    except Exception as error:  # what an estimator is made of may raise anything
        raise RefusedError(
            f"The estimator cannot be stored as {format_name} ({error}): build it from classes and "
            "functions of importable modules."
        ) from error
    return stored


def check_allowed(stored: bytes, format_name: EstimatorFormat, policy: LoadPolicy) -> None:
    """See that a stored estimator may be loaded, without loading anything of it.

    Raises:
        RefusedError: the policy forbids its format or does not trust a type in it.
    """
    if format_name not in policy.formats:
        raise RefusedError(
            f"The format {format_name} is not allowed: if you trust everyone who can write to the "
            "model store, add it to the setting of allowed formats."
        )
    if format_name == "pickle":
        return
    check_archive(stored)
    try:
        found = _skops().get_untrusted_types(data=stored)
    except Exception as error:
        raise _unreadable(format_name, error) from error
    untrusted = sorted(set(found) - _trusted(found, policy))
    if unnamed := [name for name in untrusted if "<" in name]:
        raise RefusedError(
            f"The model holds functions or classes without a name of their own "
            f"({', '.join(unnamed)}), which cannot be loaded again: define them with a name in an "
            "exported cell of a notebook or in a module."
        )
    if untrusted:
        raise RefusedError(
            f"The model holds types that are not trusted ({', '.join(untrusted)}): if you know "
            "them to be harmless, add them to the setting of trusted types."
        )


def load(stored: bytes, format_name: EstimatorFormat, policy: LoadPolicy) -> Any:
    """Return the estimator that was stored; check before that it is allowed.

    Raises:
        RefusedError: it cannot be loaded here.
    """
    try:
        if format_name == "pickle":
            estimator = pickle.loads(stored)  # noqa: S301 - opted in to, and hashed
        else:
            check_archive(stored)
            found = _skops().get_untrusted_types(data=stored)
            estimator = _skops().loads(stored, trusted=sorted(_trusted(found, policy)))
    except Exception as error:
        raise _unreadable(format_name, error) from error
    check_estimator_parts(estimator)
    return estimator


def _without_fitting(estimator: Any) -> Any:
    """Return an estimator without what skops cannot hold of it and no answer needs.

    It is copied only where something is left out.
    """
    memo: dict[int, Any] = {}
    for part in parts_of(estimator):
        held = getattr(part, "__dict__", {})
        if _name(part) == "sklearn.cluster._birch.Birch":
            _let_skops_hold(type(part))
            memo |= {id(held[name]): _LEFT_OUT for name in _ONLY_FOR_FITTING if name in held}
        elif _name(part).startswith("sklearn.model_selection._search"):
            drawn = held.get("param_distributions", {})
            each = drawn if isinstance(drawn, list) else [drawn]
            values = [value for choices in each for value in choices.values()]
            memo |= {id(value): repr(value) for value in values if hasattr(value, "rvs")}
    return copy.deepcopy(estimator, memo) if memo else estimator


def _name(part: Any) -> str:
    return f"{type(part).__module__}.{type(part).__qualname__}"


def _let_skops_hold(kind: type) -> None:
    """Let skops hold a type that it refuses, as any other object.

    It refuses Birch for the tree alone, which is left out.
    """
    utils, general = (
        importlib.import_module(f"skops.io.{name}") for name in ("_utils", "_general")
    )
    utils._get_state.register(kind, general.object_get_state)  # noqa: SLF001 - nothing public can


def _trusted(found: Iterable[str], policy: LoadPolicy) -> set[str]:
    """Return those of the types in a file that may be loaded once its seal was checked."""
    named = _SEALED_TYPES.union(_SEALED_FUNCTIONS, policy.trusted_types)
    return {name for name in found if name in named or name.split(".")[0] in SEALED_PACKAGES}


def _skops() -> Any:
    # A service of compiled models never needs it, nor what it imports.
    return importlib.import_module("skops.io")


def _unreadable(format_name: str, error: Exception) -> RefusedError:
    return RefusedError(
        f"The {format_name} file cannot be loaded here ({type(error).__name__}: {error}): publish "
        "it again from this environment."
    )
