"""`HEAD` wherever `GET` is: the same answer without its body, which the server leaves out."""

from starlette.routing import Match, Router
from starlette.types import Receive, Scope, Send


class HeadAsGet:
    """Stands between a router and its middleware, which so sees the request as it came.

    Args:
        router: The router.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        if not head or self._has_head(scope):
            await self._router.app(scope, receive, send)
            return
        got = {**scope, "method": "GET"}
        try:
            await self._router.app(got, receive, send)
        finally:
            if "route" in got:
                scope["route"] = got["route"]

    def _has_head(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._router.routes)
