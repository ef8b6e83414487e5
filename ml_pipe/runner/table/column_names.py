"""The names of columns that a run gives, held against those of its table."""

import difflib
from collections.abc import Sequence

import pandas as pd

from ml_pipe.runner.errors import TableError


def check_names(
    table: pd.DataFrame,
    target: str | Sequence[str],
    leave_out: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Check that the columns which a run names are there: one target, or several, and others.

    Raises:
        TableError: one is not, with the names that come near; or none is left to learn from.
    """
    names = [str(name) for name in table.columns]
    targets = [target] if isinstance(target, str) else target
    for name in (*targets, *leave_out, *keep):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:10]
            joined = len(names) == 1 and name in names[0]
            hint = " If another sign separates its values, say which, as in separator=^."
            raise TableError(
                f'The table has no column "{name}": it has {", ".join(near)}'
                f"{' and others' if len(near) < len(names) else ''}.{hint * joined}"
            )
    if set(names) <= {*targets, *leave_out}:
        raise TableError("The table has no column to learn from: it needs one beside the target.")
