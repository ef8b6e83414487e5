"""Reads the body of a request within its limits of kind, size and time."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from api.problems import BodyTimeout, TooLarge, UnsupportedMediaType


async def read_json_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Return the bytes of a body that is declared to be JSON.

    Raises:
        UnsupportedMediaType: it is declared to be something else, or is encoded.
        TooLarge: it is larger than `max_bytes`, declared or found so.
        BodyTimeout: it was not complete in time.
    """
    _check_media_type(request)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    parts = []
    size = 0
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part = message.get("body", b"")
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
                if not message.get("more_body", False):
                    request.state.body_read = True
                    return b"".join(parts) if len(parts) > 1 else part
    except TimeoutError:
        raise BodyTimeout(
            f"The body must be complete within {timeout_seconds:g} seconds.",
            headers={"Connection": "close"},
        ) from None


def _check_media_type(request: Request) -> None:
    declared = request.headers.getlist("content-type")
    if declared != ["application/json"] and not (len(declared) == 1 and _is_json(declared[0])):
        raise UnsupportedMediaType("Send the body as `Content-Type: application/json`, in UTF-8.")
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip().lower() != "identity" for encoding in encodings):
        raise UnsupportedMediaType("Send the body without a content encoding.")


def _is_json(declared: str) -> bool:
    media_type, *parameters = [part.strip().lower() for part in declared.split(";")]
    charsets = [p.partition("=") for p in parameters if p.startswith("charset")]
    return media_type == "application/json" and all(
        name.strip() == "charset" and value.strip().strip('"') in {"utf-8", "utf8"}
        for name, _, value in charsets
    )


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"A body may have {max_bytes} bytes: send fewer rows a request.",
        headers={"Connection": "close"},
    )
