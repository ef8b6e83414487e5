"""What the stored estimator of a version is made of, found out without loading anything of it."""

import importlib
import pickletools
from collections.abc import Iterator

from model_store import formats
from model_store.manifest import EstimatorFormat

_OPENED = "it cannot be read as its format"


def types_held(stored: bytes, estimator: EstimatorFormat) -> list[str]:
    """Return the types that a stored estimator names, besides those that skops trusts itself.

    Of a pickle these are all names that it imports: it may do anything with them.
    """
    if estimator == "onnx":
        return []
    try:
        if estimator == "pickle":
            return sorted(set(_imported(stored)))
        skops = importlib.import_module("skops.io")
        return sorted(skops.get_untrusted_types(data=stored))
    except Exception as error:  # noqa: BLE001 - what is looked at may be made to raise anything
        return [f"({_OPENED}: {type(error).__name__})"]


def modules_held(types: list[str]) -> list[str]:
    """Return the modules of types that a seal alone does not let in."""
    return [name for name in types if name.split(".")[0] not in formats.SEALED_PACKAGES]


def _imported(stored: bytes) -> Iterator[str]:
    texts: list[str] = []
    for code, argument, _ in pickletools.genops(stored):
        if code.name in {"GLOBAL", "INST"}:
            yield str(argument).replace(" ", ".")
        elif code.name == "STACK_GLOBAL":
            # The two texts before it, unless they come from the pickle's memory.
            yield ".".join(texts[-2:])
        elif isinstance(argument, str):
            texts.append(argument)
