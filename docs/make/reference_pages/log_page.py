"""`docs/reference/log.md`."""

import contextlib
from collections.abc import Iterator

import apsw

from docs.make.reference_pages.markdown import table
from model_store.schema.signature import Column, Kind, Signature
from monitoring.criteria import view_columns
from monitoring.log.database.queries import rows
from monitoring.log.database.schema import FORMAT_NUMBER, SCHEMA
from monitoring.log.database.views import declare

INTRODUCTION = """
The prediction log is the SQLite file `local_data/predictions.sqlite`. The service alone writes it, in WAL mode; any number
of programs may read it meanwhile. Open it read-only:

```sh
.venv/bin/python -c "import sqlite3; print(sqlite3.connect('file:local_data/predictions.sqlite?mode=ro', uri=True).execute('SELECT count(*) FROM requests').fetchone())"
```

The service's process uses the SQLite that the package `apsw` brings. Two SQLite libraries in one process must not open the same
file, so code of your own that runs in the service reads the log by `monitoring.log`, too. Other processes use theirs.

`mlops log export` prints the requests as JSON lines. [Query the log](../how-to/query-the-log.md) shows both.
"""
TABLES = {
    "log": ("The identity of the file; one row.", {"id": "A random text, made with the file."}),
    "requests": (
        "One row for each answered request.",
        {
            "sequence": "The number of the request, from 1; no number is used twice.",
            "request_id": "Its `X-Request-ID`.",
            "time": "When it arrived; RFC 3339, UTC.",
            "model": "The model that answered.",
            "version": "The version that answered.",
            "rows": "How many rows it had.",
            "seconds": "From its arrival to its answer.",
            "inputs": "Its body, JSON; a keyed hash or nothing where the settings say so.",
            "outputs": "Its answer, in the same way.",
            "client": "The name of the key by which the caller came; NULL: by none.",
        },
    ),
    "totals": (
        "The ledger: counts for each version and outcome, updated in the transaction that writes the requests.",
        {
            "model": "",
            "version": "",
            "outcome": "`answered` or `failed`.",
            "requests": "Requests so far.",
            "rows": "Rows so far.",
            "removed_requests": "Requests that retention removed from the log since.",
            "removed_rows": "Rows that retention removed.",
        },
    ),
    "events": (
        "What the service did, such as a start or a new champion. The newest 500 of each kind are kept, in 4 MB at most, or a sixteenth of `LOG_MAX_BYTES`. More than 200 of a kind in a minute are counted in an event `events-left-out`.",
        {
            "sequence": "The number of the event.",
            "time": "RFC 3339, UTC.",
            "kind": "The kind of the event, as on standard output.",
            "detail": "Its fields, JSON; long texts are cut.",
            "count": "How often it was. A warning or an error that repeats within an hour is one row.",
            "last": "When it was last.",
        },
    ),
    "columns": (
        "The columns of all models that were served; the views are made of it.",
        {
            "position": "The order in which columns were first seen.",
            "model": "",
            "side": "`input` or `output`.",
            "name": "The column's name.",
            "kind": "The column's kind.",
        },
    ),
    "feedback_totals": (
        "Counts of labels for each version.",
        {
            "id": "",
            "model": "",
            "version": "",
            "rows": "Rows that have a label.",
            "time": "When the last label came.",
            "asked": "Those of them that the label queue had given out because they were hard.",
            "changes": "First labels and corrections.",
        },
    ),
    "feedback": (
        "The true value of a predicted row.",
        {
            "sequence": "The request.",
            "row": "Which row of it, from 0.",
            "time": "When the value came.",
            "value": "The true value, JSON.",
            "total": "The line of `feedback_totals`.",
            "sample": "1 where the row is one of the random third: see [drift](../explanation/drift.md#what-to-label).",
        },
    ),
    "leases": (
        "Rows that the label queue gave out.",
        {
            "sequence": "The request.",
            "row": "Which row of it, from 0.",
            "time": "When it was given out.",
            "until": "Until then it is given to nobody else.",
            "reason": "Why it was given out.",
        },
    ),
    "business_metrics": (
        "The values of `POST /business-metrics`.",
        {
            "name": "The metric.",
            "number": "Which value of it.",
            "time": "When it came.",
            "value": "",
        },
    ),
}
VIEW_COLUMNS = {
    "sequence": "The request.",
    "request_id": "Its `X-Request-ID`.",
    "time": "When it arrived.",
    "model": "",
    "version": "The version that answered.",
    "row": "Which row of the request, from 0.",
    "probabilities": "JSON, where they were asked for.",
    "true_value": "The label, where there is one.",
}


def log_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    signature = Signature(
        inputs=(Column(name="area", kind=Kind.NUMBER),),
        outputs=(Column(name="rent", kind=Kind.NUMBER),),
    )
    with contextlib.closing(apsw.Connection(":memory:")) as database:
        database.execute(SCHEMA)
        declare(database, "flats", view_columns(signature))
        yield f"The layout has the number {FORMAT_NUMBER} (`PRAGMA user_version`). A newer service upgrades an older file."
        yield "## Views"
        yield (
            "`rows_<model>` has one row for each predicted row, and a column for each column of the model. "
            "Of a model `flats` that predicts `rent` from `area`, `rows_flats` has:"
        )
        yield table(["column", "meaning"], _view_rows(database))
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"
        for (name,) in rows(database, tables):
            about, meanings = TABLES[name]
            yield f"## {name}"
            yield about
            yield table(["column", "type", "meaning"], _column_rows(database, name, meanings))


def _view_rows(database: apsw.Connection) -> Iterator[list[str]]:
    own = {"area": "An input column.", "rent": "The output column: what was answered."}
    for _, name, *_ in database.execute("PRAGMA table_info(rows_flats)"):
        yield [f"`{name}`", (VIEW_COLUMNS | own)[name]]


def _column_rows(
    database: apsw.Connection, name: str, meanings: dict[str, str]
) -> Iterator[list[str]]:
    for _, column, kind, *_ in database.execute(f"PRAGMA table_info({name})"):
        yield [f"`{column}`", kind.lower(), meanings[column]]
