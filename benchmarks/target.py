"""A server under load: started, seen to answer right, sent to, stopped, and its log reconciled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import open_loop
from benchmarks.bench_models import BenchModel, Rows, check_answers
from benchmarks.errors import LoadError
from benchmarks.ledger import check_ledger, logged_requests
from benchmarks.plan import Plan
from benchmarks.results import SERVICE, Sample
from benchmarks.server_runs import LOG, Server, remove, running
from benchmarks.wrk import Counts, Wrk

CONNECTIONS = 16
WARM_UP_SHARE = 0.4
"""How long the load runs before it counts, as a share of the time that counts."""
LEAST_WARM_UP_SECONDS = 2
"""At least so long: `plain` takes a tenth of a second for 1,000 mixed rows, on each connection."""


@dataclass
class Target:
    """A running server, the requests for it, and what it has answered."""

    server: Server
    plan: Plan
    bodies: list[bytes]
    form: str
    """As what the service serves the model."""
    answered: int
    uncounted: int = 0
    """Requests that may have been answered without anybody listening."""

    def closed_loop(self, seconds: float, *, connections: int = CONNECTIONS) -> Counts:
        """Send the next request on each connection as soon as the last one is answered."""
        lines = self.plan.folder / "bodies"
        lines.write_bytes(b"".join(body + b"\n" for body in self.bodies))
        counts = Wrk(lines, self.plan.cores.load, connections).send(self.server.port, seconds)
        self.answered += counts.requests
        # When the time is up, wrk leaves one request on each connection and its answer uncounted.
        self.uncounted += connections
        return counts

    def warm_up(self) -> None:
        """Send for a while that does not count."""
        self.closed_loop(max(self.plan.seconds * WARM_UP_SHARE, LEAST_WARM_UP_SECONDS))

    def sample(self, seconds: float) -> Sample:
        """Return what a closed loop gives."""
        before = self.server.cpu_seconds()
        counts = self.closed_loop(seconds)
        cpu = (self.server.cpu_seconds() - before) / counts.requests * 1e6
        peak = self.server.peak_bytes()
        return Sample(counts.rate, counts.p50, counts.p99, cpu, peak, self.form)

    def open_loop(self, rate: float, seconds: float) -> open_loop.Outcome:
        """Send at a constant rate, whatever is answered.

        Raises:
            LoadError: not every request was answered with 200.
        """
        outcome = open_loop.run(
            open_loop.Arrivals(
                port=self.server.port,
                bodies=self.bodies,
                rate=rate,
                seconds=seconds,
                connections=CONNECTIONS,
            )
        )
        statuses = outcome.statuses
        self.answered += statuses[200]
        if set(statuses) != {200}:
            raise LoadError(f"Not every request was answered with 200: {dict(statuses)}.")
        return outcome


@contextmanager
def target(
    plan: Plan, side: str, model: BenchModel, bodies: list[Rows], folder: Path | None = None
) -> Iterator[Target]:
    """Start a side and see that it answers right; at the end, stop it and reconcile its log.

    Args:
        plan: how to measure.
        side: what to start.
        model: what it serves.
        bodies: the requests.
        folder: its LOCAL_DATA, which stays; None for a new one, which goes.

    Raises:
        LoadError: an answer was wrong, or what was answered is not what is in the log.
    """
    kept, folder = folder is not None, folder or plan.folder / "run"
    before = logged_requests(folder / LOG)
    texts = [msgspec.json.encode(rows) for rows in bodies]
    try:
        with running(side, model, folder, plan.cores.server, bodies[0]) as server:
            if side != "floor":
                check_answers(model, bodies, server.ask(texts))
            form = str(server.served().get("form", "")) if side == SERVICE else ""
            found = Target(server, plan, texts, form, before + 1 + len(bodies))
            yield found
        if side == SERVICE:
            check_ledger(folder / LOG, answered=found.answered, uncounted=found.uncounted)
    finally:
        if not kept:
            remove(folder)


def take_sample(
    plan: Plan, side: str, model: BenchModel, bodies: list[Rows], folder: Path | None = None
) -> Sample:
    """Return what one run of a side gives under a closed loop; for the arguments see `target`."""
    with target(plan, side, model, bodies, folder) as found:
        found.warm_up()
        return found.sample(plan.seconds)
