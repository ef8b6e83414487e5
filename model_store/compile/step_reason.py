"""Why a step of an estimator is not compiled: a sentence with its name, columns and cause."""

import contextlib
from collections.abc import Iterator
from typing import Any

from model_store.compile.assembly import Rows
from model_store.compile.onnx_graph import NotCompilableError

_SHOWN = 3
_LONGEST = 200


@contextlib.contextmanager
def named(step: Any, rows: Rows, path: tuple[str, ...]) -> Iterator[None]:
    """Name the step and its columns in the reason why it is not compiled."""
    try:
        yield
    except Exception as error:
        shown = ", ".join(f'"{cell.name}"' for cell in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        columns = f" of {shown}{more}" if path and rows else ""
        raise NotCompilableError(
            f"{_upper(place_of(step, path))}{columns}: {_cause(error)}"
        ) from error


def place_of(step: Any, path: tuple[str, ...]) -> str:
    """Return what a sentence calls a step."""
    kind = type(step).__name__
    return f'the step "{" > ".join(path)}" ({kind})' if path else kind


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cause(error: Exception) -> str:
    """Return why a step has no compiled form, a sentence."""
    if isinstance(error, NotCompilableError):
        return str(error)
    if type(error).__name__ in {"MissingShapeCalculator", "MissingConverter"}:
        return "skl2onnx has no converter for it."
    lines = str(error).strip().splitlines()
    text = " ".join(lines[0].split())[:_LONGEST] if lines else "no reason is given"
    return f"It cannot be converted ({type(error).__name__}: {text})."
