"""The tables of the prediction log, and the numbers by which a file is known to be one."""

import sqlite3

APPLICATION_ID = int.from_bytes(b"PLog", "big")
"""In the file's header: a SQLite file with another number is not ours and is not touched."""

FORMAT_NUMBER = 1
"""In `PRAGMA user_version`: the layout that this code writes, and the only one that it reads."""

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
CREATE TABLE feedback (
  sequence INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
  row INTEGER NOT NULL,
  time TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (sequence, row)
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

# Pages of 8 kB take a fifth less time than SQLite's 4 kB where requests come in crowds or with
# many rows, and as long where they come alone.
SCHEMA = f"""
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_NUMBER};
{_TABLES}
COMMIT;
"""
"""Makes an empty database a log; for `executescript`."""

_SAFE_SQLITE = (3, 51, 3)


def sqlite_warning(version: str = sqlite3.sqlite_version) -> str | None:
    """Return a sentence to log where this SQLite can lose commits to a second writer, or None."""
    if tuple(int(part) for part in version.split(".")) >= _SAFE_SQLITE:
        return None
    return (
        f"SQLite {version} has the WAL-reset bug, which needs two writing connections: let nothing "
        "but this service write to the prediction log, or move to SQLite 3.51.3 or later."
    )
