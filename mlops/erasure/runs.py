"""Run folders without a person: their rows leave the tables, and outputs that may show them go."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring.log.writing.erasure import is_value, values_of

if TYPE_CHECKING:
    import pandas as pd

_TABLES = ("clean", "development", "beside")


@dataclass
class RunsErased:
    """What was taken out of run folders."""

    rows: int = 0
    """Of clean tables."""
    cleaned: list[str] = field(default_factory=list)
    """The runs whose tables or outputs were changed."""
    left: list[str] = field(default_factory=list)
    """The runs that may hold the person where they cannot be found: to be removed as a whole."""


def erase_from_runs(local_data: Path, wheres: Mapping[str, str], *, dry: bool) -> RunsErased:
    """Take a person's rows out of every run folder; dry: say only what would be done.

    Raises:
        OSError: a file cannot be read or written.
    """
    erased = RunsErased()
    for folder in sorted((local_data / "runs").glob("*")):
        if folder.is_dir() and not folder.is_symlink():
            _erase_from(folder, wheres, erased, dry=dry)
    return erased


def _erase_from(folder: Path, wheres: Mapping[str, str], erased: RunsErased, *, dry: bool) -> None:
    facts = _facts(folder)
    if facts is None:
        # It ended before its table was known, or is no run of the template's: its outputs may
        # show whatever they like.
        if any(folder.glob("*.ipynb")) or any(folder.glob("*.parquet")):
            erased.left.append(folder.name)
        return
    known = _columns(facts)
    if not set(wheres) <= known:
        return
    tables = {name: folder / f"{name}.parquet" for name in _TABLES}
    found = _person(tables, wheres)
    if found is None or _is_in_signature(facts, wheres):
        erased.left.append(folder.name)
    if found is not None and len(found):
        erased.rows += len(found)
        if not dry:
            for path in tables.values():
                _drop(path, found)
    if any(folder.glob("*.ipynb")):
        if not dry:
            _clear_outputs(folder)
        erased.cleaned.append(folder.name)


def _facts(folder: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads((folder / "table.json").read_bytes())
        return facts if isinstance(facts["signature"]["inputs"], list) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _columns(facts: Mapping[str, Any]) -> set[str]:
    signature = facts["signature"]
    columns = [*signature["inputs"], *signature.get("outputs", ())]
    named = {name for c in columns for name in (c["name"], c.get("header", ""))}
    return named | set(facts.get("left_out", {})) | set(signature.get("ignored", ()))


def _is_in_signature(facts: Mapping[str, Any], wheres: Mapping[str, str]) -> bool:
    return any(is_in_column(column, wheres) for column in facts["signature"]["inputs"])


def is_in_column(column: Mapping[str, Any], wheres: Mapping[str, str]) -> bool:
    """Return whether a column's range or categories hold the value that is to go."""
    if column["name"] not in wheres:
        return False
    values = values_of(wheres[column["name"]])
    seen = [*column.get("categories", ()), column.get("minimum"), column.get("maximum")]
    return any(is_value(each, values) for each in seen if each is not None)


def _person(tables: Mapping[str, Path], wheres: Mapping[str, str]) -> "pd.Index[Any] | None":
    """Return the labels of a person's rows; None where the tables lack a column to tell."""
    # Who has no runs may have no pandas.
    import pandas as pd  # noqa: PLC0415

    frames = [pd.read_parquet(path) for name, path in tables.items() if path.is_file()]
    rows: pd.Index[Any] | None = None
    for name, value in wheres.items():
        columns = [frame[name] for frame in frames if name in frame]
        if not columns:
            return None
        labels = pd.Index([])
        for column in columns:
            labels = labels.union(column.index[_mask(column, value)])
        rows = labels if rows is None else rows.intersection(labels)
    return rows


def _mask(column: "pd.Series[Any]", text: str) -> list[bool]:
    values = values_of(text)
    return [
        is_value(value.isoformat() if hasattr(value, "isoformat") else value, values)
        or str(value) == text
        for value in column.tolist()
    ]


def _drop(path: Path, labels: "pd.Index[Any]") -> None:
    import pandas as pd  # noqa: PLC0415 - see `_person`

    if not path.is_file():
        return
    table = pd.read_parquet(path)
    with _replaced(path) as beside:
        table.drop(index=labels.intersection(table.index)).to_parquet(beside)


def _clear_outputs(folder: Path) -> None:
    """Take all outputs out of executed notebooks: they may show the table's first rows."""
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_bytes())
        for cell in notebook.get("cells", ()):
            if cell.get("outputs"):
                cell["outputs"] = []
        with _replaced(path) as beside:
            beside.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), "utf-8")
    for figure in (folder / "figures").glob("*"):
        figure.unlink()


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Yield where to write what takes a file's place, for its user alone to read."""
    beside = path.with_name(f".{path.name}")
    yield beside
    beside.chmod(0o600)
    beside.replace(path)
