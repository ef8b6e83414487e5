"""Answers usual prediction requests on the connection itself, past ASGI.

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

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.auth.keys import Client
from api.auth.roles import Auth, Role
from api.batching.batcher import stopping
from api.batching.prediction_job import Answer, PredictionJob, check_rows
from api.batching.prediction_response import PredictionResponse
from api.http.problems import NoModel, NotFound, Problem
from api.models.loaded_models import LoadedModels, ServedModel
from api.server.fast_response import FastResponse
from api.state import State
from monitoring.log.timestamps import utc_now

UNUSUAL = frozenset({b"content-encoding", b"expect", b"transfer-encoding"})
"""Headers with which a request is not usual."""


PredictionPaths = tuple[str, str, str]
"""The routes that predict: by the default model, by a named model, by a named version."""


class Target(NamedTuple):
    """What a request target names."""

    model: ServedModel
    route: str
    probabilities: bool


class FastPath:
    """Answers predictions of one running app on their connections.

    Args:
        app: The app.
        state: The app's.
        auth: Checks the role of each request.
        paths: The routes whose requests are answered.
    """

    def __init__(self, app: FastAPI, state: State, auth: Auth, paths: PredictionPaths) -> None:
        self.app = app
        self._state = state
        self._rules = state.middleware.rules
        self._auth = auth
        self._paths = paths
        self._loaded_models: weakref.ref[LoadedModels] | None = None
        self._targets: dict[bytes, Target] = {}

    def target(self, url: bytes, headers: dict[bytes, bytes]) -> Target | None:
        """Return the target of a usual prediction request; None for all other requests."""
        if headers.get(b"content-type") != b"application/json" or not UNUSUAL.isdisjoint(headers):
            return None
        # Overrides come and go while the app runs, as in tests.
        if self.app.dependency_overrides or not self._rules.take(headers):
            return None
        loaded_models = self._state.reloader.loaded_models
        if self._loaded_models is None or self._loaded_models() is not loaded_models:
            self._targets = targets = dict(_targets(loaded_models, self._paths))
            # A model that is replaced leaves memory, even if no request follows.
            self._loaded_models = weakref.ref(loaded_models, lambda _: targets.clear())
        return self._targets.get(url)

    def answer(
        self,
        target: Target,
        headers: dict[bytes, bytes],
        body: bytes,
        protocol: HttpToolsProtocol,
    ) -> FastResponse | None:
        """Answer a request, now or later; None: only the route can."""
        state = self._state
        if len(body) > state.settings.predict_max_body_bytes:
            return None
        marks = state.middleware.marks(headers)
        fast_response = FastResponse(protocol, state.middleware, target.route, marks)
        peer = protocol.client[0] if protocol.client else ""
        try:
            client = self._auth.check(Role.PREDICT, headers, self._rules.client(peer, headers))
            if client:
                marks.key = client.key.name
            # Before the body is decoded: a request that cannot be answered now must cost little.
            state.batcher.admit(target.model)
            job = self._submitted(target, body, marks.request_id, client)
        except Problem as problem:
            self._refuse(fast_response, problem)
        except Exception:  # noqa: BLE001 - a body to be explained; else the route meets it, too
            return None
        else:
            fast_response.wait_for(job.answered)
            job.answered.add_done_callback(partial(self._finish, fast_response, job))
        return fast_response

    def _submitted(
        self, target: Target, body: bytes, request_id: str, client: Client | None
    ) -> PredictionJob:
        state, model = self._state, target.model
        arrived, received = utc_now(), perf_counter()
        state.body_budget.take(len(body))
        try:
            rows = model.decoder.decode(body)
            check_rows(rows, state.settings.predict_max_rows)
            if client:
                client.take_rows(rows.size)
            job = PredictionJob(
                model, rows, body, request_id, target.probabilities, arrived, received
            )
            if client:
                job.client = client.key.name
            state.batcher.submit(job)
        except BaseException:
            state.body_budget.give_back(len(body))
            raise
        return job

    def _finish(
        self, fast_response: FastResponse, job: PredictionJob, answered: "asyncio.Future[Answer]"
    ) -> None:
        self._state.body_budget.give_back(len(job.body))
        # Cancelled: the server stops, and does not wait any longer.
        problem = stopping() if answered.cancelled() else answered.exception()
        if isinstance(problem, Problem):
            self._refuse(fast_response, problem)
        else:
            fast_response.send(PredictionResponse(answered.result(), job.model.version_header))

    def _refuse(self, fast_response: FastResponse, problem: Problem) -> None:
        self._state.metrics.rejected.labels(problem.type).inc()
        fast_response.send(problem.response())


def _targets(loaded_models: LoadedModels, paths: PredictionPaths) -> Iterator[tuple[bytes, Target]]:
    """Yield the request targets of all loaded models, as they are usually written."""
    default, of_model, of_version = paths
    names = [(default, "", "")]
    names += [(of_model, model, "") for model in loaded_models.versions]
    names += [
        (of_version, m, version)
        for m in loaded_models.versions
        for version in loaded_models.versions[m]
    ]
    for path, model, version in names:
        try:
            served = loaded_models.resolve(model, version)
        except (NoModel, NotFound):
            continue
        url = path.format(model=model, version=version).encode()
        yield url, Target(served, path, probabilities=False)
        yield url + b"?probabilities=false", Target(served, path, probabilities=False)
        if served.loaded.predictor.classes:
            yield url + b"?probabilities=true", Target(served, path, probabilities=True)
