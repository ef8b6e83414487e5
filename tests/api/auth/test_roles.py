"""Roles: which user may call which route."""

import base64
from collections.abc import Callable, Iterator

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from api.auth.login_throttle import LIMIT, TRY_SECONDS, WINDOW_SECONDS
from api.auth.roles import Auth, Role, refuse_unguarded
from api.http.fields import Fields
from api.http.problems import Forbidden, Problem, TooManyAttempts, Unauthorized
from tests.api.conftest import SUM_ROW, Clock, NewSettings, Serve, Service

PASSWORDS = {
    "predict_password": SecretStr("predict-secret"),
    "metrics_password": SecretStr("metrics-secret"),
    "admin_password": SecretStr("admin-secret"),
}
PATHS = [("GET", "/metrics"), ("GET", "/models"), ("POST", "/predict"), ("POST", "/feedback")]


@pytest.fixture
def auth(new_settings: NewSettings, clock: Clock) -> Auth:
    """Return an authentication with three roles, none of them open."""
    return Auth(new_settings(predict_open="no", **PASSWORDS), clock)


@pytest.fixture
def closed(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a service that listens beyond loopback, with passwords."""
    with serve(used=new_settings(service_host="0.0.0.0", **PASSWORDS)) as service:  # noqa: S104
        yield service


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def asked(authorization: str | None = None, address: str = "192.0.2.1") -> tuple[Fields, str]:
    """Return what the authentication reads of a request."""
    return {b"authorization": authorization.encode("latin-1")} if authorization else {}, address


@pytest.mark.parametrize("role", [Role.PREDICT, Role.METRICS, Role.ADMIN])
def test_the_right_user_and_password_pass(auth: Auth, role: Role) -> None:
    """Each role has a user name and a password; the scheme's case does not matter."""
    auth.check(role, *asked(basic(role, f"{role}-secret")))
    auth.check(role, *asked(basic(role, f"{role}-secret").replace("Basic", "bASIC")))


def test_an_open_route_asks_nobody(auth: Auth) -> None:
    """Even wrong credentials pass where none are needed."""
    auth.check(Role.OPEN, *asked(basic("x", "y")))


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic ",
        "Basic not-base64",
        "Basic \xe9\xe9\xe9\xe9",
        "Basic " + base64.b64encode(b"metrics").decode(),
        "Bearer metrics-secret",
        basic("metrics", ""),
        basic("metrics", "metrics-secre"),
        basic("metrics", "metrics-secret "),
        basic("Metrics", "metrics-secret"),
        basic("", "metrics-secret"),
        basic("metrics:metrics-secret", ""),
        basic("\N{MELON}", "\N{MELON}"),
        "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode(),
    ],
)
def test_missing_malformed_and_wrong_credentials_are_one_answer(
    auth: Auth, authorization: str | None
) -> None:
    """The answer is 401 with `WWW-Authenticate`; it does not say what was wrong."""
    with pytest.raises(Unauthorized) as caught:
        auth.check(Role.METRICS, *asked(authorization))
    assert caught.value.response().headers["www-authenticate"].startswith("Basic realm=")
    assert caught.value.detail == Unauthorized().detail


def test_the_credentials_of_another_role_are_forbidden(auth: Auth) -> None:
    """The answer is 403, not 401: other credentials would not help."""
    with pytest.raises(Forbidden, match="needs admin"):
        auth.check(Role.ADMIN, *asked(basic("metrics", "metrics-secret")))


def test_a_role_without_a_password_is_closed_to_everyone(new_settings: NewSettings) -> None:
    """An empty password must never be a right one."""
    auth = Auth(new_settings(), lambda: 0.0)
    for authorization in (None, basic("admin", ""), basic("metrics", "metrics-secret")):
        with pytest.raises(Forbidden, match="ADMIN_PASSWORD"):
            auth.check(Role.ADMIN, *asked(authorization))


def test_a_user_and_a_password_of_non_ascii_letters_pass(new_settings: NewSettings) -> None:
    """Credentials are UTF-8, as the answer 401 says."""
    user, password = "Jos\xe9 \N{MELON}", "\xdf"
    changes = {"metrics_username": user, "metrics_password": SecretStr(password)}
    Auth(new_settings(**changes), float).check(Role.METRICS, *asked(basic(user, password)))


def failing(auth: Auth, request: tuple[Fields, str], times: int = LIMIT) -> None:
    """Fail some times."""
    for _ in range(times):
        with pytest.raises(Unauthorized):
            auth.check(Role.METRICS, *request)


def test_a_guesser_must_wait_and_the_right_password_gets_in(auth: Auth, clock: Clock) -> None:
    """While a name is locked, one password a second is compared, and 429 says when the next is."""
    failing(auth, asked(basic("metrics", "wrong")))
    right = asked(basic("metrics", "metrics-secret"))
    with pytest.raises(TooManyAttempts) as caught:
        auth.check(Role.METRICS, *right)
    assert caught.value.response().headers["retry-after"] == str(int(TRY_SECONDS))
    clock.now += TRY_SECONDS
    auth.check(Role.METRICS, *right)


