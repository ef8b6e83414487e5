"""One prediction request on its way through the batcher, and its answer."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from api.http.problems import DeadlineExceeded, Problem, TooLarge
from api.models.loaded_models import ServedModel
from model_store.schema.row_decoder import Rows


class Answer(NamedTuple):
    """What a model answered to one request."""

    body: bytes
    logged: bool


Outcome = Answer | Problem


@dataclass(eq=False, slots=True)
class PredictionJob:
    """A request that waits for its answer."""

    model: ServedModel
    rows: Rows
    body: bytes
    """The request's own JSON text; the log keeps it as it is, or what the rows say instead."""
    request_id: str
    probabilities: bool
    arrived: datetime
    """When the request came in, with a time zone."""
    received: float
    """`time.perf_counter()` at that moment."""
    client: str = ""
    """The name of the key by which the caller came; empty: by none."""
    deadline: float = field(init=False)
    """When the job is too late, by the same clock."""
    answered: "asyncio.Future[Answer]" = field(init=False)
    """Done once the job is resolved: answered, too late, or cancelled."""

    def expire(self, now: float) -> bool:
        """Resolve the job as too late if it is; return whether it is resolved."""
        if now > self.deadline:
            self.resolve(DeadlineExceeded("The answer was not ready in time."))
        return self.answered.done()

    def resolve(self, outcome: Outcome) -> None:
        """Set the outcome, unless the job is resolved already."""
        if self.answered.done():
            return
        if isinstance(outcome, Answer):
            self.answered.set_result(outcome)
        else:
            self.answered.set_exception(outcome)


def check_rows(rows: Rows, max_rows: int) -> None:
    """Return if the number of rows is within the limit.

    Raises:
        TooLarge: there are more rows.
    """
    if rows.size > max_rows:
        raise TooLarge(f"A request may have {max_rows} rows.")
