"""The same facts hold for every bad request: `assert_refused` names them."""

import base64
import json
import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.auth.login_throttle import LIMIT
from tests.api.conftest import (
    KINDS_ROW,
    KINDS_SIGNATURE,
    ConstantPredictor,
    NewSettings,
    Serve,
    Service,
    loaded,
)
from tests.api.refusal import NUMBER, VALUE, assert_refused, kinds_service


@pytest.fixture(scope="module")
def kinds(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service whose model has a column of every kind; all tests share it."""
    folder = tmp_path_factory.mktemp("bad_input")
    with kinds_service(published, folder) as service:
        yield service


def row(**changes: Any) -> bytes:
    """Return a good row with some changes; bytes are put into the JSON text as they are."""
    texts = {
        name: value if isinstance(value, bytes) else json.dumps(value).encode()
        for name, value in (KINDS_ROW | changes).items()
    }
    return b"{" + b",".join(json.dumps(k).encode() + b":" + v for k, v in texts.items()) + b"}"


def without(name: str) -> bytes:
    """Return a good row that lacks a field."""
    return json.dumps({key: value for key, value in KINDS_ROW.items() if key != name}).encode()


TEXTS = {
    "empty": b"",
    "spaces": b"  \n ",
    "truncated": row(text=VALUE)[:-1],
    "trailing garbage": row(text=VALUE) + b"xyzzy",
    "two documents": row(text=VALUE) + row(),
    "trailing comma": b"[" + row(text=VALUE) + b",]",
    "single quotes": row(text=b"'xyzzy'"),
    "comment": row(text=VALUE) + b"// xyzzy",
    "duplicate key": row()[:-1] + b',"text":"xyzzy"}',
    "duplicate key, escaped": row()[:-1] + b',"t\\u0065xt":"xyzzy"}',
    "raw newline": row(text=b'"xyzzy\n"'),
    "hexadecimal": row(integer=b"0x271828182845"),
    "leading zero": row(integer=b"0271828182845"),
    "plus sign": row(integer=b"+271828182845"),
    "leading point": row(number=b".271828182845"),
    "trailing point": row(number=b"271828182845."),
    "underscore": row(number=b"271828182845_0"),
    "NaN": row(number=b"NaN"),
    "NaN in an array": b"[" + row(number=b"NaN") + b"]",
    "-Infinity": row(number=b"-Infinity"),
    "1e400": row(number=b"1e400"),
    "integer of 5,000 digits": row(integer=b"271828182845" * 1000),
    "integer of 5,000 digits for a number": row(number=b"271828182845" * 1000),
    "invalid byte": row(text=b'"xyzzy\xff"'),
    "truncated UTF-8": row(text=b'"xyzzy\xe2\x82"'),
    "overlong UTF-8": row(text=b'"\xc0\xaf"'),
    "encoded surrogate": row(text=b'"\xed\xa0\x80"'),
    "BOM": b"\xef\xbb\xbf" + row(text=VALUE),
    "UTF-16": row(text=VALUE).decode().encode("utf-16"),
    "UTF-32": row(text=VALUE).decode().encode("utf-32"),
    "binary": bytes(range(256)),
    "depth 500": b"[" * 500 + b"]" * 500 + b"xyzzy",
    "closed depth 500": b"[" * 500 + b"]" * 500,
    "closed depth 500 in a field": row(text=b'{"a":' * 500 + b"1" + b"}" * 500),
    "depth 100,000": b"[" * 100_000,
    "depth 100,000 in a field": row(text=b'{"a":' * 100_000),
}
ROWS = {
    "null": b"null",
    "number": b"271828182845",
    "string": b'"xyzzy"',
    "boolean": b"true",
    "empty object": b"{}",
    "empty array": b"[]",
    "array of an array": b'[["xyzzy",2,3,4]]',
    "array of an empty object": b"[{}]",
    "array of arrays of rows": b"[[" + row(text=VALUE) + b"]]",
    "array of null": b"[null]",
    "brackets in a string": row(text="[{" * 50, integer=b"271828182845.5"),
    "one missing": without("text"),
    "one extra": row(extra=VALUE),
    "another case": without("text")[:-1] + b',"Text":"xyzzy"}',
    "another Unicode form": row(téxt=VALUE),
    "__proto__": row(__proto__={"text": VALUE}),
    "empty key": row(**{"": VALUE}),
    "a key of 64 KB": row(**{"k" * 65_536: VALUE}),
    "10,000 unknown keys": row(**{f"k{number}": VALUE for number in range(10_000)}),
    "null for a number": row(number=None, text=VALUE),
    "null for a boolean": row(flag=None, text=VALUE),
    "null for a string": row(text=None, integer=NUMBER),
    "list for a number": row(number=[NUMBER]),
    "object for a number": row(number={"value": NUMBER}),
    "true for a number": row(number=True),
    "string for a number": row(number="271828182845"),
    "spaced string for a number": row(number=" 271828182845 "),
    "string for a nullable number": row(maybe="NaN"),
    "true for an integer": row(integer=True),
    "fraction for an integer": row(integer=b"271828182845.5"),
    "2^53+1 for an integer": row(integer=2**53 + 1, text=VALUE),
    "-2^63-1 for an integer": row(integer=-(2**63) - 1, text=VALUE),
    "0 for a boolean": row(flag=0, text=VALUE),
    "text for a boolean": row(flag="true"),
    "number for a string": row(text=NUMBER),
    "number for a category": row(color=NUMBER),
    "lone surrogate": row(text=b'"xyzzy\\ud800"'),
    "lone surrogate in a key": row(**{"\ud800": VALUE}),
    "NUL": row(text="xyzzy\0"),
    "long string": row(text=VALUE * 100),
    "date for a datetime": row(when="2026-01-01"),
    "no offset": row(when="2026-01-01T00:00:00"),
    "number for a datetime": row(when=NUMBER),
    "not a datetime": row(when=VALUE),
    "before the year 1": row(when="0001-01-01T00:00:00+01:00"),
    "a bad row after good ones": b"[" + row() + b"," + row() + b"," + row(number=VALUE) + b"]",
}


@pytest.mark.parametrize("name", TEXTS)
def test_invalid_json_text_is_400(kinds: Service, name: str) -> None:
    """RFC 8259, UTF-8, one document, no duplicate keys, no number that is none."""
    assert_refused(kinds, lambda: kinds.predict(TEXTS[name]), 400)


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_do_not_fit_the_signature_are_422(kinds: Service, name: str) -> None:
    """A row has all fields of the signature, no others, and values of their kinds."""
    assert_refused(kinds, lambda: kinds.predict(ROWS[name]), 422)


def test_a_bad_row_is_pointed_to_and_none_is_scored(service: Service) -> None:
    """The pointer counts rows from 0."""
    answer = service.predict([{"a": 1, "b": 2}, {"a": 1, "b": "2"}])
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/1/b"]
    assert service.logged() == []


@pytest.mark.parametrize("number", [b"-0.0", b"5e-324", b"-0", b"7", b"1e308", b"9007199254740993"])
def test_odd_numbers_that_are_numbers_are_good(kinds: Service, number: bytes) -> None:
    """A float64 holds them, rounded where need be; an integer literal for a number is fine."""
    assert kinds.predict(row(number=number)).status_code == 200


@pytest.mark.parametrize("sent", ["with a length", "in chunks"])
def test_10_mb_are_too_large(kinds: Service, sent: str) -> None:
    """The answer is 413 as soon as the size is known; the connection is closed, unread."""
    body = row(text=VALUE * 2_000_000)
    content: Any = body if sent == "with a length" else iter([body[:1000], body[1000:]])
    headers = {"content-type": "application/json"}

    def send() -> Any:
        answer = kinds.client.post("/predict", content=content, headers=headers)
        assert answer.headers["connection"] == "close"
        return answer

    assert_refused(kinds, send, 413)


def test_too_many_rows_are_too_large(serve: Serve, new_settings: NewSettings) -> None:
    """The limit itself is not over the limit."""
    with serve(used=new_settings(predict_max_rows=3)) as service:
        service.install(loaded(ConstantPredictor(), signature=KINDS_SIGNATURE))
        assert service.predict([KINDS_ROW] * 3).status_code == 200
        assert_refused(service, lambda: service.predict([KINDS_ROW] * 4), 413)


class _Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_a_pickle_is_not_run(kinds: Service, tmp_path: Path) -> None:
    """It is refused under its own media type and under a false one."""
    body = pickle.dumps(_Touch(tmp_path / VALUE))
    kind = {"content-type": "application/octet-stream"}
    assert_refused(kinds, lambda: kinds.predict(body, headers=kind), 415)
    assert_refused(kinds, lambda: kinds.predict(body), 400)
    assert not (tmp_path / VALUE).exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "text/xyzzy"},
        {"content-type": "application/jsonxyzzy"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": 'application/json; charset="utf-16"'},
        {"content-type": "multipart/form-data; boundary=xyzzy"},
        {"content-encoding": "gzip"},
        {"content-encoding": "xyzzy"},
        {"content-encoding": "identity, gzip"},
    ],
    ids=str,
)
def test_a_body_not_declared_as_json_is_415(kinds: Service, headers: dict[str, str]) -> None:
    """Only JSON in UTF-8 without a content encoding is read; no type is guessed."""
    assert_refused(kinds, lambda: kinds.predict(row(text=VALUE), headers=headers), 415)


def test_two_media_types_are_415(kinds: Service) -> None:
    """Programs that read the first and programs that read the last would disagree."""
    declared = [("content-type", "application/json"), ("content-type", "text/xyzzy")]
    content = row(text=VALUE)
    post = partial(kinds.client.post, "/predict", content=content, headers=declared)
    assert_refused(kinds, post, 415)


@pytest.mark.parametrize("query", ["probabilities=xyzzy", "xyzzy", "probabilities=true&xyzzy=1"])
def test_a_query_that_says_something_else_is_422(kinds: Service, query: str) -> None:
    """A misspelt parameter would be ignored without a word."""
    assert_refused(kinds, lambda: kinds.predict(KINDS_ROW, f"/predict?{query}"), 422)


def test_a_body_without_a_media_type_is_415(kinds: Service) -> None:
    """The service does not guess the type, even for a valid body."""
    assert_refused(kinds, lambda: kinds.client.post("/predict", content=row(text=VALUE)), 415)


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;v=1"],
)
def test_json_may_be_declared_with_parameters(kinds: Service, kind: str) -> None:
    """The charset must be UTF-8."""
    assert kinds.predict(KINDS_ROW, headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/predict/",
            "//predict",
            "/predict//",
            "/predict%2f",
            "/predict%00",
            "/xyzzy",
        ),
        *("/predict;xyzzy", "/Predict", "/models//predict", "/models/..%2f..%2fetc/predict"),
        *("/models/sum/versions//predict", "/models/sum/predict/xyzzy", "/xyzzy/..%2fpredict"),
    ],
)
def test_a_path_that_no_route_has_is_404(kinds: Service, path: str) -> None:
    """No prediction was asked for, so none is counted as rejected."""
    body = row(text=VALUE)
    assert_refused(kinds, lambda: kinds.client.post(path, content=body), 404, rejected=0)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/predict"),
        ("HEAD", "/predict"),
        ("XYZZY", "/predict"),
        ("OPTIONS", "/predict"),
        ("PUT", "/models/xyzzy/predict"),
        ("PATCH", "/models/xyzzy/versions/xyzzy/predict"),
        ("DELETE", "/models/sum/predict"),
        ("TRACE", "/predict"),
    ],
)
def test_another_method_on_a_path_for_predictions_is_405(
    kinds: Service, method: str, path: str
) -> None:
    """Such a request is counted as a rejected prediction."""
    body = row(text=VALUE)
    assert_refused(kinds, lambda: kinds.client.request(method, path, content=body), 405)


@pytest.mark.parametrize(
    "path",
    [
        *("/models/xyzzy/predict", "/models/sum/versions/xyzzy/predict", "/models/SUM/predict"),
        *(
            "/models/%2e%2e/predict",
            "/models/%00/predict",
            "/models/%ff/predict",
            "/models/s%c3%bc/predict",
        ),
        *(
            "/models/sum /predict",
            f"/models/{'xyzzy' * 1000}/predict",
            "/models/sum%0axyzzy/predict",
        ),
    ],
)
def test_unknown_names_are_404(kinds: Service, path: str) -> None:
    """A name in a path is looked up, never joined to one."""
    assert_refused(kinds, lambda: kinds.predict(KINDS_ROW, path), 404)


def basic(credentials: str) -> str:
    """Return credentials as a header's value."""
    return "Basic " + base64.b64encode(credentials.encode()).decode()


CREDENTIALS = {
    "scheme alone": "Basic",
    "not base64": "Basic xyzzy",
    "not ASCII": "Basic x\xff\xfe",
    "no colon": basic(VALUE),
    "wrong password": basic(f"metrics:{VALUE}"),
    "emoji": basic(f"\N{MELON}:{VALUE}"),
    "NUL": basic(f"metrics\0:{VALUE}"),
    "64 KB": basic(f"{VALUE * 8000}:{VALUE}"),
    "another scheme": f"Bearer {VALUE}",
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_bad_credentials_are_401(kinds: Service, name: str) -> None:
    """A route with a role does not repeat them; an open route does not read them."""
    headers = {"authorization": CREDENTIALS[name].encode("latin-1")}
    assert kinds.predict(KINDS_ROW, headers=headers).status_code == 200
    assert_refused(
        kinds,
        lambda: kinds.client.get("/metrics", headers=headers),  # type: ignore[arg-type]
        401,
        rejected=0,
    )


@pytest.fixture
def guarded(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a service that needs credentials, which its client has."""
    passwords = {"predict_open": "no", "predict_password": "predict-secret"}
    with serve(used=new_settings(**passwords)) as service:
        service.install(loaded(ConstantPredictor(), signature=KINDS_SIGNATURE))
        service.client.auth = ("predict", "predict-secret")
        yield service


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_prediction_with_bad_credentials_is_401(guarded: Service, name: str) -> None:
    """It counts as a rejected prediction."""
    headers = {"authorization": CREDENTIALS[name].encode("latin-1")}
    answer = guarded.predict(b"xyzzy", headers=headers, auth=None)
    assert answer.status_code == 401
    assert VALUE not in answer.text
    assert guarded.samples("predict_rejected_total") == {
        ("predict_rejected_total", "unauthorized"): 1
    }


@pytest.mark.parametrize(
    ("user", "password", "status", "reason"),
    [
        ("predict", VALUE, 401, "unauthorized"),
        (VALUE, "predict-secret", 401, "unauthorized"),
        ("metrics", "metrics-secret", 403, "forbidden"),
    ],
)
def test_a_prediction_without_its_role_is_counted_as_rejected(
    guarded: Service, user: str, password: str, status: int, reason: str
) -> None:
    """Its body is not read."""
    assert_refused(guarded, lambda: guarded.predict(b"xyzzy", auth=(user, password)), status)
    assert guarded.samples("predict_rejected_total") == {("predict_rejected_total", reason): 1}


def test_a_prediction_with_guessed_credentials_is_429(guarded: Service) -> None:
    """The eleventh guess gets 429; callers with another user name are answered."""
    guess = partial(guarded.predict, KINDS_ROW, auth=(VALUE, VALUE))
    for _ in range(LIMIT):
        assert guess().status_code == 401
    assert_refused(guarded, guess, 429)
    counted = guarded.samples("predict_rejected_total")
    assert counted["predict_rejected_total", "too-many-attempts"] == 1
