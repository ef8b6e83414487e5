"""Behind Debian's nginx, with TLS and under a prefix, the service works as it does alone."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.api.server.nginx import GUESSER, Nginx, nginx_before
from tests.api.server_process import PATIENCE_SECONDS, process_of
from tests.api.wire import AccessLines

pytestmark = pytest.mark.slow  # each starts a service and a proxy

ROW = '{"weight":60}'
JSON = "application/json"
BASIC = "Basic cHJlZGljdDpzZWNyZXQ="
"""The user `predict` and the password `secret`."""


class Setup(NamedTuple):
    """A service behind nginx."""

    nginx: Nginx
    lines: AccessLines
    port: int


@pytest.fixture(scope="module")
def behind(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """Start a service as the page on proxies says, and nginx in front of it."""
    folder = tmp_path_factory.mktemp("behind")
    settings = {
        "PREDICT_PASSWORD": "secret",
        "SERVICE_ALLOWED_HOSTS": "predictions.example",
        "SERVICE_TRUSTED_PROXIES": "127.0.0.1",
        "SERVICE_CORS_ORIGINS": "https://app.example.org",
        "SERVICE_ROOT_PATH": "/kept",
        "SERVICE_KEEP_ALIVE_SECONDS": "75",
    }
    with (
        process_of(folder, published, **settings) as server,
        nginx_before(server.port, folder / "nginx") as nginx,
    ):
        yield Setup(nginx, AccessLines(server, folder / "events"), server.port)


@pytest.mark.parametrize("prefix", ["/ml", "/kept"])
def test_predictions_are_answered_under_the_prefix(behind: Setup, prefix: str) -> None:
    """Whether nginx takes the prefix off or leaves it; a set password is asked for on loopback."""
    ask = behind.nginx.ask
    assert ask("POST", f"{prefix}/predict", ROW, Content_Type=JSON)[0] == 401
    for _ in range(5):
        status, headers, body = ask(
            "POST", f"{prefix}/predict", ROW, Content_Type=JSON, Authorization=BASIC
        )
        assert (status, json.loads(body)) == (200, {"fruit": "Plum"})
        assert headers["x-model-version"]


@pytest.mark.parametrize("prefix", ["/ml", "/kept"])
def test_the_document_names_the_server_that_swagger_asks(behind: Setup, prefix: str) -> None:
    """Its paths, put behind this prefix, are answered."""
    document = json.loads(behind.nginx.ask("GET", f"{prefix}/openapi.json")[2])
    assert document["servers"] == [{"url": prefix}]
    for path in ("/health/ready", "/predict"):
        assert path in document["paths"]
        assert behind.nginx.ask("HEAD", prefix + path)[0] in {200, 405}


def test_each_caller_has_its_own_address_behind_the_proxy(behind: Setup) -> None:
    """What a caller writes into the field itself does not count."""
    statuses = set()
    for number in range(60):
        guess = "Basic " + b64encode(f"n{number}:x".encode()).decode()
        spoofed = f"203.0.113.{number}"
        asked = {"Authorization": guess, "X_Forwarded_For": spoofed}
        statuses.add(behind.nginx.ask("GET", "/ml/metrics", client=GUESSER, **asked)[0])
    assert statuses == {401, 429}
    right = {"Authorization": BASIC}
    assert behind.nginx.ask("GET", "/ml/models", **right)[0] == 200


def test_pages_of_another_origin_are_answered_through_it(behind: Setup) -> None:
    """The question before a request and the answer name the origin, once each."""
    origin = "https://app.example.org"
    status, headers, _ = behind.nginx.ask(
        "OPTIONS", "/ml/predict", Origin=origin, Access_Control_Request_Method="POST"
    )
    assert (status, headers["access-control-allow-origin"]) == (204, origin)
    status, headers, _ = behind.nginx.ask("POST", "/ml/predict", ROW, Origin=origin)
    assert (status, headers["access-control-allow-origin"]) == (401, origin)


def test_another_host_is_refused_through_it(behind: Setup) -> None:
    """Nginx's first server answers for any host; the service does not."""
    assert behind.nginx.ask("GET", "/ml/models", Host="evil.example")[0] == 421


@pytest.mark.slow  # a browser starts
def test_a_browser_runs_the_page_under_its_policy(behind: Setup, tmp_path: Path) -> None:
    """Swagger's page shows the routes, behind the prefix and alone: nothing of it is blocked."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    for url in (
        f"https://127.0.0.1:{behind.nginx.port}/ml/docs",
        f"http://127.0.0.1:{behind.port}/docs",
    ):
        result = subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
                *("--no-first-run", "--disable-background-networking", "--disable-sync"),
                *("--disable-component-update", f"--user-data-dir={tmp_path}"),
                *("--ignore-certificate-errors", "--virtual-time-budget=20000"),
                *("--enable-logging=stderr", "--dump-dom", url),
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert "opblock-summary" in result.stdout, result.stderr[-2000:]
        assert "/predict" in result.stdout
        assert "Content Security Policy" not in result.stderr
