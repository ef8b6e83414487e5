"""What the service holds while it runs; opened and closed by `api.app`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.access import Access
from api.answering import Answering
from api.body_budget import BodyBudget
from api.engine import Engine
from api.metrics import Metrics
from api.model_watcher import ModelWatcher
from api.settings import Settings
from api.watch import Watch
from monitoring.log.writer import LogWriter


@dataclass(frozen=True)
class State:
    """The resources of one running app."""

    settings: Settings
    metrics: Metrics
    log: LogWriter
    watcher: ModelWatcher
    engine: Engine
    answering: Answering
    access: Access
    bodies: BodyBudget
    watch: Watch


def state_of(request: Request) -> State:
    """Return the state of the app that a request came to."""
    state: State = request.scope["state"]["service"]
    return state


StateNow = Annotated[State, Depends(state_of)]
"""The state, as a parameter of a FastAPI route."""
