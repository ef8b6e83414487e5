"""Outputs of executed notebooks: they are kept, unless they could show a personal value."""

import contextlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

HIDDEN = "is personal, so that it is not shown"
_NOTE = {
    "output_type": "stream",
    "name": "stdout",
    "text": "Not kept: the table has personal columns (LOG_PERSONAL_FIELDS).\n",
}


class _Columns(msgspec.Struct, frozen=True):
    """Of `table.json`, what names the table's columns."""

    signature: dict[str, Any]
    left_out: dict[str, str] = {}


def hide_personal_outputs(executed: Path, personal: Collection[str]) -> None:
    """Take the outputs out of an executed notebook whose table has personal columns.

    A cell may print or draw anything, so that all of them go. A run that failed before its table
    was known has none left, either.
    """
    if not personal or not executed.is_file() or not has_personal(executed.parent, personal):
        return
    try:
        notebook = json.loads(executed.read_bytes())
        for cell in notebook["cells"]:
            if cell.get("outputs"):
                cell["outputs"] = [_NOTE]
        text = json.dumps(notebook, ensure_ascii=False, indent=1)
    except (ValueError, KeyError, TypeError, AttributeError):
        # What cannot be read cannot be cleaned.
        executed.unlink()
        return
    beside = executed.with_name(f".{executed.name}")
    beside.write_text(text, "utf-8")
    beside.replace(executed)


def kept_reason(folder: Path, reason: str, personal: Collection[str]) -> str:
    """Return why a run failed, as it may be kept: an error may quote what it could not read."""
    if personal and has_personal(folder, personal):
        return "It failed; the error may quote a personal value, and is not kept."
    return reason


def has_personal(folder: Path, personal: Collection[str]) -> bool:
    """Return whether a run's table has personal columns, or may have some: it is not known yet."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, KeyError, TypeError):
        found = msgspec.json.decode((folder / "table.json").read_bytes(), type=_Columns)
        columns = [*found.signature["inputs"], *found.signature["outputs"]]
        names = {*found.left_out, *found.signature.get("ignored", ())}
        names.update(name for c in columns for name in (c["name"], c.get("header", "")))
        return not names.isdisjoint(personal)
    return True
