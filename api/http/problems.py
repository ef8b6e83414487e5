"""Every error answer of the service: one closed list, one shape (RFC 9457), one place to render it.

No problem ever carries a value that the caller sent; keys may appear, cut and escaped.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MAX_ERRORS = 16
MAX_KEY_CHARACTERS = 40


class FieldError(NamedTuple):
    """What is wrong at one place of a body, by JSON pointer (RFC 6901)."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An answer that says what is wrong; each kind is a subclass that knows its sentence."""

    status: int
    type: str
    title: str

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Render the problem."""
        content: dict[str, Any] = {
            "type": f"urn:problem:{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = [error._asdict() for error in self.errors[:MAX_ERRORS]]
        # Escaped to ASCII: a key may hold a lone surrogate, which UTF-8 cannot carry.
        body = json.dumps(content).encode("ascii")
        return Response(body, self.status, self.headers, "application/problem+json")


class InvalidJson(Problem):
    """The body is not acceptable JSON text."""

    status, type, title = 400, "invalid-json", "Not acceptable JSON text"


class Unauthorized(Problem):
    """Credentials are missing, malformed or wrong."""

    status, type, title = 401, "unauthorized", "Credentials needed"

    def __init__(self) -> None:
        super().__init__(
            "Send the user name and password of a role that may do this, as HTTP Basic, or a key, "
            "as `Authorization: Bearer` or `X-API-Key`.",
            headers={"WWW-Authenticate": 'Basic realm="service", charset="UTF-8"'},
        )


class Forbidden(Problem):
    """The credentials are right, but their role may not do this; or no user has the role."""

    status, type, title = 403, "forbidden", "Not allowed"


class CrossSite(Problem):
    """A page of another site sent this, and the settings do not name its origin."""

    status, type, title = 403, "cross-site", "Not allowed from another site"

    def __init__(self) -> None:
        super().__init__(
            "A web page of another site may not send this: the setting SERVICE_CORS_ORIGINS lists "
            "the origins that may."
        )


class NotFound(Problem):
    """No such route, model or version."""

    status, type, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    """The route exists, the method does not."""

    status, type, title = 405, "method-not-allowed", "Method not allowed"


class BodyTimeout(Problem):
    """The body did not arrive in time."""

    status, type, title = 408, "body-timeout", "Body too slow"


class TooLarge(Problem):
    """The body, or its number of rows, is over a limit."""

    status, type, title = 413, "too-large", "Body too large"


class UnsupportedMediaType(Problem):
    """The body is not declared to be JSON."""

    status, type, title = 415, "unsupported-media-type", "Not JSON"


class Misdirected(Problem):
    """The request names a host that this service does not answer for."""

    status, type, title = 421, "misdirected", "Not a host of this service"

    def __init__(self) -> None:
        super().__init__(
            "This service does not answer for the host that the request names: the setting "
            "SERVICE_ALLOWED_HOSTS lists those that it does."
        )


class InvalidRows(Problem):
    """The body is JSON, but not what the schema asks for."""

    status, type, title = 422, "invalid-rows", "Not what the schema asks for"


class TooManyAttempts(Problem):
    """Too many wrong passwords for one user, or from one address."""

    status, type, title = 429, "too-many-attempts", "Too many wrong passwords"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Wait {seconds} seconds before trying these credentials again.",
            headers={"Retry-After": str(seconds)},
        )


class LimitReached(Problem):
    """A key has sent as many requests, or rows, as it may."""

    status, type, title = 429, "limit-reached", "Limit of this key reached"

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(f"{detail} Wait {seconds} seconds.", headers={"Retry-After": str(seconds)})


class InternalError(Problem):
    """A fault of ours."""

    status, type, title = 500, "internal-error", "Fault in the service"

    @classmethod
    def of(cls, request_id: str) -> Self:
        """Return the answer to a request that met a fault."""
        return cls(f"This is a fault of the service. Quote {request_id}.")


class ModelFailed(Problem):
    """The model raised, or answered with something that is no answer."""

    status, type, title = 500, "model-failed", "The model failed"


class Unavailable(Problem):
    """The service cannot answer now, but may soon."""

    status, type, title = 503, "unavailable", "Not available now"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "1"} | dict(headers or {}))


class Overloaded(Unavailable):
    """More requests are waiting than may wait."""

    type, title = "overloaded", "Overloaded"


class LogUnavailable(Unavailable):
    """The prediction log cannot be written, and an answer must not leave unlogged."""

    type, title = "log-unavailable", "The prediction log cannot be written"


class NoModel(Unavailable):
    """No model is loaded that could answer."""

    type, title = "no-model", "No model"


class DeadlineExceeded(Problem):
    """The answer was not ready in time."""

    status, type, title = 504, "deadline-exceeded", "Too late"


def safe_key(key: str) -> str:
    """Return a caller's key fit for an answer and a terminal: cut, without unseen characters."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in key[:MAX_KEY_CHARACTERS]
    )


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer to a place; parts that come from the caller are made safe."""
    escaped = (
        str(part) if isinstance(part, int) else safe_key(part).replace("~", "~0").replace("/", "~1")
        for part in parts
    )
    return "".join(f"/{part}" for part in escaped)


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error of the frameworks stands for."""
    if isinstance(error, RequestValidationError):
        # FastAPI's own answer would quote the input.
        errors = [
            FieldError(pointer(*found["loc"]), "not-a-value", "This does not fit the schema.")
            for found in error.errors()
        ]
        return InvalidRows("Mend the fields that `errors` points to.", errors=errors)
    if isinstance(error, HTTPException) and error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed("This route has other methods: see `Allow`.", headers=error.headers)
    return NotFound("There is no such route: /docs lists those that exist.")
