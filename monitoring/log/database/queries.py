"""Questions to a database whose rows are of the types that their query says."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


def rows(connection: apsw.Connection, query: str, values: Values = ()) -> list[Row]:
    """Return all rows of a query."""
    found: list[Row] = connection.execute(query, values).fetchall()
    return found


def row(connection: apsw.Connection, query: str, values: Values = ()) -> Row:
    """Return the first row of a query that has one at least.

    Raises:
        LookupError: it has none.
    """
    found: Row | None = connection.execute(query, values).fetchone()
    if found is None:
        raise LookupError(query)
    return found
