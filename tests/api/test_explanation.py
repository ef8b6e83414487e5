"""Why a body was refused: the same verdict as the decoder's, a place, and never a value."""

import json
from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.explanation import Explainer, parse_strictly
from api.problems import MAX_ERRORS, InvalidJson, InvalidRows, Problem, TooLarge
from model_store.row_decoder import InvalidRowsError, RowDecoder
from model_store.signature import LARGEST_INTEGER, Column, Kind, Signature

MAX_STRING = 12
MAX_ROWS = 10_000
OUTPUTS = (Column(name="total", kind=Kind.NUMBER),)
ACCEPTED = "The body does not fit the schema of this model."
"""What the explainer says when it finds nothing wrong; no refused body may be told this."""

# Text that stands for itself in JSON, and values of every kind that are good or nearly so.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = {
    Kind.INTEGER: st.integers(-LARGEST_INTEGER, LARGEST_INTEGER),
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    Kind.BOOLEAN: st.booleans(),
    Kind.STRING: TEXT,
    Kind.CATEGORY: TEXT,
    Kind.DATETIME: st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
}
ODD_TEXTS = st.sampled_from(
    [
        *('""', '"5.1"', '"true"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\/"', '"a\nb"'),
        *('"2026-01-01"', '"2026-01-01T00:00:00"', '"2026-01-01T00:00:00Z"'),
        *('"2026-01-01 00:00:00Z"', '"2026-01-01t00:00:00z"', '"2026-01-01T24:00:00Z"'),
        *('"2026-01-01T00:00:60Z"', '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-01:00"'),
        *('"2026-01-01T00:00:00+0100"', '"2026-01-01T00:00:00.1234567Z"', '"20260101T000000Z"'),
        *('"2026-01-01T00:00:00+25:00"', '"2026-02-30T00:00:00Z"', '"2026-01-01T00:00\\u003a00Z"'),
        *('"123456789012"', '"1234567890123"', '"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"'),
        *("null", "true", "false", "[]", "[1]", "{}", '{"a":1}', "NaN", "Infinity", "-Infinity"),
        *("0", "-0", "-0.0", "1.0", "1e0", "1e3", "1.5", "5e-324", "1e308", "1e309", "-1e400"),
        *("05", "+5", ".5", "5.", "0x10", "1_000", "1e", "--1", "'a'", "1 2", "", " 1 ", "/**/1"),
        *("9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993"),
        *("18446744073709551616", "9" * 300, "9" * 400, "0." + "0" * 400 + "1", "1" + "0" * 308),
    ]
)
KEYS = st.sampled_from(
    ["", "c0", "A", "a ", "__proto__", "n\u00e9", "\\ud800", "\\u0000", "x" * 50]
)
COLUMN_NAMES = ["a", "b:", "n\u00e9", "c1", "model_config", "__class__", "~/", "a b", "'"]


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    """Draw a signature of up to four columns of any kind, nullable or not."""
    names = draw(st.lists(st.sampled_from(COLUMN_NAMES), min_size=1, max_size=4, unique=True))
    kinds = st.sampled_from(list(Kind))
    columns = [Column(name=name, kind=draw(kinds), nullable=draw(st.booleans())) for name in names]
    return Signature(inputs=tuple(columns), outputs=OUTPUTS)


def pair(key: str, value: str) -> str:
    """Return a member of an object."""
    return f"{key}: {value}"


