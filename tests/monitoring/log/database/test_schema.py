"""A log of an older format becomes one of this."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from monitoring.feedback.reader import FeedbackReader
from monitoring.log.database.schema import FORMAT_NUMBER, upgrade
from monitoring.log.errors import LogUnavailableError
from monitoring.log.reading.reader import LogReader
from monitoring.log.sample import in_sample
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]

FORMAT_1 = """
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1347186535;
PRAGMA user_version = 1;
CREATE TABLE log (id TEXT NOT NULL) STRICT;
INSERT INTO log VALUES ('an id');
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
INSERT INTO requests VALUES
  (1, 'a', '2026-11-20T10:00:00.000000Z', 'iris', 'v1', 2, 0.1, '[{},{}]',
    '[{"variety":"Setosa"},{"variety":"Virginica"}]'),
  (2, 'b', '2026-11-20T11:00:00.000000Z', 'iris', 'v2', 1, 0.1, '{}', '{"variety":"Setosa"}');
INSERT INTO totals (model, version, outcome, requests, rows) VALUES
  ('iris', 'v1', 'answered', 1, 2), ('iris', 'v2', 'answered', 1, 1);
INSERT INTO feedback VALUES
  (1, 0, '2026-11-20T12:00:00.000000Z', '"Setosa"'),
  (1, 1, '2026-11-20T13:00:00.000000Z', '"Setosa"'),
  (2, 0, '2026-11-20T12:00:00.000000Z', '"Setosa"');
CREATE VIEW theirs AS SELECT absent FROM feedback;
"""


@pytest.fixture
def older(path: Path) -> Path:
    """Return a log of format 1: three labelled rows, and somebody's view that is wrong."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(FORMAT_1)
    return path


@pytest.fixture
def of_today(path: Path) -> Path:
    """Return a log of format 2, with a refusal that was repeated a thousand times."""
    statements = Path(__file__).with_name("format_2.sql").read_text()
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(statements)
    return path


def query(path: Path, text: str) -> list[tuple[object, ...]]:
    """Ask the database."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        return connection.execute(text).fetchall()


def test_an_older_log_keeps_its_rows_and_their_feedback(
    older: Path, new_log: NewLog, new_entry: NewEntry
) -> None:
    """It is counted by version; predictions and feedback go on where they were."""
    with new_log() as log:
        assert log.add_feedback([Feedback("b", 0, "Setosa")]) == ["unchanged"]
        log.write([new_entry("c")])
    reader = FeedbackReader(older)
    assert [(t.version, t.rows, t.changes) for t in reader.state().totals] == [
        ("v1", 2, 2),
        ("v2", 1, 1),
    ]
    assert [row.truth for row in reader.labelled("iris", "v1", 9)] == ["Setosa"] * 2
    assert query(older, "SELECT sequence, row, sample FROM feedback") == [
        (*place, in_sample(*place)) for place in ((1, 0), (1, 1), (2, 0))
    ]
    assert [json.loads(line)["sequence"] for line in LogReader(older).export()] == [1, 2, 3]
    assert LogReader(older).check().holds
    assert query(older, "PRAGMA foreign_key_check") == []
    assert query(older, "SELECT kind, detail FROM events") == [
        ("log-upgraded", f'{{"from":1,"to":{FORMAT_NUMBER}}}')
    ]


@pytest.mark.parametrize("form", ["older", "of_today"])
def test_an_upgraded_log_is_like_a_new_one(
    form: str, request: pytest.FixtureRequest, new_log: NewLog, tmp_path: Path
) -> None:
    """In every table and index."""
    older: Path = request.getfixturevalue(form)
    schema = "SELECT name, sql FROM sqlite_schema WHERE type <> 'view' AND sql IS NOT NULL"
    with new_log():
        upgraded = query(older, schema)
    older.rename(tmp_path / "older.sqlite")
    with new_log():
        assert sorted(upgraded) == sorted(query(older, schema))


def test_repeated_events_of_an_older_log_become_one(
    of_today: Path, new_log: NewLog, new_entry: NewEntry
) -> None:
    """What befell the service is counted; what it did stays as it is, and so does all else."""
    requests = "SELECT sequence, request_id, rows, inputs, outputs FROM requests"
    before = query(of_today, requests), query(of_today, "SELECT * FROM feedback")
    with new_log() as log:
        assert log.add_feedback([Feedback("r0", 0, "Setosa")]) == ["unchanged"]
        log.write([new_entry("next")])
    assert query(of_today, "SELECT sequence, kind, count, time, last FROM events") == [
        (1, "start", 1, "2026-11-20T10:00:00.000000Z", "2026-11-20T10:00:00.000000Z"),
        (2, "model-refused", 1000, "2026-11-20T10:01:00.000000Z", "2026-11-21T02:40:00.000000Z"),
        *(
            (sequence, kind, 1, "2026-11-21T02:40:00.000000Z", "2026-11-21T02:40:00.000000Z")
            for sequence, kind in enumerate(("stop", "start", "stop", "start"), 1002)
        ),
        (1006, "log-upgraded", 1, "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z"),
    ]
    after = query(of_today, requests), query(of_today, "SELECT * FROM feedback")
    assert (after[0][:-1], after[1]) == before
    assert query(of_today, "SELECT request_id, size FROM rows_iris LIMIT 1") == [("r0", 0.0)]
    assert LogReader(of_today).check().holds


def test_an_upgrade_that_fails_changes_nothing(older: Path, new_log: NewLog) -> None:
    """It is one transaction: the next opening begins anew."""
    with contextlib.closing(apsw.Connection(str(older))) as connection:
        connection.execute("CREATE TABLE leases (x)")
    log = new_log()
    with pytest.raises(LogUnavailableError, match="leases"):
        log.open()
    assert query(older, "PRAGMA user_version") == [(1,)]
    assert len(query(older, "SELECT * FROM feedback")) == 3
    with contextlib.closing(apsw.Connection(str(older))) as connection:
        connection.execute("DROP TABLE leases")
    log.open()
    assert query(older, "PRAGMA user_version") == [(FORMAT_NUMBER,)]
    log.close()


def test_an_older_log_is_read_as_it_is(older: Path) -> None:
    """A reader that may not write it gets its tables; newer ones raise with a sentence."""
    assert len(list(LogReader(older).export())) == 2
    with pytest.raises(LogUnavailableError, match="feedback_totals"):
        FeedbackReader(older).state()


def test_a_log_of_this_format_is_left_alone(path: Path, new_log: NewLog) -> None:
    """Every opening after the first changes nothing."""
    for _ in range(2):
        with new_log():
            pass
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        assert upgrade(connection) is None
    assert query(path, "SELECT * FROM events") == []
