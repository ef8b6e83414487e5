"""Every route with every credential, on both ways of answering: one table, and nothing else passes.

The routes are listed by the app itself: one without a row here fails.
"""

import base64
import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.routing import APIRoute
from typer.testing import CliRunner

from api.app import create_app
from mlops.cli import app as mlops
from tests.api.conftest import small_settings
from tests.api.server_process import Server, process_of
from tests.api.wire import exchange

pytestmark = pytest.mark.slow  # every route with every credential, twice

ROLES = {
    ("POST", "/predict"): "predict",
    ("POST", "/models/{model}/predict"): "predict",
    ("POST", "/models/{model}/versions/{version}/predict"): "predict",
    ("POST", "/feedback"): "predict",
    ("POST", "/business-metrics"): "predict",
    ("GET", "/models"): "predict",
    ("GET", "/models/{model}"): "predict",
    ("GET", "/feedback/queue"): "admin",
    ("POST", "/feedback/queue"): "admin",
    ("GET", "/monitoring"): "admin",
    ("GET", "/metrics"): "metrics",
    ("GET", "/health/live"): "open",
    ("GET", "/health/ready"): "open",
    ("GET", "/docs"): "documents",
    ("GET", "/docs/{name}"): "documents",
    ("GET", "/openapi.json"): "documents",
}
"""The role that each route needs; `documents`: open on loopback, else `admin`."""
PASSWORDS = {role: f"{role}-secret" for role in ("predict", "metrics", "admin")}
ORIGIN = b"https://app.example.org"


class World(NamedTuple):
    """A running service, its credentials, and where it listens."""

    server: Server
    credentials: dict[str, bytes]
    """Header lines by name; the name begins with the role that they have, if they have one."""
    loopback: bool
    prefixes: tuple[str, ...]
    """Those under which it answers; with one, it also answers pages of another origin."""


def basic(user: str, password: str) -> bytes:
    """Return the header line of a user and a password."""
    return b"Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()) + b"\r\n"


SETUPS = [("127.0.0.1", ("",)), ("127.0.0.1", ("", "/ml")), ("0.0.0.0", ("", "/ml"))]  # noqa: S104


@pytest.fixture(scope="module", params=SETUPS)
def world(
    request: pytest.FixtureRequest, published: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Start a closed service: on loopback or beyond, plain or under a prefix and with CORS."""
    folder = tmp_path_factory.mktemp("matrix")
    host, prefixes = request.param
    settings = {f"{role.upper()}_PASSWORD": text for role, text in PASSWORDS.items()}
    settings |= {"SERVICE_HOST": host, "BUSINESS_METRICS": "revenue"}
    if prefixes[1:]:
        settings |= {"SERVICE_ROOT_PATH": prefixes[1], "SERVICE_CORS_ORIGINS": ORIGIN.decode()}
    credentials = {"nobody": b"", "wrong": basic("predict", "x"), "unknown": basic("x", "x")}
    credentials["malformed"] = b"Authorization: Basic x\r\n"
    credentials["two"] = basic("predict", PASSWORDS["predict"]) + basic("admin", "x")
    for role, password in PASSWORDS.items():
        arguments = ["keys", "add", f"{role}-client", "--role", role]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOCAL_DATA", str(folder))
            keys = [CliRunner().invoke(mlops, arguments).stdout.strip() for _ in range(2)]
            CliRunner().invoke(mlops, ["keys", "revoke", keys[1].split("_")[1]])
        credentials[f"{role} by password"] = basic(role, password)
        credentials[f"{role} as bearer"] = f"Authorization: Bearer {keys[0]}\r\n".encode()
        credentials[f"{role} as key"] = f"X-API-Key: {keys[0]}\r\n".encode()
        credentials[f"revoked key of {role}"] = f"X-API-Key: {keys[1]}\r\n".encode()
    # So many wrong passwords are sent that the throttle would hide what is tested here.
    patient = "import sys, api.auth.login_throttle as t; t.LIMIT = t.ADDRESS_LIMIT = 10**9; "
    patient += "from mlops.__main__ import main; del sys.argv[0]; main()"
    command = [sys.executable, "-c", patient]
    with process_of(folder, published, prefix=command, **settings) as server:
        yield World(server, credentials, host == "127.0.0.1", prefixes)


def routes() -> list[tuple[str, str]]:
    """Return the methods and paths of all routes that a new app has."""
    app = create_app(small_settings(Path("unused")))
    return [
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]


def test_every_route_has_a_row() -> None:
    """Add yours, with the role that it needs."""
    assert sorted(routes()) == sorted(ROLES)


def expected(role: str, credential: str, *, loopback: bool) -> set[int]:
    """Return the statuses that the answer may have."""
    if role == "documents":
        role = "open" if loopback else "admin"
    if role == "open" or credential.startswith(f"{role} "):
        return {200, 404, 422}
    return {403} if credential.split(maxsplit=1)[0] in PASSWORDS else {401}


def sent(method: str, path: str, headers: bytes, *, whole: bool) -> bytes:
    """Return a request; whole, or with a body in chunks, which the fast path does not take."""
    body = b'{"weight":60}' if method == "POST" else b""
    head = f"{method} {path} HTTP/1.1\r\n".encode() + b"Host: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: application/json\r\nOrigin: " + ORIGIN + b"\r\n" + headers
    if whole or not body:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def test_every_route_answers_every_credential_as_the_table_says(world: World) -> None:
    """With and without a prefix, whole and in chunks, GET and HEAD; each answer has its headers."""
    wrong = []
    for (method, template), (credential, headers) in product(ROLES, world.credentials.items()):
        role = ROLES[method, template]
        path = template.format(model="fruit", version="v1", name="swagger-ui.css")
        for prefix, whole in product(world.prefixes, (True, False)):
            asked = "HEAD" if method == "GET" and not whole else method
            answer = exchange(world.server, sent(asked, prefix + path, headers, whole=whole))
            status = int(answer.split()[1])
            named = b"access-control-allow-origin: " + ORIGIN in answer
            right = status in expected(role, credential, loopback=world.loopback)
            if not right or named != (len(world.prefixes) > 1):
                wrong.append((asked, prefix + path, credential, whole, status))
    assert wrong == []


def test_without_an_origin_and_a_prefix_the_fast_path_answers_alike(world: World) -> None:
    """As most callers ask: whole, without an origin."""
    for credential, headers in world.credentials.items():
        statuses = set()
        for whole in (True, False):
            request = sent("POST", "/predict", headers, whole=whole)
            request = request.replace(b"Origin: " + ORIGIN + b"\r\n", b"")
            answer = exchange(world.server, request)
            statuses.add(int(answer.split()[1]))
            assert not re.search(rb"access-control-allow-origin", answer)
        assert len(statuses) == 1
        assert statuses <= expected("predict", credential, loopback=world.loopback)
