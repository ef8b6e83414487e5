"""What somebody added to the app, in words: then every request takes FastAPI's own way.

FastAPI's users expect that each request passes their middleware, their dependencies and their
handlers. The shortcuts past FastAPI stay only while there are none.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fastapi.applications
import starlette.applications
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp


class OriginalApp:
    """An app as it came, to be compared with what it is when it starts.

    Args:
        app: The app, before anybody could add something to it.
        kind: Its class. A class that somebody derived of it may serve in another way.
    """

    def __init__(self, app: FastAPI, kind: type[FastAPI]) -> None:
        self._kind = kind
        self._router = app.router
        self._router_stack = app.router.middleware_stack
        self._handlers = dict(app.exception_handlers)
        # By its class: an instance may have got a method of its own already.
        untouched = FastAPI.build_middleware_stack(FastAPI(openapi_url=None))
        self._layers = [type(layer) for layer in _layers(untouched)]
        self._shortcuts: list[tuple[APIRoute, ASGIApp]] = []
        self._known: set[int] = set()

    def add_route(self, route: BaseRoute) -> None:
        """Take note of a route of the service."""
        self._known.add(id(route))

    def add_shortcut(self, route: APIRoute) -> None:
        """Take note of a route of the service to which there is a shortcut."""
        self._shortcuts.append((route, route.app))
        self.add_route(route)

    def additions(self, app: FastAPI) -> list[str]:
        """Return what was added since, one sentence each; usually none."""
        return list(filter(None, self._sentences(app)))

    def _sentences(self, app: FastAPI) -> Iterator[str]:
        yield self._added_layers(app)
        yield self._changed_routes(app.router)
        if app.dependency_overrides:
            yield "A dependency is overridden."
        if app.exception_handlers != self._handlers:
            yield "An exception handler was added or replaced."
        kind = type(app)
        if any(getattr(kind, name) is not getattr(self._kind, name) for name in _SERVING):
            yield "The app's class serves requests in a way of its own."
        if not _unchanged(fastapi.applications, FastAPI) or not _unchanged(
            starlette.applications, Starlette
        ):
            yield "A tool has replaced how the framework serves requests."
        if _is_traced(app):
            yield "A provider of OpenTelemetry is set, by which FastAPI reports each request."

    def _added_layers(self, app: FastAPI) -> str:
        layers = list(_layers(app.middleware_stack or app.build_middleware_stack()))
        added = [type(layer) for layer in layers if type(layer) not in self._layers]
        if added:
            return f"Middleware was added: {', '.join(kind.__name__ for kind in added)}."
        as_it_came = (
            [type(layer) for layer in layers] == self._layers
            and layers[-1] is self._router
            and self._router.middleware_stack == self._router_stack
        )
        return "" if as_it_came else "The middleware was changed."

    def _changed_routes(self, router: Router) -> str:
        place = {id(route): number for number, route in enumerate(router.routes)}
        for route, app in self._shortcuts:
            # The one dependency is its role.
            if id(route) not in place or route.app is not app or len(route.dependencies) > 1:
                return f"The route {route.path} was changed, or all routes have a dependency."
        last = max((place[id(route)] for route, _ in self._shortcuts), default=-1)
        if any(number < last for route, number in place.items() if route not in self._known):
            return "A route was added before those of the service."
        return ""


_SERVING = ("__call__", "framework", "build_middleware_stack")


def _layers(app: Any) -> Iterator[Any]:
    """Yield the layers of a middleware stack, outermost first, as far as they can be followed."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = None if isinstance(app, Router) else getattr(app, "app", None)


def _unchanged(module: ModuleType, kind: type[Starlette]) -> bool:
    # A wrapper takes over the name and the module of a function, but not its code.
    code = getattr(kind.__call__, "__code__", None)
    return code is not None and code.co_filename == module.__file__


def _is_traced(app: FastAPI) -> bool:
    native = getattr(app, "_native_telemetry", None)
    return native is not None and bool(native.enabled())
