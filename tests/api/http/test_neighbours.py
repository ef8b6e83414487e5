"""Ways of HTTP that real neighbours have: proxies, monitors, browsers and spreadsheets."""

import re
import time
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr, ValidationError
from starlette.responses import HTMLResponse

from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service
from tests.api.server_process import process_of
from tests.api.wire import AccessLines, exchange, status_of

pytestmark = pytest.mark.slow  # they wait for times that connections may be idle

ADMIN = ("admin", "admin-secret")
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROW = b'{"weight":60}'


def test_head_is_wherever_get_is(serve: Serve, new_settings: NewSettings) -> None:
    """It has the status and the headers of GET, and no body; the access line says HEAD."""
    with serve(used=new_settings(admin_password=SecretStr(ADMIN[1]))) as service:
        routes = [route for route in service.app.routes if isinstance(route, APIRoute)]
        paths = {
            route.path.replace("{model}", "sum").replace("{name}", "swagger-ui.css"): route.path
            for route in routes
            if "GET" in (route.methods or ())
        }
        assert len(paths) > 8
        for path, template in paths.items():
            for auth in (ADMIN, ("metrics", "metrics-secret"), ("nobody", "")):
                got, head = (
                    service.client.request(method, path, auth=auth) for method in ("GET", "HEAD")
                )
                assert (path, head.status_code) == (path, got.status_code)
                assert head.content == b""
                assert head.headers["content-type"] == got.headers["content-type"]
            line = service.events("request")[-1]
            assert (line["method"], line["route"]) == ("HEAD", template)


def test_head_where_there_is_no_get_is_refused(service: Service) -> None:
    """`Allow` names what there is, of all routes with the path."""
    for method, path, allowed in (
        ("HEAD", "/predict", "POST"),
        ("PUT", "/models", "GET, HEAD"),
        ("DELETE", "/feedback/queue", "GET, HEAD, POST"),
    ):
        answer = service.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_on_a_connection_head_has_no_body(published: Path, tmp_path: Path) -> None:
    """What follows it is the next answer."""
    head, got = (
        method + b" /models HTTP/1.1\r\nHost: localhost\r\n" for method in (b"HEAD", b"GET")
    )
    with process_of(tmp_path, published) as server:
        received = exchange(server, head + b"\r\n" + got + b"Connection: close\r\n\r\n")
    first, second = re.split(rb"(?=HTTP/1.1 200)", received)[1:]
    assert first.endswith(b"\r\n\r\n")
    assert second.endswith(b"]}")
    lengths = [re.search(rb"content-length: (\d+)", answer) for answer in (first, second)]
    assert lengths[0]
    assert lengths[1]
    assert lengths[0][1] == lengths[1][1]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"\xef\xbb\xbf", "UTF-8"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
        (b"\xff\xfe\x00\x00", "UTF-32"),
    ],
)
def test_a_byte_order_mark_is_named(service: Service, mark: bytes, encoding: str) -> None:
    """Some programs write one without showing it."""
    for path, body in {
        "/predict": b'{"a":1,"b":2}',
        "/feedback": b"[]",
        "/business-metrics": b"{}",
    }.items():
        answer = service.predict(mark + body, path)
        assert answer.status_code == 400
        assert f"byte order mark, of {encoding}:" in answer.json()["detail"]


def test_an_idle_connection_stays_open_for_the_time_that_is_set(
    published: Path, tmp_path: Path
) -> None:
    """Each answer says for how long, unless it is the last; a slow head is cut off as before."""
    length = b"Content-Length: 13\r\n\r\n" + ROW
    chunks = b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + ROW + b"\r\n0\r\n\r\n"
    with process_of(tmp_path, published, SERVICE_KEEP_ALIVE_SECONDS="3") as server:
        for rest in (length, chunks):
            with server.connect() as connection:
                connection.sendall(HEAD + rest)
                assert b"\r\nkeep-alive: timeout=3\r\n" in connection.recv(65536)
                time.sleep(1)
                connection.sendall(HEAD + rest)
                assert b"\r\nkeep-alive: timeout=3\r\n" in connection.recv(65536)
                started = time.monotonic()
                assert connection.recv(65536) == b""
                assert time.monotonic() - started >= 1.5
            last = exchange(server, HEAD + b"Connection: close\r\n" + rest)
            assert b"keep-alive" not in last
        assert b"keep-alive" not in exchange(server, b"no http\r\n\r\n")


