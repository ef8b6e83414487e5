"""An estimator taken apart for its bundle: boosted trees go into files of their own, and back."""

import copy
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from model_store.boosters.booster_file import BoosterFile
from model_store.boosters.native_formats import NATIVE, kind_of
from model_store.errors import RefusedError

_ONE = (str, bytes, int, float, complex, type(None))


def taken_apart(estimator: Any) -> tuple[Any, dict[str, bytes]]:
    """Return an estimator without its boosted trees, and these as files, by name.

    An estimator without such trees is returned as it is; another one as a copy.

    Raises:
        RefusedError: trees cannot be written.
    """
    contents: dict[str, bytes] = {}
    places: dict[int, Any] = {}
    for part in _parts(estimator):
        kind = kind_of(part)
        if kind not in NATIVE or not _is_fitted(part):
            continue
        native = NATIVE[kind]
        name = f"booster-{len(contents) + 1}.{native.ending}"
        try:
            contents[name] = native.write(part)
        except Exception as error:  # the packages' errors have no common base
            raise RefusedError(
                f"The trees of a {kind} cannot be written as {native.ending} ({error}): fit them "
                "again."
            ) from error
        places[id(part)] = BoosterFile(kind, name, native.parameters(part))
    return (copy.deepcopy(estimator, places) if places else estimator), contents


def put_together(estimator: Any, contents: Mapping[str, bytes]) -> Any:
    """Return an estimator with its boosted trees, which are read from files.

    Raises:
        RefusedError: a file is missing, or cannot be read here.
    """
    trees: dict[int, Any] = {}
    for place in _parts(estimator):
        if not isinstance(place, BoosterFile):
            continue
        native = NATIVE.get(place.kind)
        if native is None or place.name not in contents:
            raise RefusedError("The estimator's trees are in none of its files: publish it again.")
        try:
            importlib.import_module(native.module)
            # A process that answers from a copy of itself must not have started threads: the copy
            # would wait for them for ever.
            with _threads().threadpool_limits(1, user_api="openmp"):
                trees[id(place)] = native.read(contents[place.name], place.parameters)
        except Exception as error:  # the packages' errors have no common base
            raise RefusedError(
                f"{place.name} cannot be read by {native.module} here ({type(error).__name__}): "
                "publish it again from this environment."
            ) from error
    return copy.deepcopy(estimator, trees) if trees else estimator


def _threads() -> Any:
    # A service of compiled models does without it.
    return importlib.import_module("threadpoolctl")


def _is_fitted(part: Any) -> bool:
    return bool(part.is_fitted()) if hasattr(part, "is_fitted") else True


def _parts(estimator: Any) -> Iterator[Any]:
    """Yield everything that an estimator holds, itself first, each once; not what trees hold."""
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, _ONE):
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, (list, tuple, set, frozenset)):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype.hasobject else []
        elif kind_of(part) in NATIVE:
            yield part
        else:
            yield part
            waiting += list(vars(part).values()) if hasattr(part, "__dict__") else []
