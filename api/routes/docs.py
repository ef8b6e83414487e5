"""`GET /docs` and `GET /openapi.json`, whole without the internet."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

from api.http.problems import NotFound
from api.openapi import openapi_document
from api.state import StateNow

# The package is used for its files alone: it carries Swagger UI, which FastAPI links from a CDN.
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


async def openapi(request: Request, state: StateNow) -> dict[str, Any]:
    """Return the OpenAPI document of what is served now."""
    peer = request.client.host if request.client else ""
    prefix = state.middleware.rules.prefix(peer, request.scope["state"]["fields"])
    document = openapi_document(
        request.app,
        state.reloader.loaded_models,
        max_string=state.settings.predict_max_string_characters,
        business_metrics=state.settings.business_metrics,
    )
    # Swagger's "Execute" would ask at the root of the proxy otherwise.
    return {**document, "servers": [{"url": prefix}]} if prefix else document


async def docs(request: Request) -> HTMLResponse:
    """Return the page on which the routes can be read and tried."""
    # Relative, so that the page works behind a proxy's path too.
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=request.app.title,
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
    )
    page.headers["Content-Security-Policy"] = _policy(bytes(page.body).decode())
    return page


def _policy(page: str) -> str:
    """Return the policy of the page: its own files, and the one script that stands in it."""
    digests = (hashlib.sha256(text.encode()).digest() for text in _SCRIPT.findall(page))
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


async def asset(name: str) -> Response:
    """Return a file of the page."""
    if name not in _ASSETS:
        raise NotFound("The page has no such file.")
    return Response(_content(name), media_type=_ASSETS[name])


# Kept, as many who read slowly would otherwise have as many threads read the disk for them.
@cache
def _content(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
