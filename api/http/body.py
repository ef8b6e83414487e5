"""Reads the body of a request within its limits of kind, size and time."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from api.http.body_budget import BodyShare
from api.http.problems import BodyTimeout, TooLarge, UnsupportedMediaType

_MOST_DIGITS = 20


async def read_json_body(
    request: Request, share: BodyShare, *, max_bytes: int, timeout_seconds: float
) -> bytes:
    """Return the bytes of a body that is declared to be JSON, counted in its share as they come.

    Raises:
        UnsupportedMediaType: it is declared to be something else, or is encoded.
        TooLarge: it is larger than `max_bytes`, declared or found so.
        BodyTimeout: it was not complete in time.
        Overloaded: there is no room for it.
    """
    _check_media_type(request)
    if (declared_bytes(request) or 0) > max_bytes:
        raise _too_large(max_bytes)
    reading = _read(request, share, max_bytes)
    try:
        waits_for = reading.send(None)
    except StopIteration as done:
        # Nearly every body is here already, and a clock costs more than to read it.
        return bytes(done.value)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _rest(reading, waits_for)
    except TimeoutError:
        raise BodyTimeout(
            f"The body must be complete within {timeout_seconds:g} seconds.",
            headers={"Connection": "close"},
        ) from None


def declared_bytes(request: Request) -> int | None:
    """Return the declared length of a request's body in bytes; None if there is none."""
    length = _values(request, b"content-length")
    if not length or not length[0].isdigit():
        return None
    digits = length[0].lstrip(b"0")
    # Python makes no number of thousands of digits, and no body is as long as these say.
    return int(digits[:_MOST_DIGITS] or b"0")


async def _read(request: Request, share: BodyShare, max_bytes: int) -> bytes:
    parts = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes)
        share.take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            request.scope["state"]["body_read"] = True
            return b"".join(parts) if len(parts) > 1 else part


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, bytes], waits_for: Any) -> Generator[Any, Any, bytes]:
    """Await a coroutine that was started by hand, and that waits for something."""
    while True:
        try:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - what a task throws in
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(value)
        except StopIteration as done:
            return bytes(done.value)


def _check_media_type(request: Request) -> None:
    declared = _values(request, b"content-type")
    if declared != [b"application/json"] and not (len(declared) == 1 and _is_json(declared[0])):
        raise UnsupportedMediaType("Send the body as `Content-Type: application/json`, in UTF-8.")
    encodings = _values(request, b"content-encoding")
    codings = _values(request, b"transfer-encoding")
    if any(encoding.strip().lower() != b"identity" for encoding in encodings) or any(
        coding.strip().lower() != b"chunked" for coding in codings
    ):
        raise UnsupportedMediaType("Send the body without an encoding.")


def _values(request: Request, wanted: bytes) -> list[bytes]:
    return [value for name, value in request.scope["headers"] if name == wanted]


def _is_json(declared: bytes) -> bool:
    media_type, *parameters = [
        part.strip().lower() for part in declared.decode("latin-1").split(";")
    ]
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
