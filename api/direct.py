"""Answers predictions on the connection itself, past ASGI, where a request is a usual one.

A task, a scope, messages and a response for every request, as ASGI has them, take longer than a
prediction of a compiled model. What is unusual about a request, and a body that must be explained,
is left to `api.routes.predict`, which answers everything, and with the same words.
"""

import asyncio
import weakref
from collections.abc import Iterator
from functools import partial
from time import perf_counter
from typing import NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.catalog import Catalog, ServedModel
from api.engine import stopping
from api.exchange import Exchange
from api.gate import Gate, Role
from api.job import Answer, Job
from api.problems import NoModel, NotFound, Problem
from api.resources import utc_now
from api.routes.predict import PATHS, Predicted, check_rows
from api.state import State

UNUSUAL = frozenset({b"content-encoding", b"expect", b"transfer-encoding"})
"""Headers that ask for more than an answer to the bytes that came."""


class Target(NamedTuple):
    """What a request line asks for."""

    model: ServedModel
    route: str
    probabilities: bool


class Direct:
    """Answers what one running app is asked directly."""

    def __init__(self, state: State, gate: Gate) -> None:
        self._state = state
        self._gate = gate
        self._catalog: weakref.ref[Catalog] | None = None
        self._targets: dict[bytes, Target] = {}

    def target(self, url: bytes, headers: dict[bytes, bytes]) -> Target | None:
        """Return what a usual request to predict asks for; None: it is another, or is unusual."""
        if headers.get(b"content-type") != b"application/json" or not UNUSUAL.isdisjoint(headers):
            return None
        catalog = self._state.watcher.catalog
        if self._catalog is None or self._catalog() is not catalog:
            self._targets = targets = dict(_targets(catalog))
            # A model that is replaced leaves memory, even if nobody asks any more.
            self._catalog = weakref.ref(catalog, lambda _: targets.clear())
        return self._targets.get(url)

    def answer(
        self,
        target: Target,
        headers: dict[bytes, bytes],
        body: bytes,
        protocol: HttpToolsProtocol,
    ) -> Exchange | None:
        """Answer a request, now or later; None: only the route can."""
        state = self._state
        if len(body) > state.settings.predict_max_body_bytes:
            return None
        request_id = state.access.request_id(headers.items())
        exchange = Exchange(protocol, state.access, target.route, request_id)
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        host = protocol.client[0] if protocol.client else ""
        try:
            self._gate.check(Role.PREDICT, authorization, host)
            # Before the body is decoded: who cannot be answered now shall cost little.
            state.engine.admit(target.model)
            job = self._submitted(target, body, request_id)
        except Problem as problem:
            self._refuse(exchange, problem)
        except Exception:  # noqa: BLE001 - a body to be explained; else the route meets it, too
            return None
        else:
            exchange.wait_for(job.answered)
            job.answered.add_done_callback(partial(self._finish, exchange, job))
        return exchange

    def _submitted(self, target: Target, body: bytes, request_id: str) -> Job:
        state, model = self._state, target.model
        arrived, received = utc_now(), perf_counter()
        state.bodies.take(len(body))
        try:
            rows = model.decoder.decode(body)
            check_rows(rows, state.settings.predict_max_rows)
            job = Job(model, rows, body, request_id, target.probabilities, arrived, received)
            state.engine.submit(job)
        except BaseException:
            state.bodies.give_back(len(body))
            raise
        return job

    def _finish(self, exchange: Exchange, job: Job, answered: "asyncio.Future[Answer]") -> None:
        self._state.bodies.give_back(len(job.body))
        # Cancelled by a server that stops, and does not wait any longer.
        problem = stopping() if answered.cancelled() else answered.exception()
        if isinstance(problem, Problem):
            self._refuse(exchange, problem)
        else:
            exchange.send(Predicted(answered.result(), job.model.version_header))

    def _refuse(self, exchange: Exchange, problem: Problem) -> None:
        self._state.metrics.rejected.labels(problem.type).inc()
        exchange.send(problem.response())


def _targets(catalog: Catalog) -> Iterator[tuple[bytes, Target]]:
    """Yield the request targets that a catalog answers, as they are usually written."""
    default, of_model, of_version = PATHS
    names = [(default, "", "")]
    names += [(of_model, model, "") for model in catalog.versions]
    names += [(of_version, m, version) for m in catalog.versions for version in catalog.versions[m]]
    for path, model, version in names:
        try:
            served = catalog.answering(model, version)
        except (NoModel, NotFound):
            continue
        url = path.format(model=model, version=version).encode()
        yield url, Target(served, path, probabilities=False)
        yield url + b"?probabilities=false", Target(served, path, probabilities=False)
        if served.loaded.predictor.classes:
            yield url + b"?probabilities=true", Target(served, path, probabilities=True)
