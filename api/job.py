"""One request on its way through the engine, and what becomes of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from api.catalog import ServedModel
from api.problems import Problem
from model_store.row_decoder import Rows


class Answer(NamedTuple):
    """What a model answered to one request."""

    body: bytes
    logged: bool


Outcome = Answer | Problem


@dataclass(eq=False)
class Job:
    """A request that waits for its answer."""

    model: ServedModel
    rows: Rows
    body: bytes
    """The request's own JSON text; the log keeps it as it is."""
    request_id: str
    probabilities: bool
    arrived: datetime
    """When the request came in, with a time zone."""
    received: float
    """`time.perf_counter()` at that moment."""
    answered: "asyncio.Future[Answer]" = field(init=False)
    """Done as soon as nobody waits any more: answered, too late, or given up."""

    def resolve(self, outcome: Outcome) -> None:
        """Tell who waits, if anyone still does."""
        if self.answered.done():
            return
        if isinstance(outcome, Answer):
            self.answered.set_result(outcome)
        else:
            self.answered.set_exception(outcome)