@st.composite
def bodies(draw: st.DrawFn, signature: Signature) -> bytes:
    """Draw a body of one to three valid rows, with one mutation or none."""
    rows = [
        [
            (json.dumps(c.name), json.dumps(draw(VALUES[c.kind]), ensure_ascii=draw(st.booleans())))
            for c in signature.inputs
        ]
        for _ in range(draw(st.integers(1, 3)))
    ]
    row = draw(st.sampled_from(rows))
    place = draw(st.integers(0, len(row) - 1))
    key, value = row[place]
    mutation = draw(st.sampled_from(["none", "value", "key", "drop", "add", "twice", "escaped"]))
    if mutation == "value":
        row[place] = key, draw(ODD_TEXTS)
    elif mutation == "key":
        row[place] = f'"{draw(KEYS)}"', value
    elif mutation == "drop":
        del row[place]
    elif mutation == "add":
        row.append((f'"{draw(KEYS)}"', draw(ODD_TEXTS)))
    elif mutation == "twice":
        row.append((key, draw(st.just(value) | ODD_TEXTS)))
    elif mutation == "escaped":
        name = signature.inputs[place].name
        row.append(('"' + "".join(f"\\u{ord(c):04x}" for c in name) + '"', value))
    texts = [
        "{" + ", ".join(f"{key}{draw(SPACE)}:{value}" for key, value in row) + "}" for row in rows
    ]
    body = "[" + ",".join(texts) + "]" if len(texts) > 1 or draw(st.booleans()) else texts[0]
    return draw(SURROUNDED).replace("BODY", body).encode()


SPACE = st.sampled_from(["", "", "", " ", "\n"])
SURROUNDED = st.sampled_from(
    [*["BODY"] * 12, " BODY\n", "\ufeffBODY", "BODY,", "BODY BODY", "[BODY]", "\0BODY", "BODY\0"]
)


def explained(signature: Signature, body: bytes) -> Problem | None:
    """Return what the explaining model has against a body; None if nothing."""
    problem = Explainer(signature, max_string=MAX_STRING).explain(body, MAX_ROWS)
    return None if problem.detail == ACCEPTED else problem


def accepted(signature: Signature, body: bytes) -> bool:
    """Return whether the decoder accepts a body."""
    try:
        RowDecoder(signature, max_string=MAX_STRING).decode(body)
    except InvalidRowsError:
        return False
    return True


@given(st.data())
def test_decoder_and_explainer_reach_the_same_verdict(data: st.DataObject) -> None:
    """For a valid body with one mutation or none, over all kinds, nullable or not."""
    signature = data.draw(signatures())
    body = data.draw(bodies(signature))
    assert accepted(signature, body) is (explained(signature, body) is None)


