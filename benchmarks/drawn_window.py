"""A window of rows that were drawn, not asked: they go through JSON text as the log holds it."""

from monitoring.log.reading.texts import LoggedRequest
from monitoring.windows.columns import WindowColumn
from monitoring.windows.reader import Cursor, Reading
from monitoring.windows.window import Window

Texts = list[tuple[str, str]]
"""Of each row the inputs and the answer, each a JSON object."""


def drawn_window(columns: tuple[WindowColumn, ...], texts: Texts) -> Window:
    """Return a window that holds these rows."""
    inputs, outputs = (f"[{','.join(side)}]" for side in zip(*texts, strict=True))
    window = Window(columns, len(texts))
    window.extend(Reading(Cursor("drawn", 1), [LoggedRequest(1, inputs, outputs)], anew=True))
    return window