def test_by_default_it_is_longer_than_balancers_keep_one(new_settings: NewSettings) -> None:
    """Those of clouds, and nginx, keep a connection for 60 seconds."""
    assert new_settings().service_keep_alive_seconds == 75


@pytest.mark.parametrize("zeros", [0, 1, 5_000, 60_000])
def test_a_length_may_begin_with_zeros(published: Path, tmp_path: Path, zeros: int) -> None:
    """Python makes no number of so many digits; what is refused, is refused as any other."""
    length = b"Content-Length: " + b"0" * zeros + b"13\r\nConnection: close\r\n\r\n" + ROW
    with process_of(tmp_path, published) as server:
        lines = AccessLines(server, tmp_path / "events")
        assert status_of(exchange(server, HEAD + length)) == 200
        wrong = HEAD.replace(b"application/json", b"text/plain") + length
        assert status_of(exchange(server, wrong)) == 415
        assert [line["status"] for line in lines.wait(2)] == [200, 415]


def test_every_page_has_a_policy(serve: Serve, new_settings: NewSettings) -> None:
    """No page may be framed, nothing comes from elsewhere, and no type is guessed."""
    used = new_settings(admin_password=SecretStr(ADMIN[1]))
    with serve(used=used) as service:
        reports = service.settings.local_data / "reports" / "2026-11-30T120000Z"
        reports.mkdir(parents=True)
        (reports / "report.html").write_text("<p>A report.</p>")
        service.app.add_api_route("/own", lambda: HTMLResponse("<p>Mine.</p>"))
        pages = 0
        for path in ("/docs", "/monitoring", "/own", "/docs/swagger-ui.css", "/models", "/none"):
            answer = service.client.get(path, auth=ADMIN)
            assert answer.headers["x-content-type-options"] == "nosniff"
            if answer.headers["content-type"].startswith("text/html"):
                pages += 1
                policy = answer.headers["content-security-policy"]
                assert "frame-ancestors 'none'" in policy
                assert "default-src 'none'" in policy or "default-src 'self'" in policy
                assert "unsafe-eval" not in policy
                assert "script-src 'unsafe-inline'" not in policy
        assert pages >= 2
        assert service.predict(SUM_ROW).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("setting", "said_by", "server"),
    [
        ("", ("127.0.0.1", "/ml"), "/ml"),
        ("", ("127.0.0.1", "/ml/v1/"), "/ml/v1"),
        ("", ("192.0.2.7", "/ml"), None),
        ("", ("127.0.0.1", "//evil.example"), None),
        ("", ("127.0.0.1", "https://evil.example"), None),
        ("", ("127.0.0.1", '/a"><script>'), None),
        ("", ("127.0.0.1", None), None),
        ("/ml", ("192.0.2.7", None), "/ml"),
        ("/ml", ("192.0.2.7", "/other"), "/ml"),
        ("/ml", ("127.0.0.1", "/other"), "/other"),
    ],
)
def test_the_document_names_the_prefix_of_a_proxy(
    serve: Serve,
    new_settings: NewSettings,
    setting: str,
    said_by: tuple[str, str | None],
    server: str | None,
) -> None:
    """Only a proxy that the settings name may say it."""
    peer, said = said_by
    used = new_settings(service_root_path=setting, service_trusted_proxies="127.0.0.1")
    with serve(used=used) as service:
        service.client._transport.client = (peer, 50000)  # type: ignore[attr-defined]  # noqa: SLF001
        headers = {"host": "localhost"} | ({"x-forwarded-prefix": said} if said else {})
        document = service.client.get("/openapi.json", headers=headers).json()
        assert document.get("servers") == ([{"url": server}] if server else None)


def test_a_proxy_may_leave_the_prefix_in_the_path(serve: Serve, new_settings: NewSettings) -> None:
    """Both forms are answered, as the route that they name."""
    with serve(used=new_settings(service_root_path="/ml")) as service:
        for prefix in ("", "/ml"):
            assert service.predict(SUM_ROW, f"{prefix}/predict").status_code == 200
            assert service.client.get(f"{prefix}/health/ready").status_code == 200
        assert service.client.get("/mlx/health/ready").status_code == 404
        assert {line["route"] for line in service.events("request")[:4]} == {
            "/predict",
            "/health/ready",
        }


@pytest.mark.parametrize("path", ["ml", "/ml/", "/", "//", "/a b", "/a?b", "https://x"])
def test_what_is_no_prefix_does_not_start(new_settings: NewSettings, path: str) -> None:
    """Browsers would ask elsewhere."""
    with pytest.raises(ValidationError, match="a path begins with a slash"):
        new_settings(service_root_path=path)
