"""The columns that a run names as its target: one, or several with commas between them."""

from collections.abc import Iterable, Sequence


def targets_of(target: str, columns: Iterable[object]) -> list[str]:
    """Return the names in a target, as in "north, south"; at least one.

    A column whose whole name has the commas is that one column.
    """
    names = {str(name) for name in columns}
    whole = target.strip()
    if whole in names or "," not in whole:
        return [whole]
    parts = [part.strip() for part in whole.split(",")]
    return list(dict.fromkeys(part for part in parts if part)) or [whole]


def target_text(targets: Sequence[str]) -> str:
    """Return targets as sentences name them."""
    return ", ".join(targets)
