"""The load test: valid rows of whatever the service serves, one at a time and many together.

Run it with `make load`; benchmarks/README.md explains its numbers.
"""

import json
import os
import sys
from http import HTTPStatus
from random import Random

import httpx
from locust import FastHttpUser, events, task
from locust.env import Environment

from benchmarks.row_generator import generate_rows
from benchmarks.served_signature import NotServedError, served_signature

MANY_ROWS = 100
"""The rows of a large request."""

BODIES = 200
"""How many different requests of either size are made, to be sent over and over."""

TIMEOUT_SECONDS = 10.0
"""How long an answer may take. A service that hangs is a failure, not a test that hangs with it."""

Credentials = tuple[str | bytes, str | bytes]


class PredictUser(FastHttpUser):
    """Sends the next request as soon as the last one is answered."""

    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS
    bodies: dict[int, list[str]]
    """JSON texts by their number of rows."""
    auth: Credentials | None
    random: Random

    @task(9)
    def predict_one_row(self) -> None:
        """Send one row."""
        self._predict(1)

    @task(1)
    def predict_many_rows(self) -> None:
        """Send many rows in one request."""
        self._predict(MANY_ROWS)

    def _predict(self, rows: int) -> None:
        with self.client.post(
            "/predict",
            name=f"/predict, rows: {rows}",
            data=self.random.choice(self.bodies[rows]),
            headers={"Content-Type": "application/json"},
            auth=self.auth,
            catch_response=True,
        ) as response:
            # Locust counts lost connections and other statuses as failures, and names them.
            if response.status_code == HTTPStatus.OK and not _has_rows(response.content, rows):
                response.failure(f"The answer is not a JSON array of length {rows}")


@events.init.add_listener  # type: ignore[untyped-decorator]  # locust does not type it
def make_bodies(environment: Environment, **_: object) -> None:
    """Ask what is served and make the bodies, before any clock runs: making them is no load.

    Raises:
        SystemExit: the service does not say what it serves.
    """
    PredictUser.auth = _credentials()
    PredictUser.random = random = Random()  # noqa: S311 - rows are no secrets
    try:
        answer = httpx.get(
            f"{environment.host}/models",
            auth=PredictUser.auth,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
        inputs = served_signature(answer.status_code, answer.content).inputs
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.exit(f"GET {environment.host}/models: {error}. Start the service first: make serve")
    except NotServedError as error:
        sys.exit(str(error))
    PredictUser.bodies = {
        rows: [
            json.dumps(generate_rows(inputs, rows, random), ensure_ascii=False)
            for _ in range(BODIES)
        ]
        for rows in (1, MANY_ROWS)
    }


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # locust does not type it
def fail_when_nothing_was_answered(environment: Environment, **_: object) -> None:
    """Fail a run that ended before the first answer: locust would call it a success."""
    if not environment.stats.total.num_requests:
        environment.process_exit_code = 1


def _credentials() -> Credentials | None:
    username = os.environ.get("PREDICT_USERNAME", "")
    password = os.environ.get("PREDICT_PASSWORD", "")
    # As bytes, because locust would encode text as Latin-1.
    return (username.encode(), password.encode()) if username or password else None


def _has_rows(body: bytes, rows: int) -> bool:
    try:
        answers = json.loads(body)
    except ValueError:
        return False
    return isinstance(answers, list) and len(answers) == rows
