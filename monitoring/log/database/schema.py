"""The tables of the prediction log, and the numbers by which a file is known to be one."""

from typing import Any

import apsw

from monitoring.log.database.queries import row
from monitoring.log.sample import in_sample

APPLICATION_ID = int.from_bytes(b"PLog", "big")
"""In the file's header: a SQLite file with another number is not ours and is not touched."""

FORMAT_NUMBER = 3
"""In `PRAGMA user_version`: the layout that this code writes."""
_FEEDBACK_FORMAT = 2
OLDEST_FORMAT = 1
"""The oldest layout that is read, and that the writer makes a newer one of: see `upgrade`."""

# `requests.sequence` is given by the writer: the n-th answered request of this file, counted by
# `totals`, has number n. Retention never lowers totals, so no number is used twice, not even
# after the newest row was removed; AUTOINCREMENT would promise the same for one more written page
# a commit. `client` stands as ALTER TABLE writes it: the format before had no such column.
_TABLES = """
CREATE TABLE log (id TEXT NOT NULL) STRICT;
INSERT INTO log VALUES (hex(randomblob(16)));
CREATE TABLE requests (
  sequence INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  time TEXT NOT NULL,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  rows INTEGER NOT NULL,
  seconds REAL NOT NULL,
  inputs TEXT,
  outputs TEXT
, client TEXT) STRICT;
CREATE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (time);
CREATE TABLE totals (
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  outcome TEXT NOT NULL,
  requests INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  removed_requests INTEGER NOT NULL DEFAULT 0,
  removed_rows INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (model, version, outcome)
) STRICT, WITHOUT ROWID;
CREATE TABLE columns (
  position INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  side TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  UNIQUE (model, side, name)
) STRICT;
"""

# What came with format 2. `feedback` names its line of `feedback_totals`, so that the newest labels
# of a version are found without an index by version on `requests`, which predictions would pay for.
# `sample` is 1 where the row is of the random sample: see `sample`. Of the totals, `rows` counts
# labelled rows, `asked` those that the label queue had given out for being hard, and `changes`
# first labels and corrections.
_FEEDBACK_TABLES = """
CREATE TABLE feedback_totals (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  rows INTEGER NOT NULL,
  time TEXT NOT NULL,
  asked INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  UNIQUE (model, version)
) STRICT;
CREATE TABLE feedback (
  sequence INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  row INTEGER NOT NULL,
  time TEXT NOT NULL,
  value TEXT NOT NULL,
  total INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  PRIMARY KEY (sequence, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_by_total ON feedback (total, sample);
CREATE TABLE leases (
  sequence INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  row INTEGER NOT NULL,
  time TEXT NOT NULL,
  until TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (sequence, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE business_metrics (
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  time TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (name, number)
) STRICT, WITHOUT ROWID;
"""

# Came with format 3. What repeats is one row, with how often it was and when it was last.
_EVENTS_TABLE = """
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  count INTEGER NOT NULL DEFAULT 1,
  last TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_kind ON events (kind);
"""

# What a service did stays as it is, what befell it is counted.
_MOVE_EVENTS = """
INSERT INTO events (sequence, time, kind, detail, count, last)
  SELECT min(sequence), min(time), kind, detail, count(*), max(time) FROM events_2
  GROUP BY kind, detail, iif(kind IN (
    'model-refused', 'store-unreadable', 'views-not-made', 'reload-failed',
    'personal-field-unknown', 'worker-replaced', 'log-process-replaced'
  ), 0, sequence) ORDER BY 1;
"""

# Only what has feedback is looked up among the requests, and of those only their first columns.
_MOVE_FEEDBACK = """
INSERT INTO feedback_totals (model, version, rows, time, asked, changes)
  SELECT model, version, count(*), max(f.time), 0, count(*)
  FROM feedback_1 AS f JOIN requests USING (sequence)
  GROUP BY model, version;
INSERT INTO feedback
  SELECT f.sequence, f.row, f.time, f.value, t.id, in_sample(f.sequence, f.row) FROM feedback_1 AS f
  JOIN requests AS r USING (sequence)
  JOIN feedback_totals AS t ON t.model = r.model AND t.version = r.version
  ORDER BY f.sequence, f.row;
"""

PAGE_BYTES = 8192
# Pages of 8 kB take a fifth less time than SQLite's 4 kB where requests come in crowds or with
# many rows, and as long where they come alone.
SCHEMA = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_NUMBER};
{_TABLES}
{_FEEDBACK_TABLES}
{_EVENTS_TABLE}
COMMIT;
"""
"""Makes an empty database a log."""


def _make_anew(connection: apsw.Connection, table: str, number: int, statements: str) -> None:
    """Replace a table of the format of this number; the statements move its rows."""
    # Not renamed: that would fail where somebody's view in the same file has become wrong.
    kept = f"{table}_{number}"
    connection.execute(f"CREATE TABLE {kept} AS SELECT * FROM {table}")  # noqa: S608 - constants
    connection.execute(f"DROP TABLE {table}")
    connection.execute(statements)
    connection.execute(f"DROP TABLE {kept}")


def _in_sample(*place: Any) -> bool:
    return in_sample(*place)


def upgrade(connection: apsw.Connection) -> int | None:
    """Make a log of an older format one of this; return which it was, None if it was of this one.

    To be called in a transaction. Requests stay where they are, so that it is quick.
    """
    found = format_of(connection)
    if found == FORMAT_NUMBER:
        return None
    if found < _FEEDBACK_FORMAT:
        connection.create_scalar_function("in_sample", _in_sample, 2, deterministic=True)
        _make_anew(connection, "feedback", found, f"{_FEEDBACK_TABLES}{_MOVE_FEEDBACK}")
    # At its end, so that no row is written anew: the name of the key by which a caller came.
    connection.execute("ALTER TABLE requests ADD COLUMN client TEXT")
    _make_anew(connection, "events", _FEEDBACK_FORMAT, f"{_EVENTS_TABLE}{_MOVE_EVENTS}")
    connection.execute(f"PRAGMA user_version = {FORMAT_NUMBER}")
    return found


def format_of(connection: apsw.Connection) -> int:
    """Return the number of a log's format."""
    [number] = row(connection, "PRAGMA user_version")
    return int(number)
