"""FastAPI as this service uses it: every route names its role, and one layer stands outside."""

from collections.abc import Callable
from typing import Any, cast

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.auth.roles import Auth, Endpoint, Guarded, Role, RoleNeeded
from api.extensions import OriginalApp
from api.http.head_requests import HeadAsGet
from api.http.problems import Problem
from api.http.refusals import Refusals
from api.http.request_middleware import RequestMiddleware
from api.openapi import PROBLEM_RESPONSE
from api.server.fast_path import FastPath
from api.state import State


class Service(FastAPI):
    """A FastAPI app whose routes are added with their roles.

    Args:
        auth: Checks the role of every request.
        refusals: Answers those that are refused.
        options: Those of FastAPI.
    """

    outermost: RequestMiddleware
    """Every request passes it first."""
    make_fast_path: Callable[[State], FastPath]
    """Makes what answers predictions on the connection; called by the lifespan, unless the app is
    extended."""

    def __init__(self, auth: Auth, refusals: Refusals, **options: Any) -> None:
        super().__init__(
            exception_handlers=refusals.handlers,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            **options,
        )
        self.state.refusal = ""
        self.auth = auth
        self._refusals = refusals
        self._shortcuts: dict[str, Guarded] = {}
        self.router.middleware_stack = HeadAsGet(self.router)
        self._original = OriginalApp(self, Service)

    def add_post(self, path: str, role: Role, endpoint: Endpoint) -> None:
        """Add a route that reads its own body; `api.openapi` documents it.

        FastAPI would decode a body that a parameter declares, and so decode it a second time.
        """
        self.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            dependencies=[Depends(RoleNeeded(self.auth, role))],
            include_in_schema=False,
            response_model=None,
        )
        route = cast("APIRoute", self.router.routes[-1])
        self._original.add_shortcut(route)
        # One with names in it must be matched among all others.
        if "{" not in path:
            guarded = Guarded(self.auth, route, role, endpoint, self._refusals.response)
            self._shortcuts.setdefault(path, guarded)

    def add_get(  # noqa: PLR0913 - one line of the table of routes
        self,
        path: str,
        role: Role,
        endpoint: Callable[..., object],
        *,
        tag: str = "",
        response_class: type[Response] = JSONResponse,
        method: str = "GET",
    ) -> None:
        """Add a route of FastAPI; it is documented under its tag, without one it is not."""
        self.add_api_route(
            path,
            endpoint,
            methods=[method],
            dependencies=[Depends(RoleNeeded(self.auth, role))],
            tags=[tag],
            include_in_schema=bool(tag),
            response_class=response_class,
            responses={"default": PROBLEM_RESPONSE},
        )
        self._original.add_route(self.router.routes[-1])

    def shortcut(self, path: str) -> Guarded | None:
        """Return what answers a POST to a path without FastAPI; None: only FastAPI may."""
        # Overrides come and go while the app runs, as in tests.
        return None if self.dependency_overrides else self._shortcuts.get(path)

    def find(self, scope: Scope) -> BaseRoute | None:
        """Return the route of a path, whatever the method."""
        matches = ((route, route.matches(scope)[0]) for route in self.router.routes)
        return next((route for route, match in matches if match is not Match.NONE), None)

    def methods(self, scope: Scope) -> set[str]:
        """Return the methods of all routes with a request's path."""
        found: set[str] = set()
        for route in self.router.routes:
            if route.matches(scope)[0] is not Match.NONE:
                found |= getattr(route, "methods", None) or set()
        return found | {"HEAD"} if "GET" in found else found

    def refusal(self, request: Request, problem: Problem) -> Response:
        """Return the answer to a request that is refused."""
        return self._refusals.response(request, problem)

    def additions(self) -> list[str]:
        """Return what was added to the app, a sentence each; usually nothing.

        Where something was, every request must pass FastAPI.
        """
        return self._original.additions(self)

    def take_no_shortcuts(self) -> None:
        """Leave every request to FastAPI."""
        self._shortcuts = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        await self.outermost(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve by way of FastAPI."""
        await super().__call__(scope, receive, send)
