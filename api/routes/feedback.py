"""`POST /feedback`: the true value, told later, for a row that was predicted."""

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.body import read_json_body
from api.explanation import parse_strictly
from api.problems import FieldError, InvalidRows, LogUnavailable, TooLarge, pointer
from api.state import State, state_of
from monitoring.errors import LogUnavailableError
from monitoring.feedback import Feedback


class FeedbackItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One true value: of row `row`, counted from 0, of the request that had this id."""

    request_id: str
    row: int
    value: str | int | float | bool


async def feedback(request: Request) -> Response:
    """Store true values, and say of each, in the same order, what became of it."""
    state = state_of(request)
    body = await read_json_body(
        request,
        max_bytes=state.settings.predict_max_body_bytes,
        timeout_seconds=state.settings.predict_body_timeout_seconds,
    )
    items = _decode(body, state)
    told = [Feedback(item.request_id, item.row, item.value) for item in items]
    try:
        verdicts = await run_in_threadpool(state.log.add_feedback, told)
    except LogUnavailableError:
        raise LogUnavailable("The feedback could not be stored. Send it again.") from None
    return JSONResponse(
        [
            {"request_id": item.request_id, "row": item.row, "status": str(verdict)}
            for item, verdict in zip(items, verdicts, strict=True)
        ]
    )


def _decode(body: bytes, state: State) -> list[FeedbackItem]:
    document = parse_strictly(body)
    if not isinstance(document, list) or not document:
        raise InvalidRows("Send an array of at least one {request_id, row, value}.")
    if len(document) > state.settings.predict_max_rows:
        raise TooLarge(f"A request may have {state.settings.predict_max_rows} true values.")
    items = []
    for index, item in enumerate(document):
        try:
            items.append(msgspec.convert(item, FeedbackItem))
        except msgspec.ValidationError:
            raise InvalidRows(
                "Mend the item that `errors` points to.",
                errors=[
                    FieldError(
                        pointer(index),
                        "not-feedback",
                        "An item is {request_id: string, row: integer, value}.",
                    )
                ],
            ) from None
    return items
