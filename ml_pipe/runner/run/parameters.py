"""The parameters that a notebook declares in its cell tagged `parameters`: a closed list."""

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_pipe.runner.errors import PipelineError

TAG = "parameters"

Value = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class Parameter:
    """One declared parameter, as in `seed: int = 7  # the start of every random choice`."""

    name: str
    types: frozenset[str]
    """Those of its annotation: str, int, float, bool, None, list[str], Path."""
    default: str
    """As it stands in the cell."""

    @property
    def value(self) -> Value:
        """Return the default.

        Raises:
            PipelineError: it is an expression, which only the notebook can compute.
        """
        try:
            value: Value = ast.literal_eval(self.default)
        except ValueError as error:
            raise PipelineError(
                f'The default of the parameter "{self.name}" must be a plain value; it is '
                f"`{self.default}`."
            ) from error
        return value

    def read(self, value: object, base: Path) -> Value:
        """Return a value, or the text of one, in the type that was declared.

        A path is taken relative to the base, and returned absolute.

        Raises:
            PipelineError: the value is of another type.
        """
        if "None" in self.types and str(value).lower() in {"", "none"}:
            return None
        if "Path" in self.types and isinstance(value, str | Path):
            return str((base / Path(value).expanduser()).resolve())
        if "list[str]" in self.types:
            items = _items(value) if isinstance(value, str) else value
            if isinstance(items, list | tuple) and all(isinstance(item, str) for item in items):
                return [item.strip() for item in items if item.strip()]
        if "str" in self.types and isinstance(value, str):
            return value
        number = _number(value, self.types & {"bool", "int", "float"})
        if number is not None:
            return number
        types = " or ".join(sorted(self.types - {"Path"}))
        raise PipelineError(
            f'The parameter "{self.name}" must be {types}, as in {self.name}={self.default}.'
        )


def _items(text: str) -> object:
    """Return the items of a text: JSON where they may hold commas, else set apart by commas."""
    if not text.startswith("["):
        return text.split(",")
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(value: object, types: frozenset[str]) -> int | float | bool | None:
    """Return a number or truth value, or the text of one, if it is of one of these types."""
    if "bool" in types:
        return {"true": True, "false": False}.get(str(value).lower())
    if not types or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = int(value) if types == {"int"} else float(value)
    except (ValueError, OverflowError):
        return None
    is_same = isinstance(value, str) or read == value
    return read if is_same and math.isfinite(read) else None


def declared(notebook: Mapping[str, Any]) -> dict[str, Parameter]:
    """Return the parameters that a notebook declares, by name.

    Raises:
        PipelineError: the tagged cell holds something else than annotated assignments.
    """
    cells = [c for c in notebook["cells"] if TAG in c["metadata"].get("tags", [])]
    try:
        statements = ast.parse("\n".join(cell["source"] for cell in cells)).body
    except SyntaxError as error:
        raise PipelineError(f"The cell tagged `{TAG}` is no Python: {error}.") from error
    return dict(map(_parameter, statements))


def _parameter(statement: ast.stmt) -> tuple[str, Parameter]:
    if (
        isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.value is not None
    ):
        types = {part.strip() for part in ast.unparse(statement.annotation).split("|")}
        name = statement.target.id
        return name, Parameter(name, frozenset(types), ast.unparse(statement.value))
    raise PipelineError(
        f"The cell tagged `{TAG}` may hold annotated assignments only, as in `seed: int = 7`; "
        f"it holds `{ast.unparse(statement).splitlines()[0]}`."
    )
