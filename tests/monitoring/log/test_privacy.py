"""A personal value is never stored in clear."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from monitoring.log.database.views import ViewColumn
from monitoring.log.options import LogOptions
from monitoring.log.privacy import Privacy, is_hash
from monitoring.log.reading.reader import LogReader
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.true_values import Feedback, Verdict

NewEntry = Callable[..., Entry]
NewLog = Callable[..., PredictionLog]
KEY = b"0123456789abcdef"


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the log."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        return connection.execute(sql).fetchall()


def bytes_on_disk(path: Path) -> bytes:
    """Return everything that the log left on the disk."""
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def test_a_personal_value_reaches_the_disk_nowhere(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Inputs, outputs, probabilities, feedback and events hide it; other values stay."""
    personal = frozenset({"name", "diagnosis"})
    with new_log(personal_fields=personal, key=KEY) as log:
        log.declare(
            "iris",
            [ViewColumn("name", "string", "input"), ViewColumn("diagnosis", "category", "output")],
        )
        log.write(
            [
                new_entry(
                    "r",
                    rows=2,
                    inputs='[{"name":"Zoë Secret","age":41},{"name":null,"age":42}]'.encode(),
                    outputs=b'[{"diagnosis":"secretitis","probabilities":{"secretitis":0.987654}},'
                    b'{"diagnosis":"none","probabilities":{"secretitis":0.012345}}]',
                ),
                new_entry("one", inputs=b'{"n\\u0061me":"Zo\\u00eb Secret","age":41}'),
            ]
        )
        log.add_feedback(
            [Feedback("r", 0, "secretitis"), Feedback("r", 1, {"diagnosis": "secret"})]
        )
        log.event("job", {"rows": [{"name": "Zoë Secret"}], "name": "Zoë Secret", "kind": "train"})
        found = bytes_on_disk(path).lower()
    for secret in (b"secret", "Zoë".encode().lower(), b"0.987654", b"0.012345"):
        assert secret not in found
    digest = Privacy(LogOptions(personal_fields=personal, key=KEY)).digest
    assert query(path, "SELECT name FROM rows_iris ORDER BY sequence, row") == [
        (digest("name", "Zoë Secret"),),
        (None,),
        (digest("name", "Zoë Secret"),),
    ]
    assert query(path, "SELECT value FROM feedback WHERE row = 0") == [
        (json.dumps(digest("diagnosis", "secretitis")),)
    ]
    assert query(path, "SELECT diagnosis FROM rows_iris WHERE row = 0 AND sequence = 1") == [
        (digest("diagnosis", "secretitis"),)
    ]
    assert b'"age":41' in found
    assert b'"kind":"train"' in found


def test_hashed_keeps_who_is_equal_and_nothing_else(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """Equal numbers are equal however they were written; a hash in a number column is no number."""
    with new_log(keep="hashed", key=KEY) as log:
        log.declare("iris", [ViewColumn("petal_length", "number", "input")])
        log.write(
            [
                new_entry("a", inputs=b'[{"petal_length":5}]'),
                new_entry("b", inputs=b'[{"petal_length":5.0}]'),
                new_entry("c", inputs=b'[{"petal_length":5.5}]'),
            ]
        )
        log.add_feedback([Feedback("a", 0, "Virginica")])
        assert b"Virginica" not in bytes_on_disk(path)
    first, second, third = (
        value for (value,) in query(path, "SELECT petal_length FROM rows_iris ORDER BY sequence")
    )
    assert first == second != third
    assert str(first).startswith("hmac:")


def test_none_keeps_the_count_alone(new_log: NewLog, new_entry: NewEntry, path: Path) -> None:
    """Totals still equal the rows."""
    with new_log(keep="none") as log:
        log.write([new_entry("a", rows=3)])
        assert log.add_feedback([Feedback("a", 2, "Virginica")]) == [Verdict.STORED]
        assert log.add_feedback([Feedback("a", 2, "Setosa")]) == [Verdict.UNCHANGED]
    assert query(path, "SELECT rows, inputs, outputs FROM requests") == [(3, None, None)]
    assert query(path, "SELECT value FROM feedback") == [("null",)]
    assert LogReader(path).check().holds


def test_feedback_on_undeclared_outputs_is_hidden_where_anything_is_personal(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """It is hidden in case of doubt."""
    with new_log(personal_fields=frozenset({"name"}), key=KEY) as log:
        log.write([new_entry("a")])
        log.add_feedback([Feedback("a", 0, "Virginica")])
    assert b"irginica" not in str(query(path, "SELECT value FROM feedback")).encode()


def test_a_body_that_cannot_be_protected_is_not_stored(
    new_log: NewLog, new_entry: NewEntry, path: Path
) -> None:
    """What is no JSON can't be searched for personal values."""
    with new_log(personal_fields=frozenset({"name"}), key=KEY) as log:
        with pytest.raises(ValueError, match="Expecting"):
            log.write([new_entry(inputs=b"name=Zoe")])
        assert LogReader(path).totals() == []


def test_another_key_or_column_gives_another_digest() -> None:
    """So a hash has no meaning outside its own column and its own log."""
    ours, theirs = (Privacy(LogOptions(key=key)) for key in (KEY, KEY[::-1]))
    digests = {
        ours.digest("a", 1),
        ours.digest("b", 1),
        theirs.digest("a", 1),
        ours.digest("a", "1"),
    }
    assert len(digests) == 4
    assert ours.digest("a", 1) == ours.digest("a", 1.0)


def test_a_hash_is_known_in_whole() -> None:
    """A text that begins like one may be somebody's value."""
    digest = Privacy(LogOptions(key=KEY)).digest("a", 1)
    assert is_hash(digest)
    others = ("hmac:", "hmac:x", digest[:-1], f"{digest}0", f"{digest}\n", digest.upper(), 5, None)
    assert not any(is_hash(value) for value in others)


def test_events_in_place_of_the_log_are_as_private_as_the_log(tmp_path: Path) -> None:
    """While the log cannot be written, its rules hold for what stands in for it."""
    options = LogOptions(personal_fields=frozenset({"name"}), key=KEY)
    log = PredictionLog(tmp_path / "log.sqlite", options, lambda: datetime.now(UTC))
    body = b'[{"name":"Ada","age":36}]'
    entry = Entry("id", datetime.now(UTC), "m", "v", "answered", 1, 0.1, body, b'[{"b":1}]')
    kept = log.kept(entry)
    assert "Ada" not in str(kept)
    assert '"age":36' in str(kept["inputs"])
    assert kept["outputs"] == '[{"b":1}]'
