"""Services that break the promise, to see that the harness finds it out.

Run as a script in front of the service's command: `broken_service.py HOW mlops serve`.
"""

import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

import mlops.serve
from api import resources
from api.app import create_app
from mlops.__main__ import main
from monitoring.batch import Entry
from monitoring.prediction_log import PredictionLog

DELAY_SECONDS = 0.2


class EagerLog(PredictionLog):
    """Says that requests are logged, and logs them a little later."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Acknowledge at once."""
        late = partial(super().write, list(entries))
        timer = threading.Timer(DELAY_SECONDS, late)
        timer.daemon = True
        timer.start()


class Mixing:
    """Names the version that answered the request before, as a careless swap would."""

    def __init__(self, app: FastAPI) -> None:
        self.state = app.state
        self._app = app
        self._before: tuple[bytes, bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""

        async def send_mixed(message: Message) -> None:
            headers = [tuple(header) for header in message.get("headers", ())]
            named = [header for header in headers if header[0].lower() == b"x-model-version"]
            if named:
                message["headers"] = [
                    (self._before or header) if header in named else header for header in headers
                ]
                [self._before] = named
            await send(message)

        await self._app(scope, receive, send_mixed)


def mixing_app(*arguments: Any, **options: Any) -> Any:
    """Return the service, which mixes versions."""
    return Mixing(create_app(*arguments, **options))


BREAKS = {
    "eager": (resources, "PredictionLog", EagerLog),
    "mixing": (mlops.serve, "create_app", mixing_app),
}
"""What stands in for which name of a module."""


if __name__ == "__main__":
    module, name, broken = BREAKS[sys.argv[1]]
    setattr(module, name, broken)
    sys.argv = sys.argv[2:]
    main()
