"""`POST /feedback`: the true values of rows that were predicted; one or many."""

import json
from typing import Any, NamedTuple

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.http.body import read_json_body
from api.http.problems import FieldError, InvalidRows, LogUnavailable, TooLarge, pointer
from api.http.strict_json import parse_strictly
from api.routes.feedback_item import FeedbackItem, Value
from api.state import state_of
from model_store.schema.texts import normalised
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.true_values import Feedback, Verdict
from settings.settings import Settings

# The largest integer in SQLite, and in the messages between processes.
MOST_INTEGER = 2**63 - 1


_ITEM = msgspec.json.Decoder(FeedbackItem)


class FeedbackBody(NamedTuple):
    """The true values of one request body."""

    items: list[FeedbackItem]
    single: bool
    """Whether it is one object, and not an array: so is the answer."""


async def feedback(request: Request) -> Response:
    """Store true values, and return the verdict on each, in the same order."""
    state = state_of(request)

    def store(body: bytes) -> tuple[FeedbackBody, list[Verdict]]:
        sent = decode(body, state.settings)
        return sent, state.log.add_feedback([_feedback(item) for item in sent.items])

    with state.body_budget.share() as share:
        body = await read_json_body(
            request,
            share,
            max_bytes=state.settings.predict_max_body_bytes,
            timeout_seconds=state.settings.predict_body_timeout_seconds,
        )
        try:
            sent, verdicts = await run_in_threadpool(store, body)
        except LogUnavailableError:
            raise LogUnavailable("The feedback could not be stored. Send it again.") from None
    answers = [
        {"request_id": item.request_id, "row": item.row, "status": str(verdict)}
        for item, verdict in zip(sent.items, verdicts, strict=True)
    ]
    return JSONResponse(answers[0] if sent.single else answers)


def decode(body: bytes, settings: Settings) -> FeedbackBody:
    """Return the items of a body.

    Raises:
        InvalidJson: it is not acceptable JSON text.
        InvalidRows: it is neither such an item nor an array of them; `errors` points to the first
            that is not.
        TooLarge: it has more items than a request may have rows.
    """
    document = parse_strictly(body)
    if isinstance(document, dict):
        return FeedbackBody([_item(document)], single=True)
    if not isinstance(document, list) or not document:
        raise InvalidRows("Send {request_id, row, value}, or an array of at least one.")
    if len(document) > settings.predict_max_rows:
        raise TooLarge(f"A request may have {settings.predict_max_rows} true values.")
    return FeedbackBody([_item(value, index) for index, value in enumerate(document)], single=False)


def _feedback(item: FeedbackItem) -> Feedback:
    """Return an item for the log: no request has more rows than an integer there can count."""
    sent = item.value
    value = (
        {normalised(name): _stored(part) for name, part in sent.items()}
        if isinstance(sent, dict)
        else _stored(sent)
    )
    return Feedback(item.request_id, min(item.row, MOST_INTEGER), value)


def _stored(value: Value) -> Value:
    if isinstance(value, int) and abs(value) > MOST_INTEGER:
        return float(value)
    # As the labels are that it is compared with.
    return normalised(value) if isinstance(value, str) else value


def _item(value: Any, *place: int) -> FeedbackItem:
    try:
        # By way of its JSON text, as the decoder knows of lone surrogates, and the parser does not.
        return _ITEM.decode(json.dumps(value))
    except msgspec.DecodeError:
        sentence = (
            "An item is {request_id: string, row: integer from 0, value: a string, number or "
            "boolean, or an object of them by output}."
        )
        errors = [FieldError(pointer(*place), "not-feedback", sentence)]
        raise InvalidRows("Mend the item that `errors` points to.", errors=errors) from None
