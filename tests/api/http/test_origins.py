"""Pages of other origins call the service where the settings name them, and change nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service
from tests.api.server_process import process_of
from tests.api.wire import exchange

ORIGIN = "https://app.example.org"
ASKS = {"origin": ORIGIN, "access-control-request-method": "POST"}


@pytest.fixture
def shared(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a closed service that pages of one origin may call."""
    used = new_settings(
        predict_password="predict-secret",
        predict_open="no",
        service_cors_origins=f"{ORIGIN}, http://localhost:3000",
    )
    with serve(used=used) as service:
        yield service


def test_without_the_setting_no_answer_names_an_origin(service: Service) -> None:
    """Not even one that is asked for."""
    for answer in (
        service.predict(SUM_ROW, headers={"origin": ORIGIN}),
        service.client.options("/predict", headers=ASKS),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "vary" not in answer.headers
    assert answer.status_code == 405


def test_a_browser_may_ask_first_without_a_password(shared: Service) -> None:
    """The answer has the methods of the path, and the headers that the service reads."""
    for path, methods in {
        "/predict": "POST",
        "/models": "GET, HEAD",
        "/feedback/queue": "GET, HEAD, POST",
    }.items():
        answer = shared.client.options(path, headers=ASKS)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-methods"] == methods
        for name in ("Authorization", "Content-Type", "X-API-Key"):
            assert name in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/predict", 200), ("/models", 200), ("/none", 404), ("/feedback", 405), ("/metrics", 403)],
)
def test_every_answer_names_the_origin_errors_included(
    shared: Service, path: str, status: int
) -> None:
    """Otherwise a page would see a network failure, and not what is wrong."""
    method = "POST" if path == "/predict" else "GET"
    credentials = ("predict", "predict-secret")
    answer = shared.client.request(
        method, path, json=SUM_ROW, headers={"origin": ORIGIN}, auth=credentials
    )
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "X-Model-Version" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    ["https://other.example", "null", "", f"{ORIGIN}.evil.example", "http://app.example.org"],
)
def test_another_origin_is_not_named(shared: Service, origin: str) -> None:
    """The answer differs by origin, and says so to caches."""
    asks = ASKS | {"origin": origin}
    answers = [
        shared.predict(SUM_ROW, headers={"origin": origin}),
        shared.client.options("/predict", headers=asks),
    ]
    assert [answer.status_code for answer in answers] == [401, 405]
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_all_origins_may_call_without_stored_credentials(
    serve: Serve, new_settings: NewSettings
) -> None:
    """`*` never stands beside credentials, and a form of a page is still refused."""
    with serve(used=new_settings(service_cors_origins="*")) as service:
        sent = {"origin": ORIGIN, "sec-fetch-site": "cross-site"}
        answer = service.predict(SUM_ROW, headers=sent)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        form = service.client.post("/feedback/queue", headers=sent)
        assert form.json()["type"] == "urn:problem:cross-site"


@pytest.mark.parametrize("path", ["/predict", "/feedback", "/business-metrics", "/feedback/queue"])
def test_a_page_of_another_site_changes_nothing(serve: Serve, path: str) -> None:
    """The browser would send the password that it remembers."""
    with serve() as service:
        for mark in ("cross-site", "Cross-Site"):
            answer = service.client.post(path, json=SUM_ROW, headers={"sec-fetch-site": mark})
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:cross-site")
        assert service.logged() == []


@pytest.mark.parametrize("mark", ["same-origin", "same-site", "none"])
def test_a_page_of_its_own_site_may_send(service: Service, mark: str) -> None:
    """Swagger's page is one."""
    assert service.predict(SUM_ROW, headers={"sec-fetch-site": mark}).status_code == 200


@pytest.mark.parametrize(
    "text", ["app.example.org", f"{ORIGIN}/", f"{ORIGIN}/a", "null", "ftp://a", "https://A.example"]
)
def test_an_entry_that_is_no_origin_does_not_start(new_settings: NewSettings, text: str) -> None:
    """A browser sends an origin in one spelling; another would never match."""
    with pytest.raises(ValidationError, match="an origin is scheme"):
        new_settings(service_cors_origins=[text])


def test_whole_and_in_pieces_a_page_gets_the_same_headers(published: Path, tmp_path: Path) -> None:
    """The fast path has them, too: those of a page, and those of a caller that is none."""
    row, origin = b'{"weight":60}', ORIGIN.encode()
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Connection: close\r\n"
    with process_of(tmp_path, published, SERVICE_CORS_ORIGINS=ORIGIN) as server:
        for more in (b"", b"Origin: " + origin + b"\r\n", b"Origin: null\r\n"):
            whole = exchange(server, head + more + b"Content-Length: 13\r\n\r\n" + row)
            chunks = b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + row + b"\r\n0\r\n\r\n"
            for received in (whole, exchange(server, head + more + chunks)):
                assert received.count(b"vary: Origin\r\n") == 1
                named = b"access-control-allow-origin: " + origin in received
                assert named == (origin in more)
                assert received.endswith(b'{"fruit":"Plum"}')
