"""Web pages of other origins: which may call the service (CORS), and that none changes anything.

A browser asks before it sends a page's request elsewhere, and shows the page the answer only where
that names the page's origin. Some requests it sends without asking, with the credentials that it
remembers: it marks them as `Sec-Fetch-Site: cross-site`.
"""

from collections.abc import Collection, Iterable

from starlette.responses import Response

from api.http.fields import Fields

ANY = "*"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ASKED_HEADERS = "Authorization, Content-Type, X-API-Key, X-Request-ID, traceparent, tracestate"
_SHOWN_HEADERS = (
    "X-Request-ID, X-Model-Version, Prediction-Logged, Retry-After, Deprecation, traceparent"
)
_REMEMBERED_SECONDS = "600"

Headers = list[tuple[bytes, bytes]]


def is_cross_site(fields: Fields) -> bool:
    """Return whether a browser says that a page of another site makes this request."""
    return b"cross-site" in fields.get(b"sec-fetch-site", b"").lower()


class Origins:
    """The origins whose pages may call the service.

    Args:
        allowed: `scheme://host:port` each; `*` allows all, without credentials.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._named = frozenset(origin.encode() for origin in allowed) - {b"*"}
        self._any = ANY in allowed

    def allow_change(self, fields: Fields) -> bool:
        """Return whether a page of another site may send a request that changes something."""
        origin = fields.get(b"origin", b"")
        # Where all may ask, one that a browser sends without asking is not meant.
        asked = fields.get(b"content-type", b"").startswith(b"application/json")
        return origin in self._named or (self._any and asked and origin != b"")

    def headers(self, fields: Fields) -> Headers:
        """Return what each answer to such a request carries."""
        # Caches keep the answers to different origins apart.
        vary = [(b"vary", b"Origin")] if self._named else []
        origin = fields.get(b"origin")
        if origin in self._named and origin:
            allowed = [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
            ]
        elif self._any and origin:
            allowed = [(b"access-control-allow-origin", b"*")]
        else:
            return vary
        return [*vary, *allowed, (b"access-control-expose-headers", _SHOWN_HEADERS.encode())]

    def preflight(self, fields: Fields, methods: Iterable[str]) -> Response | None:
        """Return the answer to a browser that asks what a page may send; None if it does not.

        The headers of every answer are added as to any other.
        """
        origin = fields.get(b"origin")
        allowed = origin in self._named or (self._any and origin)
        if not allowed or b"access-control-request-method" not in fields:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
                "Access-Control-Allow-Headers": _ASKED_HEADERS,
                "Access-Control-Max-Age": _REMEMBERED_SECONDS,
            },
        )
