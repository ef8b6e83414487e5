"""Body errors agree with the decoder, name the place, and never repeat a value."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from api.http.body_errors import Explainer
from api.http.problems import MAX_ERRORS, InvalidJson, InvalidRows, TooLarge
from api.http.strict_json import parse_strictly
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Column, Kind, Signature
from tests.api.body_rules import status_of
from tests.api.json_values import MAX_STRING
from tests.api.mutated_bodies import OUTPUTS, bodies, signatures
from tests.api.verdicts import assert_one_verdict, explained, is_accepted

A_NUMBER = Signature(inputs=(Column(name="a", kind=Kind.NUMBER),), outputs=OUTPUTS)


# A deadline would be a timed test, on a machine that does something else besides.
@given(st.data())
def test_decoder_and_explainer_agree_with_the_rules(data: st.DataObject) -> None:
    """They agree on bodies with one mutation or none, over all kinds, nullable or not."""
    signature = data.draw(signatures())
    assert_one_verdict(signature, data.draw(bodies(signature)))


@given(st.data())
def test_any_bytes_are_explained(data: st.DataObject) -> None:
    """Both agree on any bytes; the answer is ASCII and has at most 16 errors."""
    signature = data.draw(signatures())
    body = data.draw(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8")))
    assert_one_verdict(signature, body)
    if problem := explained(signature, body):
        shown = json.loads(bytes(problem.response().body).decode("ascii"))
        assert len(shown.get("errors", [])) <= MAX_ERRORS


def test_a_decoder_that_takes_true_for_a_number_is_found() -> None:
    """The same bodies find it."""
    strict = RowDecoder(A_NUMBER)

    def is_wrong(body: bytes) -> bool:
        expected = status_of(A_NUMBER, body, max_string=MAX_STRING)
        return is_accepted(strict, body.replace(b"true", b"1")) is not (expected == 200)

    found = find(bodies(A_NUMBER), is_wrong, settings=settings(max_examples=10_000))
    assert b'"a":true' in found


MOMENT = Signature(inputs=(Column(name="t", kind=Kind.DATETIME),), outputs=OUTPUTS)
MOMENTS = [
    *(
        "2026-01-01T00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01 00:00:00Z",
        "0001-01-01T00:00:00Z",
    ),
    *("2026-01-01T00:00:00+23:59", "2026-01-01T00:00:00-00:00", "9999-12-31T23:59:59.5Z"),
    *("2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01", "2026-01-01T00:00:00 Z", "2026-01-01"),
    *(
        "2026-01-01T00:00:00",
        "2026-01-01_00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
    ),
    *("2026-01-01T00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.Z", "2026-1-1T00:00:00Z"),
    *("2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+23:60", "0001-01-01T00:00:00+00:01"),
    *("2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "20260101T000000Z"),
    *("9999-12-31T23:59:59-00:01", "02026-01-01T00:00:00Z", "\uff12026-01-01T00:00:00Z", "now", ""),
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_are_those_of_rfc_3339(moment: str) -> None:
    """Each has an offset with a colon, and fits into a datetime."""
    assert_one_verdict(MOMENT, json.dumps({"t": moment}).encode())


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
        (GOOD | {"n\u00e9/~": 7}, [("/n\u00e9~1~0", "not-a-string")]),
        (GOOD | {"n\u00e9/~": "x" * 13}, [("/n\u00e9~1~0", "too-long")]),
        (GOOD | {"n\u00e9/~": "\0"}, [("/n\u00e9~1~0", "not-a-value")]),
        (GOOD | {"when": "yesterday"}, [("/when", "not-a-value")]),
        ({"a": 1, "when": None}, [("/n\u00e9~1~0", "missing")]),
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
    """Each has a JSON pointer from the root of the body and a code from a closed list."""
    assert errors_of(document) == errors


def test_errors_are_capped() -> None:
    """At most sixteen errors are listed, for one row or for a thousand."""
    assert len(errors_of([{} for _ in range(1000)])) == MAX_ERRORS
    assert len(errors_of(GOOD | {f"x{number}": 1 for number in range(10_000)})) == MAX_ERRORS


@pytest.mark.parametrize("body", [b"[{},{},{}]", b"[7,7,7]"])
def test_too_many_rows_are_not_explained(body: bytes) -> None:
    """Too many rows get 413, whatever is wrong in them; the most that are allowed are explained."""
    explainer = Explainer(SUM, max_string=MAX_STRING)
    assert isinstance(explainer.explain(body, 2), TooLarge)
    assert isinstance(explainer.explain(body, 3), InvalidRows)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("k" * 65_536, "k" * 40),
        ("\u00e9" * 100, "\u00e9" * 40),
        ("\x1b[2J\u202e\N{MELON}", "\\x1b[2J\\u202e\N{MELON}"),
    ],
)
def test_keys_are_cut_and_seen(key: str, shown: str) -> None:
    """Forty characters are enough to find the key; none moves a terminal's cursor."""
    ((pointer, code),) = errors_of(GOOD | {key: 1})
    assert code == "unknown"
    assert pointer == f"/{shown}"


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
    ("body", "sentence"),
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
        (b"\xef\xbb\xbf{}", "byte order mark, of UTF-8"),
        ("{}".encode("utf-16"), "byte order mark, of UTF-16"),
        (b'"a\nb"', "not JSON"),
    ],
)
def test_invalid_json_text_is_distinguished(body: bytes, sentence: str) -> None:
    """400 is for invalid JSON text, 422 for valid text with invalid content."""
    with pytest.raises(InvalidJson, match=sentence):
        parse_strictly(body)


def test_strict_parsing_returns_what_json_says() -> None:
    """Valid text gives the same value as Python's own parser."""
    text = '{"a": [1, -0.0, 5e-324, true, null, "\\u00e9"], "b": {}}'
    assert parse_strictly(text.encode()) == json.loads(text)


def test_a_problem_of_rows_can_be_decoded_by_its_own_schema() -> None:
    """The explainer's text is JSON with the members of RFC 9457."""
    problem = explained(SUM, b"[{}]")
    assert problem
    shown = msgspec.json.decode(bytes(problem.response().body), type=dict[str, Any])
    assert set(shown) == {"type", "title", "status", "detail", "errors"}
