"""The tables of the prediction log, and the numbers by which a file is known to be one."""

from typing import Any

import apsw

from monitoring.log.database.queries import row
from monitoring.log.sample import in_sample

APPLICATION_ID = int.from_bytes(b"PLog", "big")
"""In the file's header: a SQLite file with another number is not ours and is not touched."""

FORMAT_NUMBER = 2
"""In `PRAGMA user_version`: the layout that this code writes."""
OLDEST_FORMAT = 1
"""The oldest layout that is read, and that the writer makes a newer one of: see `upgrade`."""

# `requests.sequence` is given by the writer: the n-th answered request of this file, counted by
# `totals`, has number n. Retention never lowers totals, so no number is used twice, not even
# after the newest row was removed; AUTOINCREMENT would promise the same for one more written page
# a commit.
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
) STRICT;
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
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
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

# Pages of 8 kB take a fifth less time than SQLite's 4 kB where requests come in crowds or with
# many rows, and as long where they come alone.
SCHEMA = f"""
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_NUMBER};
{_TABLES}
{_FEEDBACK_TABLES}
COMMIT;
"""
"""Makes an empty database a log."""


def _in_sample(*place: Any) -> bool:
    return in_sample(*place)


def upgrade(connection: apsw.Connection) -> int | None:
    """Make a log of an older format one of this; return which it was, None if it was of this one.

    To be called in a transaction. Requests stay where they are, so that it is quick.
    """
    found = format_of(connection)
    if found == FORMAT_NUMBER:
        return None
    # Not renamed: that would fail where somebody's view in the same file has become wrong.
    connection.execute("CREATE TABLE feedback_1 AS SELECT * FROM feedback")
    connection.execute("DROP TABLE feedback")
    connection.create_scalar_function("in_sample", _in_sample, 2, deterministic=True)
    connection.execute(f"{_FEEDBACK_TABLES}{_MOVE_FEEDBACK}")
    connection.execute("DROP TABLE feedback_1")
    connection.execute(f"PRAGMA user_version = {FORMAT_NUMBER}")
    return found


def format_of(connection: apsw.Connection) -> int:
    """Return the number of a log's format."""
    [number] = row(connection, "PRAGMA user_version")
    return int(number)
