"""Imports what the served models need, before the workers are forked."""

import importlib
import json
import sys
from contextlib import suppress

from settings import factories
from settings.settings import Settings
from workers.fork import ask_copy

# They start threads as soon as they are imported, and are imported quickly.
_THREADED = frozenset({"onnxruntime"})


def preload(settings: Settings) -> None:
    """Import what the models of the store need, so that a copy of this process need not.

    For scikit-learn that takes over a second, which would be most of the time to replace a worker;
    and what is imported before the copies are made is in memory once. A copy finds out which
    modules that are, as to load a model is more than to import: it calls it.
    """
    code, names = ask_copy(lambda: json.dumps(_modules_of_models(settings)))
    for name in json.loads(names) if code == 0 else []:
        if name.partition(".")[0] not in _THREADED:
            with suppress(Exception):
                importlib.import_module(name)


def _modules_of_models(settings: Settings) -> list[str]:
    """Load what the aliases name, and return what that imported, in the order of the imports."""
    before = set(sys.modules)
    # What nobody has loaded yet may hang: the workers see to it, in a process of its own.
    # Estimators that answer in processes of their own are imported there.
    has_estimators = not settings.model_processes
    store = factories.model_store(settings, only_known=True, estimators=has_estimators)
    with suppress(Exception):
        for model in store.models():
            for version in set(store.aliases(model).current.values()):
                # A worker reports what is wrong with it.
                with suppress(Exception):
                    store.load(model, version)
    return [name for name in sys.modules if name not in before]