def test_the_right_password_resets_the_count_of_wrong_ones(auth: Auth) -> None:
    """A person who mistypes once a day never gets 429."""
    for _ in range(2):
        failing(auth, asked(basic("metrics", "wrong")), LIMIT - 1)
        auth.check(Role.METRICS, *asked(basic("metrics", "metrics-secret")))


def test_who_was_here_before_and_another_user_do_not_wait(auth: Auth) -> None:
    """Nobody can lock a user out from elsewhere."""
    elsewhere = asked(basic("metrics", "metrics-secret"), "192.0.2.2")
    auth.check(Role.METRICS, *elsewhere)
    failing(auth, asked(basic("metrics", "wrong")))
    auth.check(Role.METRICS, *elsewhere)
    auth.check(Role.ADMIN, *asked(basic("admin", "admin-secret")))


def test_a_right_password_for_the_wrong_role_is_no_guess(auth: Auth) -> None:
    """It gets 403 every time and never 429."""
    for _ in range(2 * LIMIT):
        with pytest.raises(Forbidden):
            auth.check(Role.ADMIN, *asked(basic("metrics", "metrics-secret")))


async def _endpoint(_request: Request) -> Response:
    return Response()


def _api_route() -> FastAPI:
    router = APIRouter()
    router.add_api_route("/forgotten", lambda: None)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    return app


@pytest.mark.parametrize(
    "routes",
    [
        lambda: [Route("/forgotten", _endpoint)],
        lambda: [Mount("/forgotten", app=FastAPI())],
        lambda: _api_route().routes,
    ],
)
def test_a_route_without_a_role_does_not_start(routes: Callable[[], list[Route]]) -> None:
    """Every new route must name its role, so that none is open by mistake."""
    with pytest.raises(TypeError, match="names no role"):
        refuse_unguarded(routes())


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_beyond_loopback_every_route_but_health_needs_credentials(
    closed: Service, method: str, path: str
) -> None:
    """Credentials are checked before the body is read."""
    answer = closed.client.request(method, path, content=b"\xff")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "www-authenticate" in answer.headers
    assert closed.client.get("/health/live").status_code == 200
    assert closed.client.get("/health/ready").status_code == 200


def test_beyond_loopback_the_right_credentials_open_their_routes(closed: Service) -> None:
    """One role for predictions, one for metrics, one for the documents."""
    assert closed.predict(SUM_ROW, auth=("predict", "predict-secret")).status_code == 200
    assert closed.client.get("/models", auth=("predict", "predict-secret")).status_code == 200
    assert closed.client.get("/metrics", auth=("metrics", "metrics-secret")).status_code == 200
    for path in ("/docs", "/openapi.json", "/docs/swagger-ui.css"):
        assert closed.client.get(path).status_code == 401
        assert closed.client.get(path, auth=("predict", "predict-secret")).status_code == 403
        assert closed.client.get(path, auth=("admin", "admin-secret")).status_code == 200


def test_beyond_loopback_and_without_passwords_all_is_closed(
    serve: Serve, new_settings: NewSettings
) -> None:
    """A forgotten password closes a door; it never opens one."""
    exposed = new_settings(service_host="0.0.0.0", metrics_password="")  # noqa: S104
    with serve(used=exposed) as service:
        for method, path in [*PATHS, ("GET", "/docs"), ("GET", "/openapi.json")]:
            for auth in (("predict", ""), ("metrics", ""), ("admin", "")):
                answer = service.client.request(method, path, auth=auth)
                assert (path, answer.status_code) == (path, 403)


def test_on_loopback_predictions_and_documents_are_open(service: Service) -> None:
    """The newcomer's first request needs no password; metrics and admin do."""
    assert service.predict(SUM_ROW).status_code == 200
    assert service.client.get("/docs").status_code == 200
    assert service.client.get("/metrics").status_code == 401


def test_a_wrong_password_a_second_is_slowed_down_over_http(service: Service) -> None:
    """The eleventh attempt gets 429 as a problem document."""
    wrong = [service.client.get("/metrics", auth=("metrics", "xyzzy")) for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in wrong] == [401] * LIMIT + [429]
    assert 0 < int(wrong[-1].headers["retry-after"]) <= WINDOW_SECONDS
    assert wrong[-1].json()["type"] == "urn:problem:too-many-attempts"
    assert "xyzzy" not in service.stream.getvalue().decode()
    assert service.predict(SUM_ROW).status_code == 200


def test_every_refusal_of_the_roles_is_a_problem() -> None:
    """So each is rendered in the same place as all other errors."""
    assert all(issubclass(kind, Problem) for kind in (Unauthorized, Forbidden, TooManyAttempts))
