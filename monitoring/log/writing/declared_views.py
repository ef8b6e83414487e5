"""The views that the served models asked for: made anew in every log that is opened."""

from collections.abc import Sequence

import apsw

from monitoring.log.database import views
from monitoring.log.database.views import ViewColumn

# What a view's own text or its names can be the cause of. All else concerns the log.
_OWN_FAULTS = (apsw.SQLError, apsw.TooBigError, UnicodeError)


class DeclaredViews:
    """Remembers the columns of each model whose view could be made.

    What one model's view cannot be made of concerns that model alone: no other view, no write.
    """

    def __init__(self) -> None:
        self._declared: dict[str, dict[tuple[str, str], ViewColumn]] = {}

    def check_name(self, model: str) -> None:
        """Refuse a second model whose view would have the name of another one's.

        Raises:
            ValueError: there is such a model.
        """
        for other in self._declared:
            if other != model and other.lower() == model.lower():
                raise ValueError(
                    f"SQLite cannot distinguish the views rows_{model} and rows_{other}: "
                    "rename one of the two models."
                )

    def remember(self, model: str, columns: Sequence[ViewColumn]) -> None:
        """Remember the columns of a version beside those of earlier ones."""
        known = self._declared.setdefault(model, {})
        known.update({(column.side, column.name): column for column in columns})

    def restore(self, connection: apsw.Connection) -> None:
        """Make all views that are remembered, in a transaction; forget what cannot be made."""
        for model, columns in list(self._declared.items()):
            if make(connection, model, list(columns.values())):
                del self._declared[model]


def make(connection: apsw.Connection, model: str, columns: Sequence[ViewColumn]) -> str:
    """Make a model's view, in a transaction; return why it cannot be made, usually empty.

    Raises:
        apsw.Error: the log cannot be written.
    """
    connection.execute("SAVEPOINT declared_view")
    reason = ""
    try:
        views.declare(connection, model, columns)
    except _OWN_FAULTS as error:
        reason = f"The view rows_{model} cannot be made: {error}."
        connection.execute("ROLLBACK TO declared_view")
    connection.execute("RELEASE declared_view")
    return reason
