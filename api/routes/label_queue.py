"""`POST /feedback/queue`: the rows most worth a person's label, given to one person at a time.

For administrators: it shows the inputs of other callers. `GET` shows the same rows and reserves
none; it stays for one release, for clients of the time when it did.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from random import SystemRandom
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.http.problems import FieldError, InvalidRows, LogUnavailable, pointer
from api.state import State, StateNow
from monitoring.feedback.label_queue import LabelQueue, Task
from monitoring.log.errors import LogUnavailableError
from monitoring.log.privacy import BESIDE_OUTPUTS
from monitoring.log.timestamps import utc_now
from monitoring.log.writing.leases import Reason

MOST_ROWS = 100
DEPRECATED = "@1796083200"
"""Since when `GET` is (RFC 9745): the first of December 2026."""


class RowView(BaseModel):
    """A row to be labelled: send its `request_id` and `row` with the truth to `POST /feedback`."""

    request_id: str
    row: int
    version: str
    time: datetime
    """When it was predicted."""
    inputs: dict[str, Any] | None
    """As logged, without personal columns; null where the log stores none."""
    answer: dict[str, Any] | None
    reason: Reason


class LabelQueueView(BaseModel):
    """Rows to be labelled."""

    model: str
    lease_seconds: float
    """How long these rows are reserved for their receiver; 0: they are not."""
    rows: list[RowView]


NumberOfRows = Annotated[int, Query(json_schema_extra={"minimum": 1, "maximum": MOST_ROWS})]


async def take_rows(
    state: StateNow, response: Response, rows: NumberOfRows = 20, model: str = ""
) -> LabelQueueView:
    """Return the rows of a model that are most worth a label, and reserve them for the caller.

    In turn the least certain, the most drifted, and some at random; fewer than asked for where all
    recent rows are labelled or out. Without `model` it is the one that `/predict` answers with.
    """
    # To ask again gives other rows.
    response.headers["Cache-Control"] = "no-store"
    return await _rows(state, rows, model, reserve=True)


async def look_at_rows(
    state: StateNow, response: Response, rows: NumberOfRows = 20, model: str = ""
) -> LabelQueueView:
    """Return the rows that `POST` would return, without reserving them. Deprecated."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Deprecation"] = DEPRECATED
    return await _rows(state, rows, model, reserve=False)


async def _rows(state: State, rows: int, model: str, *, reserve: bool) -> LabelQueueView:
    if not 1 <= rows <= MOST_ROWS:
        # The framework would refuse it without naming the limit.
        sentence = f"Ask for 1 to {MOST_ROWS} rows."
        errors = [FieldError(pointer("query", "rows"), "out-of-range", sentence)]
        raise InvalidRows(sentence, errors=errors)
    name = state.reloader.loaded_models.resolve(model).manifest.model
    seconds = state.settings.feedback_queue_seconds
    queue = LabelQueue(state.log, seconds, utc_now, SystemRandom())
    give = queue.take if reserve else queue.look
    try:
        tasks = await run_in_threadpool(give, name, rows, state.monitor.rarities(name))
    except LogUnavailableError:
        raise LogUnavailable("The rows cannot be given out now. Ask again.") from None
    return LabelQueueView(
        model=name,
        lease_seconds=seconds if reserve else 0,
        rows=[_view(task, state.settings.log_personal_fields) for task in tasks],
    )


def _view(task: Task, personal: Collection[str]) -> RowView:
    row = task.row
    hidden = frozenset(personal)
    # An answer's probabilities reveal what its outputs reveal.
    beside = frozenset() if hidden.isdisjoint(row.answer or ()) else BESIDE_OUTPUTS
    return RowView(
        request_id=row.request_id,
        row=row.row,
        version=row.version,
        time=row.time,
        inputs=_without(row.inputs, hidden),
        answer=_without(row.answer, hidden | beside),
        reason=task.reason,
    )


def _without(values: Mapping[str, Any] | None, hidden: Collection[str]) -> dict[str, Any] | None:
    """Return what may be seen: a log that is older than the settings has more in clear."""
    if values is None:
        return None
    return {name: value for name, value in values.items() if name not in hidden}
