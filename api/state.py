"""What the service holds while it runs; opened and closed by `api.lifespan`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.background.monitor import Monitor
from api.batching.batch_runner import BatchRunner
from api.batching.batcher import Batcher
from api.http.body_budget import BodyBudget
from api.http.request_middleware import RequestMiddleware
from api.models.model_reloader import ModelReloader
from api.observe.metrics import Metrics
from monitoring.log.writing.writer import LogWriter
from settings.settings import Settings


@dataclass(frozen=True)
class State:
    """The resources of one running app."""

    settings: Settings
    metrics: Metrics
    log: LogWriter
    reloader: ModelReloader
    batcher: Batcher
    batch_runner: BatchRunner
    middleware: RequestMiddleware
    body_budget: BodyBudget
    monitor: Monitor


def state_of(request: Request) -> State:
    """Return the state of the app that a request came to."""
    state: State = request.scope["state"]["service"]
    return state


StateNow = Annotated[State, Depends(state_of)]
"""The state, as a parameter of a FastAPI route."""
