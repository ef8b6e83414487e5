"""The packages that a model was made with, and those that are here."""

import platform
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
import sys
from collections.abc import Iterable, Mapping

_PACKAGES = ("joblib", "numpy", "pandas", "scikit-learn", "scipy", "skops")


def installed() -> dict[str, str]:
    """Return the version of each package that takes part in loading and predicting."""
    return {name: version(name) for name in _PACKAGES}


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
    path = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded else PathFinder.find_spec(name, path)
        if spec is None and loaded is None:
            return False
        path = spec.submodule_search_locations if spec else None
    return True
