"""`POST /business-metrics`: numbers of the client's own system, such as its revenue."""

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.http.body import read_json_body
from api.http.problems import MAX_ERRORS, FieldError, InvalidRows, LogUnavailable, pointer
from api.http.strict_json import parse_strictly
from api.state import state_of
from monitoring.log.errors import LogUnavailableError


async def business_metrics(request: Request) -> Response:
    """Store the values by name, and say which were stored: all, or none."""
    state = state_of(request)
    settings = state.settings

    def store(body: bytes) -> list[str]:
        values = decode(body, settings.business_metrics)
        state.log.add_business_metrics(values)
        return list(values)

    with state.body_budget.share() as share:
        body = await read_json_body(
            request,
            share,
            max_bytes=settings.predict_max_body_bytes,
            timeout_seconds=settings.predict_body_timeout_seconds,
        )
        try:
            stored = await run_in_threadpool(store, body)
        except LogUnavailableError:
            raise LogUnavailable("The values could not be stored. Send them again.") from None
    return JSONResponse({"stored": stored})


def decode(body: bytes, declared: Sequence[str]) -> dict[str, float]:
    """Return the values of a body by name.

    Raises:
        InvalidJson: it is not acceptable JSON text.
        InvalidRows: it is not an object of declared names and numbers; `errors` points to the
            faults.
    """
    document = parse_strictly(body)
    if not isinstance(document, dict) or not document:
        raise InvalidRows("Send an object of at least one number by name.")
    # No more than are reported: a body may hold a hundred thousand names.
    wrong = (error for item in document.items() if (error := _error(*item, declared)))
    if errors := list(islice(wrong, MAX_ERRORS)):
        known = ", ".join(declared) or "none"
        sentence = f"Mend what `errors` points to. The setting BUSINESS_METRICS declares: {known}."
        raise InvalidRows(sentence, errors=errors)
    return {name: float(value) for name, value in document.items()}


def _error(name: str, value: Any, declared: Sequence[str]) -> FieldError | None:
    if name not in declared:
        return FieldError(pointer(name), "unknown-metric", "This name is not declared.")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        return FieldError(pointer(name), "not-a-number", "A value is a number.")
    return None
