"""What is asked of every request before anything else of it is read, and what every answer carries.

One object for both ways of answering: the framework's, and the fast path on the connection.
"""

from collections.abc import Callable, Iterable

from starlette.responses import Response
from starlette.types import Scope

from api.http.client_address import TrustedProxies
from api.http.fields import Fields
from api.http.hosts import ANY, LOOPBACK, Hosts
from api.http.origins import SAFE_METHODS, Headers, Origins, is_cross_site
from api.http.problems import CrossSite, Misdirected, Problem
from settings.service_settings import ROOT_PATH
from settings.settings import Settings

HEALTH = ("/health/live", "/health/ready")
"""Whatever checks a service's health asks it by its address, of which the service knows nothing."""
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - not bound to, but left out
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Of a page that names no policy of its own."""
_TEST_CLIENT = ("testclient", b"testserver")
"""The peer and the host of Starlette's client for tests, which no connection can have."""

Methods = Callable[[Scope], Iterable[str]]


class RequestRules:
    """The rules of one service.

    Args:
        settings: The settings.
        methods: Returns the methods of the routes with a request's path.
    """

    def __init__(self, settings: Settings, methods: Methods = lambda _: SAFE_METHODS) -> None:
        self.unchecked_hosts = not settings.loopback and not settings.service_allowed_hosts
        """Whether any host is answered for, as nothing says which are right."""
        allowed = [*LOOPBACK, *settings.service_allowed_hosts]
        if settings.service_host not in EVERYWHERE:
            allowed.append(settings.service_host)
        self._hosts = None if self.unchecked_hosts or ANY in allowed else Hosts(allowed)
        origins = settings.service_cors_origins
        self._origins = Origins(origins) if origins else None
        proxies = settings.service_trusted_proxies
        self._proxies = TrustedProxies(proxies) if proxies else None
        self._methods = methods
        self._root = settings.service_root_path
        vary = self._origins.headers({}) if self._origins else []
        self.usual_headers = b"".join(
            name + b": " + value + b"\r\n" for name, value in (NO_SNIFFING, *vary)
        )
        """What the answer to a usual request carries besides its own, as it is sent."""

    def take(self, fields: Fields) -> bool:
        """Return whether a POST, which names a host, may be answered without a closer look."""
        hosts = self._hosts
        return (
            (hosts is None or fields[b"host"] in hosts.accepted or hosts.allow(fields[b"host"]))
            and b"sec-fetch-site" not in fields
            and (self._origins is None or b"origin" not in fields)
        )

    def client(self, peer: str, fields: Fields) -> str:
        """Return the address that a request comes from."""
        return self._proxies.client(peer, fields) if self._proxies else peer

    def prefix(self, peer: str, fields: Fields) -> str:
        """Return the path under which a proxy publishes the service; empty: under none."""
        said = fields.get(b"x-forwarded-prefix", b"").decode("latin-1").rstrip("/")
        if said and self._proxies and self._proxies.trust(peer) and ROOT_PATH.fullmatch(said):
            return said
        return self._root

    def strip(self, scope: Scope) -> None:
        """Take the prefix off a path, for a proxy that leaves it there."""
        root = self._root
        if root and scope["path"].startswith(root + "/"):
            scope["path"] = scope["path"][len(root) :]
            if raw := scope.get("raw_path"):
                scope["raw_path"] = raw.removeprefix(root.encode())

    def know_host(self, scope: Scope, fields: Fields) -> bool:
        """Return whether a request names a host that the service answers for."""
        peer = scope["client"][0] if scope.get("client") else ""
        host = fields.get(b"host")
        return self._hosts is None or self._hosts.allow(host) or (peer, host) == _TEST_CLIENT

    def refusal(self, scope: Scope, fields: Fields) -> Problem | None:
        """Return why a request is not answered; None if it is."""
        if scope["path"] not in HEALTH and not self.know_host(scope, fields):
            return Misdirected()
        if scope["method"] not in SAFE_METHODS and is_cross_site(fields):
            allowed = self._origins is not None and self._origins.allow_change(fields)
            return None if allowed else CrossSite()
        return None

    def preflight(self, scope: Scope, fields: Fields) -> Response | None:
        """Return the answer to a browser's question before a request; None if it asks nothing."""
        if self._origins is None or scope["method"] != "OPTIONS":
            return None
        return self._origins.preflight(fields, self._methods(scope))

    def headers(self, fields: Fields, own: Headers) -> Headers:
        """Return the headers that an answer carries besides its own."""
        more = [NO_SNIFFING]
        names = {name.lower(): value for name, value in own}
        page = names.get(b"content-type", b"").startswith(b"text/html")
        if page and b"content-security-policy" not in names:
            more.append((b"content-security-policy", PAGE_POLICY.encode()))
        if self._origins:
            more += self._origins.headers(fields)
        return [header for header in more if header[0] == b"vary" or header[0] not in names]
