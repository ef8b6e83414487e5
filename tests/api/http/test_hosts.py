"""A web page cannot use the service by a name of its own (DNS rebinding)."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.http.hosts import Hosts
from api.http.request_rules import HEALTH
from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service
from tests.api.server_process import process_of
from tests.api.wire import AccessLines, exchange, status_of

OURS = [
    *("localhost", "localhost:8000", "LOCALHOST", "localhost.", "localhost:", "127.0.0.1"),
    *("127.0.0.1:1", "[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]:80"),
]
OTHERS = [
    *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"),
    *("user@localhost", "localhost@evil.example", "localhost:8000@evil.example", "localhost:x"),
    *("::1", "[::1", "[::2]", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.1:8000:8000"),
    *("localhost, evil.example", "localhost/", "local host", "", ".", "localhost..", "0.0.0.0"),  # noqa: S104
    *("[::ffff:127.0.0.1]", "locaLho\u017ft", "[localhost]", "localhost:123456"),
]


@pytest.mark.parametrize("host", OURS)
def test_this_machine_is_called_by_its_own_names(service: Service, host: str) -> None:
    """The port does not matter, nor does the case, nor the dot that a whole name ends in."""
    assert service.predict(SUM_ROW, headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", OTHERS)
def test_on_loopback_no_other_host_is_answered_for(service: Service, host: str) -> None:
    """The refusal is a problem as any other; health has no secrets, and is asked by addresses."""
    headers = {b"host": host.encode("utf-8")}
    refused = service.client.post("/predict", json=SUM_ROW, headers=headers)
    assert refused.status_code == 421
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:problem:misdirected"
    assert service.client.get("/docs", headers=headers).status_code == 421
    assert service.client.options("/models", headers=headers).status_code == 421
    for path in HEALTH:
        health = service.client.get(path, headers=headers)
        assert health.status_code == 200
        assert "sum" not in health.text
    lines = service.events("request")
    assert (lines[0]["route"], lines[0]["status"]) == ("/predict", 421)
    assert service.samples("predict_rejected_total") == {
        ("predict_rejected_total", "misdirected"): 1
    }
    assert service.logged() == []


def test_beyond_loopback_a_list_says_who_may_call(serve: Serve, new_settings: NewSettings) -> None:
    """An entry holds for all ports, or for its own; this machine's names are always among them."""
    wide = new_settings(
        service_host="0.0.0.0",  # noqa: S104
        predict_open="yes",
        service_allowed_hosts="ml.example.org, *.internal, service:8000, 10.1.2.3",
    )
    with serve(used=wide) as service:
        for host, status in {
            "ml.example.org": 200,
            "ML.example.org.:443": 200,
            "other.example.org": 421,
            "a.ml.example.org": 421,
            "a.internal": 200,
            "a.b.internal:8": 200,
            "internal": 421,
            "service:8000": 200,
            "service:8001": 421,
            "service": 421,
            "10.1.2.3:8000": 200,
            "localhost:8000": 200,
            "0.0.0.0": 421,  # noqa: S104
        }.items():
            answer = service.predict(SUM_ROW, headers={"host": host})
            assert (host, answer.status_code) == (host, status)
        assert service.events("hosts-unchecked") == []


def test_beyond_loopback_an_empty_list_allows_all_and_warns(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Nobody can guess the names of a service that is called from elsewhere."""
    with serve(used=new_settings(service_host="0.0.0.0", predict_open="yes")) as service:  # noqa: S104
        assert service.predict(SUM_ROW, headers={"host": "any.example"}).status_code == 200
        [warning] = service.events("hosts-unchecked")
    assert warning["level"] == "warning"
    assert "SERVICE_ALLOWED_HOSTS" in warning["reason"]


@pytest.mark.parametrize(
    "text", ["https://a.example", "a.example/ml", "a b", "[::1", "user@a", "*x"]
)
def test_an_entry_that_is_no_host_does_not_start(new_settings: NewSettings, text: str) -> None:
    """A list with a slip in it would refuse the callers that it was meant for."""
    with pytest.raises(ValidationError, match="a host is a name or an address"):
        new_settings(service_allowed_hosts=[text])


def test_what_is_remembered_is_bounded() -> None:
    """Wildcards and ports have no end; a caller must not fill the memory with them."""
    hosts = Hosts(["*.example"])
    for number in range(3000):
        assert hosts.allow(b"a%d.example" % number)
        assert not hosts.allow(b"a%d.other" % number)
    assert len(hosts.accepted) <= 1000


@pytest.mark.slow  # starts a service
def test_on_a_connection_every_way_to_name_a_host_is_checked(
    published: Path, tmp_path: Path
) -> None:
    """The fast path, the route, a target with a host in it, and HTTP/1.0 have one rule."""
    row = b'{"weight":60}'
    rest = b"Connection: close\r\nContent-Type: application/json\r\nContent-Length: 13\r\n"
    good, bad = b"Host: localhost\r\n", b"Host: evil.example\r\n"
    cases = [
        (b"/predict HTTP/1.1\r\n" + good, 200),
        (b"/predict HTTP/1.1\r\n" + bad, 421),
        (b"/predict?probabilities=x HTTP/1.1\r\n" + bad, 421),
        (b"/predict HTTP/1.0\r\n" + good, 200),
        (b"/predict HTTP/1.0\r\n" + bad, 421),
        (b"/predict HTTP/1.0\r\n", 421),
        (b"http://localhost/predict HTTP/1.1\r\n" + good, 200),
        (b"HTTP://LOCALHOST:1/predict HTTP/1.1\r\n" + bad, 200),
        (b"http://evil.example/predict HTTP/1.1\r\n" + good, 421),
        (b"http://localhost@evil.example/predict HTTP/1.1\r\n" + good, 400),
        (b"http:///predict HTTP/1.1\r\n" + good, 400),
        (b"http://localhost/predict HTTP/1.1\r\n", 400),
        (b"ftp://localhost/predict HTTP/1.1\r\n" + good, 400),
        (b"/predict HTTP/1.1\r\n" + good + bad, 400),
        (b"/predict HTTP/1.1\r\nHost: \r\n", 421),
    ]
    with process_of(tmp_path, published) as server:
        for head, status in cases * 2:
            lines = AccessLines(server, tmp_path / "events")
            received = exchange(server, b"POST " + head + rest + b"\r\n" + row)
            assert (head, status_of(received)) == (head, status)
            assert lines.wait()[0]["status"] == status
        health = b"GET /health/ready HTTP/1.0\r\n\r\n"
        assert status_of(exchange(server, health)) == 200
