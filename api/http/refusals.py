"""Renders every refusal as a problem, counts those of predictions, and closes to long bodies."""

from collections.abc import Callable, Collection, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.http.body import declared_bytes
from api.http.problems import InternalError, MethodNotAllowed, Problem, problem_of
from api.http.request_middleware import CLIENT_LEFT

SHORT_BODY_BYTES = 65_536

ExceptionHandler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


class Refusals:
    """The answers to requests that are refused, in the one shape of `api.http.problems`.

    Args:
        rejected: Counts refused predictions, by reason.
        prediction_paths: The routes whose refusals are counted.
    """

    def __init__(self, rejected: Counter, prediction_paths: Collection[str]) -> None:
        self._rejected = rejected
        self._prediction_paths = prediction_paths

    @property
    def handlers(self) -> dict[int | type[Exception], ExceptionHandler]:
        """The exception handlers of the app."""
        return {
            Exception: _internal_error,
            Problem: self._handle,
            HTTPException: self._handle,
            RequestValidationError: self._handle,
            ClientDisconnect: _nobody_left,
        }

    def response(self, request: Request, problem: Problem) -> Response:
        """Return the answer to a refused request."""
        if getattr(request.scope.get("route"), "path", "") in self._prediction_paths:
            self._rejected.labels(problem.type).inc()
        response = problem.response()
        if request.method == "POST" and not getattr(request.state, "body_read", False):
            length = declared_bytes(request)
            # A caller must not go on sending a long body that is refused. A short one is skipped:
            # a new connection would cost more. One that is announced may never come.
            short = length is not None and length <= SHORT_BODY_BYTES
            if not short or "expect" in request.headers:
                response.headers["Connection"] = "close"
        return response

    async def _handle(self, request: Request, error: Exception) -> Response:
        problem = error if isinstance(error, Problem) else problem_of(error)
        if isinstance(problem, MethodNotAllowed):
            # The framework names the methods of one route, where several may have the path.
            problem.headers["Allow"] = ", ".join(sorted(request.app.methods(request.scope)))
        return self.response(request, problem)


async def _nobody_left(_request: Request, _: Exception) -> Response:
    # The outermost layer sends nothing of it, and records the status.
    return Response(status_code=CLIENT_LEFT)


async def _internal_error(request: Request, _: Exception) -> Response:
    return InternalError.of(request.scope["state"]["request_id"]).response()
