"""FastAPI as this service uses it: every route names its role, and one layer stands outside."""

from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.auth.roles import Auth, Endpoint, Guarded, GuardedRoute, Role, RoleNeeded
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
        self.posts: list[GuardedRoute] = []
        self.state.refusal = ""
        self._auth = auth
        self._refusals = refusals

    def add_post(self, path: str, role: Role, endpoint: Endpoint) -> None:
        """Add a route that reads its own body; `api.openapi` documents it.

        FastAPI's own decoding of bodies would decode them a second time.
        """
        route = GuardedRoute(path, Guarded(self._auth, role, endpoint, self._refusals.response))
        self.posts.append(route)
        self.router.routes.append(route)

    def add_get(
        self,
        path: str,
        role: Role,
        endpoint: Callable[..., object],
        *,
        tag: str = "",
        response_class: type[Response] = JSONResponse,
    ) -> None:
        """Add a route of FastAPI; it is documented under its tag, without one it is not."""
        self.add_api_route(
            path,
            endpoint,
            dependencies=[Depends(RoleNeeded(self._auth, role))],
            tags=[tag],
            include_in_schema=bool(tag),
            response_class=response_class,
            responses={"default": PROBLEM_RESPONSE},
        )

    @property
    def is_extended(self) -> bool:
        """Whether middleware or an override was added: every request must then pass FastAPI."""
        return bool(self.user_middleware or self.dependency_overrides)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        await self.outermost(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve by way of FastAPI."""
        await super().__call__(scope, receive, send)
