"""Bodies for hypothesis: valid rows of any signature, with one mutation or none."""

from collections.abc import Sequence

from hypothesis import strategies as st

from model_store.schema.signature import Column, Kind, Signature
from tests.api.body_rules import FORMS
from tests.api.json_values import PLAIN, Strategy, Values, as_json

OUTPUTS = (Column(name="total", kind=Kind.NUMBER),)

_NAMES = st.sampled_from(
    ["a", "b:", "né", "c1", "model_config", "__class__", "~/", "a b", "'", "\N{MELON}"]
) | st.text(
    # Characters that a column name must not hold.
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'),
    max_size=5,
)
_HEADERS = st.sampled_from(["a ", " a", 'a "b"', "a\\", "a\nb", "ne\u0301", "b", "X"])
_ODD_KEYS = st.sampled_from(
    ["", "c0", "A", "a ", "__proto__", "ne\u0301", "\\ud800", "\\u0000", "x" * 50, "\\u0061"]
).map(lambda key: f'"{key}"')
_SPACES = st.sampled_from(["", "", "", " ", "\n", "\r\n\t "])
_CHARACTERS = st.sampled_from([*'"\\:,[]{} \t\n\r/+-.0e1ntu\0\x1f\x7f\x85\u00a0\ufeff\u2028'])
_FRAMES: Strategy = st.sampled_from(
    [
        *("{0} {0}", "[{0}]", "[{0},{0}]", "\ufeff{0}", "{0},", "[{0},]", "{0}]", "({0})", "{0}//"),
        *("\0{0}", "{0}\0", " {0}\n", "\v{0}", "{0}\u00a0", '"{0}"', "[]", "", "{{}}", "[{{}}]"),
    ]
)
_ENCODINGS = st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "latin-1", "utf-7"])
_ODD_BYTES = st.sampled_from(
    [b"\xff", b"\xc0\x80", b"\xe2\x82", b"\xed\xa0\x80", b"\x80", b"\xf5\x80\x80\x80"]
)
_OF_ROWS = ("value", "value", "value", "key", "spelling", "drop", "add", "twice", "spelt twice")
_OF_TEXT = ("insert", "delete", "replace", "cut", "repeat", "frame")
_OF_BYTES = ("encoding", "bytes")

Row = list[tuple[str, str]]
"""The texts of keys and values."""


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    """Draw a signature of up to four columns of any kind, and up to two ignored ones."""
    names = st.lists(_NAMES, min_size=1, max_size=4, unique=True)
    columns = [draw(_column(name)) for name in draw(names)]
    ignored = draw(st.lists(_NAMES | _HEADERS, max_size=2))
    return Signature(inputs=tuple(columns), outputs=OUTPUTS, ignored=tuple(ignored))


@st.composite
def _column(draw: st.DrawFn, name: str) -> Column:
    """Draw a column of this name: of any kind, nullable or not, perhaps with a header."""
    kind, nullable = draw(st.sampled_from(list(Kind))), draw(st.booleans())
    form = time_zone = ""
    if kind is Kind.DATETIME:
        form = draw(st.sampled_from(["", "", "epoch s", "epoch ms", *FORMS]))
        time_zone = draw(st.sampled_from(["", "UTC", "Europe/Berlin"]))
    dtype = draw(st.sampled_from(["uint8", "int64", "float32"])) if kind is Kind.ARRAY else ""
    return Column(
        name=name,
        kind=kind,
        dtype=dtype,
        shape=(2,) if dtype else (),
        nullable=nullable,
        form=form,
        time_zone=time_zone,
        header=draw(st.just("") | _HEADERS),
    )


@st.composite
def bodies(draw: st.DrawFn, signature: Signature, values: Values = PLAIN) -> bytes:
    """Draw a body of one to three rows, with one mutation or none."""
    rows = [
        [(draw(as_json(draw(_key(c)))), draw(_good(c, values))) for c in signature.inputs]
        + [(draw(as_json(n)), draw(_single(values))) for n in draw(_some(signature.ignored))]
        for _ in range(draw(st.integers(1, 3) | st.just(9)))
    ]
    mutation = draw(st.sampled_from(["none", *_OF_ROWS, *_OF_TEXT, *_OF_BYTES]))
    if mutation in _OF_ROWS:
        row, place = draw(st.sampled_from(rows)), draw(st.integers(0, len(signature.inputs) - 1))
        column = signature.inputs[place]
        odd = draw(values.odd[column.kind])
        row[place : place + 1] = _mutated_member(draw, mutation, row[place], column.name, odd)
    space = draw(_SPACES)
    texts = [
        "{" + f"{space},".join(f"{key}{space}:{space}{value}" for key, value in row) + space + "}"
        for row in (draw(st.permutations(row)) for row in rows)
    ]
    text = "[" + ",".join(texts) + "]" if len(texts) > 1 or draw(st.booleans()) else texts[0]
    if mutation in _OF_TEXT:
        text = _mutated_text(draw, text, mutation)
    body = text.encode()
    return _mutated_bytes(draw, body, mutation) if mutation in _OF_BYTES else body


def _key(column: Column) -> Strategy:
    return st.sampled_from([column.name, column.header or column.name])


def _some(names: Sequence[str]) -> "st.SearchStrategy[list[str]]":
    return st.lists(st.sampled_from(names), unique=True) if names else st.just([])


def _single(values: Values) -> Strategy:
    kinds = [kind for kind in Kind if kind is not Kind.ARRAY]
    return st.just("null") | st.sampled_from(kinds).flatmap(lambda kind: values.good[kind])


def _good(column: Column, values: Values) -> Strategy:
    good = values.good[column.kind]
    return good | st.just("null") if column.nullable else good


def _escaped(name: str) -> str:
    """Return a key of JSON in which every character is an escape."""
    units = name.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


def _mutated_member(
    draw: st.DrawFn, mutation: str, member: tuple[str, str], name: str, odd: str
) -> Row:
    """Return what replaces a member of a row."""
    key, value = member
    instead: dict[str, Row] = {
        "value": [(key, odd)],
        "key": [(draw(_ODD_KEYS), value)],
        "spelling": [(_escaped(name), value)],
        "drop": [],
        "add": [member, (draw(_ODD_KEYS), odd)],
        "twice": [member, (key, draw(st.sampled_from([value, odd])))],
        "spelt twice": [member, (_escaped(name), value)],
    }
    return instead[mutation]


def _mutated_text(draw: st.DrawFn, text: str, mutation: str) -> str:
    if mutation == "frame":
        frame: str = draw(_FRAMES)
        return frame.format(text)
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, min(begin + 8, len(text))))
    if mutation == "cut":
        return text[:begin]
    middles: dict[str, str] = {
        "insert": draw(_CHARACTERS) + text[begin:end],
        "replace": draw(_CHARACTERS),
        "delete": "",
        "repeat": text[begin:end] * 2,
    }
    return text[:begin] + middles[mutation] + text[end:]


def _mutated_bytes(draw: st.DrawFn, body: bytes, mutation: str) -> bytes:
    if mutation == "encoding":
        return body.decode().encode(draw(_ENCODINGS), "replace")
    place = draw(st.integers(0, len(body)))
    return body[:place] + draw(_ODD_BYTES) + body[place:]
