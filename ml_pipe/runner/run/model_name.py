"""The name of a model, where nobody gives one: that of its table."""

import re
from pathlib import Path


def model_name(path: Path) -> str:
    """Return a model's name from a table's file name, made safe: letters, digits, `_` and `-`."""
    stem = path.name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-").lower()[:64] or "model"
