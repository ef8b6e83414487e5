"""The views `rows_<model>`: the log's JSON texts unfolded into one row a prediction."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import apsw

from monitoring.log.database.queries import rows

# SQL text ends here, wherever it stands.
_END = "\0"
_MOST_COLUMNS = 1_900
"""SQLite has at most 2,000 columns in a result."""

Side = Literal["input", "output"]
_OWN = ("sequence", "request_id", "time", "model", "version", "row", "probabilities", "true_value")

_REMEMBER = """
INSERT INTO columns (model, side, name, kind) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET kind = excluded.kind WHERE kind <> excluded.kind
"""
_REMEMBERED = "SELECT name, kind, side FROM columns WHERE model = ? ORDER BY side, position"
_DEFINITION = "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?"

# A request's two arrays are brought together by sorting on the row's number: a join of two
# json_each, or a look-up by `$[number]`, would start over for every row and so be quadratic. A
# body that is one object counts as an array of one.
_PAIRS = """
  json_each((
    SELECT '[' || group_concat('[' || number || ',' || inputs || ',' || outputs || ']') || ']'
    FROM (
      SELECT key AS number, coalesce(max(input), '{}') AS inputs, coalesce(max(output), '{}')
        AS outputs
      FROM (
        SELECT key, value AS input, NULL AS output FROM json_each(
          iif(json_type(r.inputs) = 'object', '[' || r.inputs || ']', r.inputs))
        UNION ALL
        SELECT key, NULL, value FROM json_each(
          iif(json_type(r.outputs) = 'object', '[' || r.outputs || ']', r.outputs))
      ) GROUP BY key
    )
  )) AS p"""


_TRUE_VALUE = """(
    SELECT json_extract(f.value, '$') FROM feedback AS f
    WHERE f.sequence = r.sequence AND f.row = json_extract(p.value, '$[0]')
  )"""


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a model, as the view shows it."""

    name: str
    kind: str
    """integer, number, boolean, string, category or datetime."""
    side: Side


def declare(connection: apsw.Connection, model: str, columns: Iterable[ViewColumn]) -> None:
    """Remember a version's columns and let the model's view show them with all earlier ones."""
    connection.executemany(
        _REMEMBER, [(model, column.side, column.name, column.kind) for column in columns]
    )
    remembered = rows(connection, _REMEMBERED, (model,))
    name = f"rows_{model}"
    definition = _view(name, model, [ViewColumn(*column) for column in remembered])
    if connection.execute(_DEFINITION, (name,)).fetchone() == (definition,):
        return
    connection.execute(f"DROP VIEW IF EXISTS {_identifier(name)}")
    connection.execute(definition)


def _view(name: str, model: str, columns: list[ViewColumn]) -> str:
    taken = {_folded(own) for own in _OWN}
    shown = []
    outputs = [column for column in columns if column.side == "output"][:_MOST_COLUMNS]
    inputs = [column for column in columns if column.side == "input"]
    for column in [*inputs[: _MOST_COLUMNS - len(outputs)], *outputs]:
        title = column.name.replace(_END, r"\x00")
        # SQLite knows no letter case, and a feature may be called `time`, or as an output is.
        while _folded(title) in taken:
            title = f"{column.side}_{title}"
        taken.add(_folded(title))
        shown.append(f"  {_expression(column)} AS {_identifier(title)},\n")
    return (
        f"CREATE VIEW {_identifier(name)} AS SELECT\n"
        "  r.sequence, r.request_id, r.time, r.model, r.version,\n"
        "  json_extract(p.value, '$[0]') AS row,\n"
        f"{''.join(shown)}"
        "  json_extract(p.value, '$[2].probabilities') AS probabilities,\n"
        f"  {_TRUE_VALUE} AS true_value\n"
        f"FROM requests AS r,{_PAIRS}\n"
        f"WHERE r.model = {_text(model)}"
    )


def _expression(column: ViewColumn) -> str:
    """Return the SQL of a column's value: null where the row has none, a text where hashed."""
    place = "$[1]" if column.side == "input" else "$[2]"
    if not _is_plain(column.name):
        # Versions of SQLite differ in how a path names such a key; they agree on the key itself.
        members = f"json_each(p.value, '{place}')"
        value = f"(SELECT value FROM {members} WHERE key = {_text(column.name)})"  # noqa: S608 - quoted
    else:
        path = _text(f'{place}."{column.name}"')
        value = f"json_extract(p.value, {path})"
    if column.kind == "number":
        # JSON writes the number 5.0 as 5 too. A plain cast would turn a hash into 0.0.
        return f"iif(typeof({value}) = 'integer', CAST({value} AS REAL), {value})"
    if column.kind == "datetime":
        return _utc(value)
    return value


def _utc(value: str) -> str:
    """Return the SQL of RFC 3339 text in UTC: it sorts, whatever offsets were sent.

    strftime knows milliseconds only, so the fraction goes round it.
    """
    zone = f"iif({value} LIKE '%Z', 'Z', substr({value}, -6))"
    seconds = f"substr({value}, 1, 10) || 'T' || substr({value}, 12, 8)"
    fraction = f"substr({value}, 20, length({value}) - 19 - length({zone}))"
    utc = f"strftime('%Y-%m-%dT%H:%M:%S', {seconds} || {zone}) || {fraction} || 'Z'"
    return f"coalesce({utc}, {value})"


def _folded(name: str) -> str:
    """Return the name as SQLite compares it: ASCII letters without case, others as they are."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _is_plain(name: str) -> bool:
    return not any(character in '"\\' or character < " " for character in name)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    parts = ["'" + part.replace("'", "''") + "'" for part in value.split(_END)]
    return f" || char({ord(_END)}) || ".join(parts)
