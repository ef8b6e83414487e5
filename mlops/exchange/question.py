"""What the process of an import is asked, and what it answers."""

import msgspec


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which model to import, and by which rows."""

    form: str
    """A value of `recognition.Form`."""
    file: str
    types: dict[str, str] = {}
    """The type of each input, where the file's folder says it."""
    examples: str
    """A table with true values."""
    target: str
    model: str
    task: str = ""
    labels: list[str] = []
    """Of a graph: what its class indexes stand for."""
    output: str = ""
    """Of a graph with several: the output that answers."""
    scores: str = ""
    """Of a graph: what the numbers of this output are; empty: found out."""
    approved: bool = False
    """Whether a person vouches for what the file holds."""
    accept_guessing: bool = False
    seed: int = 7
    reading: dict[str, str] = {}
    """How to read the table: parameters of 00_data_etl, as they were given."""
    context: dict[str, object]
    """The fields of `ml_pipe.runner.run.context.Context`."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    version: str = ""
    manifest: str = ""
    """The SHA-256 of its manifest's text."""
    text: str = ""
    """What was imported, for people."""
    reason: str = ""
    """Why nothing was, a sentence."""
