"""A caller's trace is continued: in the answer and in the access line, on both ways."""

from pathlib import Path

import pytest

from api.http.trace_context import continued
from tests.api.conftest import SUM_ROW, Service
from tests.api.server_process import process_of
from tests.api.wire import AccessLines, exchange

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("field", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what the future brings", True),
    ],
)
def test_a_valid_trace_is_continued(field: str, *, sampled: bool) -> None:
    """The trace keeps its id; this request gets one of its own within it."""
    trace = continued(field.encode())
    assert trace
    version, trace_id, span_id, flags = trace.field.decode().split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01" if sampled else "00")
    assert len(span_id) == 16
    assert span_id not in (SPAN, "0" * 16)


@pytest.mark.parametrize(
    "field",
    [
        *("", "xyzzy", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01"),
        *(f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-1"),
        *(f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-01 ", f"00-{TRACE[1:]}-{SPAN}-01"),
        *(f"cc-{TRACE}-{SPAN}-01more", f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-00", "00-g" * 9),
    ],
)
def test_what_is_not_valid_is_not_continued(service: Service, field: str) -> None:
    """A trace is a convenience: the request is answered all the same, and nothing is echoed."""
    assert continued(field.encode()) is None
    answer = service.predict(SUM_ROW, headers={"traceparent": field})
    assert answer.status_code == 200
    assert "traceparent" not in answer.headers
    [line] = service.events("request")
    assert "trace_id" not in line


def test_every_answer_continues_the_trace(published: Path, tmp_path: Path) -> None:
    """Predictions on both ways, other routes, and errors; each request has its own span."""
    field = f"traceparent: 00-{TRACE}-{SPAN}-01\r\n".encode()
    head = b"Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" + field
    row = b'{"weight":60}'
    requests = [
        b"POST /predict HTTP/1.1\r\n" + head + b"Content-Length: 13\r\n\r\n" + row,
        b"POST /predict HTTP/1.1\r\n" + head + b"Content-Length: 1\r\n\r\n[",
        b"POST /predict HTTP/1.1\r\n" + head + b"Expect: \r\nContent-Length: 13\r\n\r\n" + row,
        b"GET /models HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /none HTTP/1.1\r\n" + head + b"\r\n",
    ]
    spans = set()
    with process_of(tmp_path, published) as server:
        lines = AccessLines(server, tmp_path / "events")
        for sent in requests:
            received = exchange(server, sent).decode()
            [answered] = [x for x in received.split("\r\n") if x.startswith("traceparent: ")]
            assert answered.startswith(f"traceparent: 00-{TRACE}-")
            spans.add(answered.split("-")[2])
        assert {line["trace_id"] for line in lines.wait(len(requests))} == {TRACE}
    assert len(spans - {SPAN}) == len(requests)