@given(st.data())
def test_any_bytes_are_explained(data: st.DataObject) -> None:
    """Whatever comes in, the two agree, and the answer is ASCII of at most 16 errors."""
    signature = data.draw(signatures())
    body = data.draw(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8")))
    problem = explained(signature, body)
    assert accepted(signature, body) is (problem is None)
    if problem:
        shown = json.loads(bytes(problem.response().body).decode("ascii"))
        assert len(shown.get("errors", [])) <= MAX_ERRORS


SUM = Signature(
    inputs=(
        Column(name="a", kind=Kind.NUMBER),
        Column(name="n\u00e9/~", kind=Kind.STRING),
        Column(name="when", kind=Kind.DATETIME, nullable=True),
    ),
    outputs=OUTPUTS,
)
GOOD = {"a": 1, "n\u00e9/~": "text", "when": None}


def errors_of(document: Any) -> list[tuple[str, str]]:
    """Return pointer and code of all errors of a document."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    problem = explained(SUM, body)
    assert problem
    shown = json.loads(bytes(problem.response().body))
    return [(error["pointer"], error["code"]) for error in shown.get("errors", [])]


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ([GOOD, GOOD | {"a": "1"}], [("/1/a", "not-a-number")]),
        (GOOD | {"a": True}, [("/a", "not-a-number")]),
        (GOOD | {"a": None}, [("/a", "not-a-number")]),
        (GOOD | {"n\u00e9/~": 7}, [("/n\\xe9~1~0", "not-a-string")]),
        (GOOD | {"n\u00e9/~": "x" * 13}, [("/n\\xe9~1~0", "too-long")]),
        (GOOD | {"n\u00e9/~": "\0"}, [("/n\\xe9~1~0", "not-a-value")]),
        (GOOD | {"when": "yesterday"}, [("/when", "not-a-value")]),
        ({"a": 1, "when": None}, [("/n\\xe9~1~0", "missing")]),
        (GOOD | {"extra": 1}, [("/extra", "unknown")]),
        (GOOD | {"A": 1}, [("/A", "unknown")]),
        ([[1, 2, 3]], [("/0", "not-an-object")]),
        ([None], [("/0", "not-an-object")]),
        ([], []),
        (7, []),
        ("x", []),
    ],
)
def test_errors_point_to_their_places(document: Any, errors: list[tuple[str, str]]) -> None:
    """By JSON pointer, from the root of the body, with a code from a closed list."""
    assert errors_of(document) == errors


def test_errors_are_capped() -> None:
    """Sixteen places are enough to mend a program, in one row or in a thousand."""
    assert len(errors_of([{} for _ in range(1000)])) == MAX_ERRORS
    assert len(errors_of(GOOD | {f"x{number}": 1 for number in range(10_000)})) == MAX_ERRORS


@pytest.mark.parametrize("body", [b"[{},{},{}]", b"[7,7,7]"])
def test_too_many_rows_are_not_explained(body: bytes) -> None:
    """413, whatever is wrong with them; as many as there may be are explained."""
    explainer = Explainer(SUM, max_string=MAX_STRING)
    assert isinstance(explainer.explain(body, 2), TooLarge)
    assert isinstance(explainer.explain(body, 3), InvalidRows)


@pytest.mark.parametrize("key", ["k" * 65_536, "\u00e9" * 100, "\N{MELON}" * 100])
def test_keys_are_cut_and_in_ascii(key: str) -> None:
    """Forty characters tell which key is meant."""
    ((pointer, code),) = errors_of(GOOD | {key: 1})
    assert code == "unknown"
    assert pointer.isascii()
    assert pointer == "/" + key[:40].encode("ascii", "backslashreplace").decode()


@given(st.sampled_from(["a", "n\u00e9/~", "when"]), st.integers(10**9, 10**12), st.booleans())
def test_no_value_is_repeated(name: str, secret: int, as_text: bool) -> None:  # noqa: FBT001
    """Neither a number nor a text nor a part of one appears in the problem."""
    wrong: Any = {"a": f"{secret}", "n\u00e9/~": secret, "when": f"{secret}"}[name]
    value = [wrong] if as_text else wrong
    problem = explained(SUM, json.dumps(GOOD | {name: value}).encode())
    assert problem
    assert str(secret) not in bytes(problem.response().body).decode()
    assert str(secret) not in f"{problem} {problem!r}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1, column 1"),
        (b"   ", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b"[1,]", "not JSON"),
        (b'{"a":1,"a":2}', "a key twice"),
        (b'[{"x":{"a":1,"\\u0061":2}}]', "a key twice"),
        (b"[NaN]", "no JSON number"),
        (b"[-Infinity]", "no JSON number"),
        (b"1e400", "too large"),
        (b"9" * 5000, "too large"),
        (b"[" * 100_000, "too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "too deeply"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'"a\nb"', "not JSON"),
    ],
)
def test_what_is_no_json_text_is_told_apart(body: bytes, said: str) -> None:
    """400 is for the text, 422 for what it means."""
    with pytest.raises(InvalidJson, match=said):
        parse_strictly(body)


def test_strict_parsing_returns_what_json_says() -> None:
    """Where all is right, it is Python's own parser."""
    text = '{"a": [1, -0.0, 5e-324, true, null, "\\u00e9"], "b": {}}'
    assert parse_strictly(text.encode()) == json.loads(text)


def test_a_problem_of_rows_can_be_decoded_by_its_own_schema() -> None:
    """The explainer's text is JSON with the members of RFC 9457."""
    problem = explained(SUM, b"[{}]")
    assert problem
    shown = msgspec.json.decode(bytes(problem.response().body), type=dict[str, Any])
    assert set(shown) == {"type", "title", "status", "detail", "errors"}
