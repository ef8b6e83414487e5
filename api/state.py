"""What the service holds while it runs; opened and closed by `api.app`."""

from dataclasses import dataclass

from starlette.requests import Request

from api.engine import Engine
from api.metrics import Metrics
from api.model_watcher import ModelWatcher
from api.settings import Settings
from monitoring.prediction_log import PredictionLog


@dataclass(frozen=True)
class State:
    """The resources of one running app."""

    settings: Settings
    metrics: Metrics
    log: PredictionLog
    watcher: ModelWatcher
    engine: Engine


def state_of(request: Request) -> State:
    """Return the state of the app that a request came to."""
    state: State = request.state.service
    return state
