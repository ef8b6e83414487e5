"""Services that break the promise, to see that the harness finds it out.

Run as a script in front of the service's command: `broken_service.py HOW mlops serve`.
"""

import sys
import threading
from collections.abc import Sequence
from functools import partial

from api.batching.prediction_job import Answer
from api.batching.prediction_response import PredictionResponse
from api.server import fast_path
from mlops.__main__ import main
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.prediction_log import PredictionLog
from settings import factories

DELAY_SECONDS = 0.2


class EagerLog(PredictionLog):
    """Says that requests are logged, and logs them a little later."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Acknowledge at once."""
        late = partial(super().write, list(entries))
        timer = threading.Timer(DELAY_SECONDS, late)
        timer.daemon = True
        timer.start()


class Mixing(PredictionResponse):
    """Names the version that answered the request before, as a careless swap would."""

    before: tuple[bytes, bytes] | None = None

    def __init__(self, answer: Answer, version: tuple[bytes, bytes]) -> None:
        super().__init__(answer, Mixing.before or version)
        Mixing.before = version


BREAKS = {
    "eager": (factories, "PredictionLog", EagerLog),
    "mixing": (fast_path, "PredictionResponse", Mixing),
}
"""What stands in for which name of a module."""


if __name__ == "__main__":
    module, name, broken = BREAKS[sys.argv[1]]
    setattr(module, name, broken)
    sys.argv = sys.argv[2:]
    main()
