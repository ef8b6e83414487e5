"""A prediction log with many rows in it, made in seconds."""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from benchmarks.bench_models import BenchModel, make_bodies
from monitoring.log.options import LogOptions
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog

_SPACING_SECONDS = 0.01
"""Between two logged requests; a million of them are not three hours."""

# The ids are like those that the service gives: milliseconds, then chance.
_FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
INSERT INTO requests (sequence, request_id, time, model, version, rows, seconds, inputs, outputs)
SELECT n,
  printf('%012x', cast((:first + n * :spacing) * 1000 AS INTEGER)) || lower(hex(randomblob(10))),
  strftime('%Y-%m-%dT%H:%M:%f', :first + n * :spacing, 'unixepoch') || '000Z',
  :model, :version, :count, :seconds, :inputs, :outputs FROM numbers
"""
# Nobody else has this file yet, and a failure throws it away.
_QUICKLY = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000")


def fill_log(path: Path, model: BenchModel, rows: int) -> None:
    """Make a log that holds `rows` answered requests of one row each, ending now."""
    [inputs, *_] = make_bodies(1)
    first = datetime.now(UTC).timestamp() - rows * _SPACING_SECONDS
    entry = Entry(
        request_id=f"{int(first * 1000):012x}{os.urandom(10).hex()}",
        time=datetime.fromtimestamp(first, UTC),
        model=model.name,
        version=model.version,
        outcome="answered",
        rows=1,
        seconds=0.001,
        inputs=msgspec.json.encode(inputs),
        outputs=msgspec.json.encode(model.answers(inputs)),
    )
    # The log itself writes the first one, and so decides its form.
    with PredictionLog(path, LogOptions(), lambda: datetime.now(UTC)) as log:
        log.write([entry])
    with contextlib.closing(apsw.Connection(os.fspath(path))) as connection:
        first_row = connection.execute("SELECT * FROM requests")
        names = [name for name, *_ in first_row.get_description()]
        written = dict(zip(names, *first_row, strict=True))
        values = written | {
            "first": first,
            "spacing": _SPACING_SECONDS,
            "count": written["rows"],
            "rows": rows,
        }
        for pragma in _QUICKLY:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if rows > 1:
            connection.execute(_FILL, values)
        connection.execute("UPDATE totals SET requests = :rows, rows = :rows", values)
    # Otherwise the rest would be written to the disk during a measurement.
    os.sync()
