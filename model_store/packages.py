"""The packages that a model was made with, and those that are here."""

import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

_PACKAGES = ("joblib", "numpy", "pandas", "scikit-learn", "scipy", "skops")
# Whose package is known, as looking it up takes a while.
_MODULES = {"builtins", "joblib", "numpy", "pandas", "scipy", "sklearn"}


def used_by(estimator: Any) -> dict[str, str]:
    """Return the version of each package that takes part in loading and predicting.

    Besides those that always do, these are the packages of the estimator and of its parts.
    """
    parameters: dict[str, Any] = getattr(estimator, "get_params", dict)()
    parts = (estimator, *parameters.values())
    modules = {type(part).__module__.partition(".")[0] for part in parts} - _MODULES
    owners = packages_distributions() if modules else {}
    found = {owner for module in modules for owner in owners.get(module, ())}
    return {name: version(name) for name in sorted(found.union(_PACKAGES))}


def of_graphs() -> dict[str, str]:
    """Return the version of each package that takes part in running a model that is a graph."""
    return {name: version(name) for name in ("numpy", "onnxruntime")}


def python_version() -> str:
    """Return the version of Python."""
    return platform.python_version()


def differences(packages: Mapping[str, str]) -> str:
    """Return what is here in another minor version than it was then, as a sentence, or nothing."""
    found = [
        f"{name} {then} (here: {_here(name) or 'none'})"
        for name, then in packages.items()
        if _minor(then) != _minor(_here(name))
    ]
    return f"It was made with {', '.join(found)}." if found else ""


def missing_modules(modules: Iterable[str]) -> list[str]:
    """Return those modules that cannot be found; none is imported."""
    return [name for name in modules if not _is_there(name)]


def _here(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _minor(text: str) -> list[str]:
    return text.split(".")[:2]


def _is_there(module: str) -> bool:
    # What the manifest names must not be run before it is allowed, and importlib's own search
    # would import the packages around it.
    path: Sequence[str] | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        if end > 1 and path is None:
            return False
        if name in sys.modules:
            path = getattr(sys.modules[name], "__path__", None)
            continue
        found = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
        if spec.loader is None and end > 1:
            # A folder without `__init__.py` in another one: only importing it would show more.
            return True
    return True
