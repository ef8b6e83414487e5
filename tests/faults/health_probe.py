"""Asks for liveness again and again, from a process that the load of the test does not delay."""

import contextlib
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

PAUSE_SECONDS = 0.02
_NO_ANSWER = 0


@dataclass
class Health:
    """The answers to `GET /health/live`."""

    statuses: list[int] = field(default_factory=list)
    """0: no answer."""
    seconds: list[float] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether it was asked, and every answer was 200."""
        return set(self.statuses) == {200}

    @property
    def most_milliseconds(self) -> float:
        """The longest that an answer took."""
        return max(self.seconds) * 1000


@contextlib.contextmanager
def asking_for_health(port: int) -> Iterator[Health]:
    """Ask from before the block until its end; what was answered is known after it."""
    health = Health()
    command = [sys.executable, __file__, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # A busy machine takes seconds to start it: a short block would be over unasked.
        process.stdout.readline()
        try:
            yield health
        finally:
            printed, _ = process.communicate()
            answers = json.loads(printed)
            health.statuses += [status for status, _ in answers]
            health.seconds += [seconds for _, seconds in answers]


def main() -> None:
    """Ask until standard input ends, then print the answers."""
    connection = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
    answers: list[tuple[int, float]] = []
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        started = time.perf_counter()
        status = _NO_ANSWER
        try:
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, HTTPException):
            connection.close()
        answers.append((status, time.perf_counter() - started))
        if len(answers) == 1:
            print("asked once", flush=True)  # noqa: T201 - as below
    print(json.dumps(answers))  # noqa: T201 - to the process that started this one


if __name__ == "__main__":
    main()
