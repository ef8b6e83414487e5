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

from api.auth.keys import Client, Keys, sent_key
from api.auth.login_throttle import LoginThrottle
from api.http.fields import Fields
from api.http.problems import Forbidden, Problem, TooManyAttempts, Unauthorized
from api.observe.structured_log import StructuredLog
from settings.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request, Problem], Response]


CREDENTIALS = frozenset({b"authorization", b"x-api-key"})


class Role(StrEnum):
    """What a route requires of its caller."""

    OPEN = "open"
    PREDICT = "predict"
    METRICS = "metrics"
    ADMIN = "admin"


class Auth:
    """Checks callers against passwords, of which it keeps keyed hashes alone, and against keys.

    Args:
        settings: The settings.
        clock: Returns the time, in seconds.
        events: Where changes of the keys are written.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        events: StructuredLog | None = None,
    ) -> None:
        self._secret = secrets.token_bytes(32)
        self._digests: list[tuple[bytes, Role]] = []
        names = []
        for role in (Role.PREDICT, Role.METRICS, Role.ADMIN):
            user = getattr(settings, f"{role}_username").encode()
            password = getattr(settings, f"{role}_password").get_secret_value().encode()
            if password:
                self._digests.append((self._digest(user + b":" + password), role))
                names.append(self._digest(user))
        self._throttle = LoginThrottle(clock, settings.service_workers, names)
        self._keys = Keys(settings.local_data, clock, events)
        self._open = {Role.OPEN}
        if settings.predict_is_open:
            self._open.add(Role.PREDICT)
        # A key closes the route as a password does: whoever makes one means it to be needed.
        self._closable = frozenset({Role.PREDICT} if settings.predict_open != "yes" else ())

    def check(self, role: Role, fields: Fields, address: str) -> Client | None:
        """Return if the caller has the role; the client, if it came by a key.

        Args:
            role: The role.
            fields: The request's.
            address: Where the request comes from.

        Raises:
            Unauthorized: credentials are missing, malformed or wrong.
            Forbidden: the credentials have another role, or no user has the role.
            TooManyAttempts: there were too many wrong passwords.
            LimitReached: the key has sent too many requests.
        """
        text = sent_key(fields) if not CREDENTIALS.isdisjoint(fields) else None
        # A key's name and limits count where no key is needed, too.
        client = self._keys.client(text) if text else None
        if role in self._open and not (role in self._closable and self._keys.has_role(role)):
            return client
        if role not in {known for _, known in self._digests} and not self._keys.has_role(role):
            raise Forbidden(
                f"Nobody has the role {role}: set {role.upper()}_PASSWORD, or make a key with "
                f"`mlops keys add NAME --role {role}`, to open this route."
            )
        if text is None:
            found = self._role_of_user(fields, address)
        elif client is None:
            raise Unauthorized
        else:
            found = Role(client.key.role)
        if found is not role:
            raise Forbidden(f"These credentials have the role {found}; this route needs {role}.")
        return client

    def know(self, fields: Fields, address: str) -> bool:
        """Return whether a caller has credentials of any role."""
        try:
            text = sent_key(fields)
            if text is not None:
                return self._keys.client(text) is not None
            self._role_of_user(fields, address)
        except Problem:
            return False
        return True

    def _role_of_user(self, fields: Fields, address: str) -> Role:
        """Return the role of a user and password."""
        credentials = _basic_credentials(fields.get(b"authorization", b""))
        # Digests: a name may be long, and none is needed in clear.
        name, given = self._digest(credentials.partition(b":")[0]), self._digest(credentials)
        if wait := self._throttle.wait_seconds(name, address):
            raise TooManyAttempts(wait)
        found = None
        # Digests have one length and all are compared, so that timing reveals nothing.
        for expected, role in self._digests:
            if hmac.compare_digest(given, expected):
                found = role
        if found is None:
            self._throttle.failed(name, address)
            raise Unauthorized
        self._throttle.succeeded(name, address)
        return found

    def _digest(self, credentials: bytes) -> bytes:
        return hmac.digest(self._secret, credentials, hashlib.sha256)


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
            identify(request, self._auth.check(self._role, *caller(request)))
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
        identify(request, self._auth.check(self.role, *caller(request)))


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


def identify(request: Request, client: Client | None) -> None:
    """Note who sent a request, for its access line and its limits."""
    request.scope["state"]["client"] = client
    if client:
        request.scope["state"]["marks"].key = client.key.name


def client_of(request: Request) -> Client | None:
    """Return who sent a request, if it came by a key."""
    client: Client | None = request.scope["state"].get("client")
    return client


def caller(request: Request) -> tuple[Fields, str]:
    """Return what the role check needs of a request: its fields and its address."""
    state = request.scope["state"]
    return state["fields"], state["address"]


def _basic_credentials(field: bytes) -> bytes:
    scheme, _, encoded = field.partition(b" ")
    if scheme.lower() != b"basic":
        raise Unauthorized
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Unauthorized from None
    if b":" not in credentials:
        raise Unauthorized
    return credentials
