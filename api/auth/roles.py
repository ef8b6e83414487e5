"""Roles: every route names one, and every request is checked against it.

A role without a password is closed to everyone. A route without a role prevents the start.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from api.auth.login_throttle import LoginThrottle
from api.http.fields import Fields
from api.http.problems import Forbidden, Problem, TooManyAttempts, Unauthorized
from settings.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request, Problem], Response]


class Role(StrEnum):
    """What a route requires of its caller."""

    OPEN = "open"
    PREDICT = "predict"
    METRICS = "metrics"
    ADMIN = "admin"


class Auth:
    """Checks callers against the roles' credentials, of which it keeps keyed hashes alone."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._throttle = LoginThrottle(clock, settings.service_workers)
        self._key = secrets.token_bytes(32)
        self._digests: list[tuple[bytes, Role]] = []
        for role in (Role.PREDICT, Role.METRICS, Role.ADMIN):
            user = getattr(settings, f"{role}_username")
            password = getattr(settings, f"{role}_password").get_secret_value()
            if password:
                self._digests.append((self._digest(f"{user}:{password}".encode()), role))
        self._open = {Role.OPEN}
        if settings.predict_is_open:
            self._open.add(Role.PREDICT)

    def check(self, role: Role, fields: Fields, address: str) -> None:
        """Return if the caller has the role.

        Args:
            role: The role.
            fields: The request's.
            address: Where the request comes from.

        Raises:
            Unauthorized: credentials are missing, malformed or wrong.
            Forbidden: the credentials have another role, or no user has the role.
            TooManyAttempts: this user failed too often from this address.
        """
        if role in self._open:
            return
        if role not in {known for _, known in self._digests}:
            raise Forbidden(
                f"Nobody has the role {role}: set {role.upper()}_PASSWORD to open this route."
            )
        credentials = _basic_credentials(fields.get(b"authorization", b"").decode("latin-1"))
        user = credentials.partition(b":")[0]
        # A digest: a name may be long, and is not needed in clear.
        who = (self._digest(user), address)
        if wait := self._throttle.wait_seconds(who):
            raise TooManyAttempts(wait)
        found = self._role_of(credentials)
        if found is None:
            self._throttle.failed(who)
            raise Unauthorized
        self._throttle.succeeded(who)
        if found is not role:
            raise Forbidden(f"These credentials have the role {found}; this route needs {role}.")

    def _digest(self, credentials: bytes) -> bytes:
        return hmac.digest(self._key, credentials, hashlib.sha256)

    def _role_of(self, credentials: bytes) -> Role | None:
        # Digests have one length and all are compared, so that timing reveals nothing.
        given = self._digest(credentials)
        found = None
        for expected, role in self._digests:
            if hmac.compare_digest(given, expected):
                found = role
        return found


class Guarded:
    """The shortcut to a route: an ASGI app that checks the role, and calls the route's endpoint."""

    def __init__(
        self, auth: Auth, route: APIRoute, role: Role, endpoint: Endpoint, refusal: Refusal
    ) -> None:
        self.route = route
        self._auth = auth
        self._role = role
        self._endpoint = endpoint
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it."""
        request = Request(scope, receive)
        try:
            self._auth.check(self._role, *_caller(request))
            response = await self._endpoint(request)
        except Problem as problem:
            response = self._refusal(request, problem)
        await response(scope, receive, send)


class RoleNeeded:
    """A FastAPI dependency that checks the role of every request to a route."""

    def __init__(self, auth: Auth, role: Role) -> None:
        self.role = role
        self._auth = auth

    async def __call__(self, request: Request) -> None:
        """Check the caller."""
        self._auth.check(self.role, *_caller(request))


def refuse_unguarded(routes: Iterable[BaseRoute]) -> None:
    """Refuse to serve a route that names no role.

    Raises:
        TypeError: with the path of the route.
    """
    for route in routes:
        guarded = isinstance(route, APIRoute) and any(
            isinstance(depends.dependency, RoleNeeded) for depends in route.dependencies
        )
        if not guarded:
            raise TypeError(
                f"The route {getattr(route, 'path', route)} names no role: add it to the "
                "table of routes in api.app.create_app."
            )


def _caller(request: Request) -> tuple[Fields, str]:
    """Return what the role check needs of a request: its fields and its address."""
    state = request.scope["state"]
    return state["fields"], state["address"]


def _basic_credentials(header: str) -> bytes:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthorized
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Unauthorized from None
    if b":" not in credentials:
        raise Unauthorized
    return credentials
