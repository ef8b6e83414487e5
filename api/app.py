"""The service, assembled: `create_app` is its table of contents. Importing this does nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypedDict

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from api import chores, readiness, resources
from api.access import Access
from api.answering import Answering
from api.body import declared_bytes
from api.body_budget import BodyBudget
from api.direct import Direct
from api.engine import Engine
from api.event_log import EventLog, make_event_log
from api.gate import (
    Endpoint,
    Gate,
    Guarded,
    GuardedRoute,
    Role,
    RoleNeeded,
    refuse_unguarded,
)
from api.journal import Journal
from api.metrics import Metrics
from api.model_collector import ModelCollector
from api.model_watcher import ModelWatcher
from api.openapi import PROBLEM_RESPONSE
from api.problems import InternalError, Problem, problem_of
from api.project import project_version
from api.routes import docs, health, metrics, models, monitoring, predict
from api.routes.business_metrics import business_metrics
from api.routes.feedback import feedback
from api.routes.label_queue import label_queue
from api.service_collector import ServiceCollector
from api.settings import Settings
from api.state import State
from api.watch import Watch
from monitoring.feedback.collector import FeedbackCollector
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.business_metrics import BusinessCollector, BusinessMetrics
from monitoring.log.collector import LogCollector
from monitoring.log.prediction_log import PredictionLog
from monitoring.log.reader import LogReader
from monitoring.log.schema import sqlite_warning
from monitoring.windows.collector import WindowCollector

SHORT_BODY_BYTES = 65_536


class LifespanState(TypedDict):
    """What every request's `state` holds; and what answers those that need none."""

    service: State
    direct: Direct


class Service(FastAPI):
    """FastAPI with one layer outside of all of its own, and a gate."""

    outermost: Access
    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        await self.outermost(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve by way of FastAPI."""
        await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    events: EventLog | None = None,
    counted: Metrics | None = None,
    open_log: resources.OpenLog = resources.prediction_log,
) -> FastAPI:
    """Return the service, ready to be run; nothing is opened before its lifespan begins."""
    counted = counted or Metrics()
    events = events or make_event_log(settings.service_event_level)
    gate = Gate(settings, time.monotonic)

    def refusal(request: Request, problem: Problem) -> Response:
        if getattr(request.scope.get("route"), "path", "") in predict.PATHS:
            counted.rejected.labels(problem.type).inc()
        response = problem.response()
        if request.method == "POST" and not getattr(request.state, "body_read", False):
            length = declared_bytes(request)
            # Who sends a long body to a closed door shall not go on sending it. A short one is
            # skipped: a new connection would cost more. One that is announced may never come.
            short = length is not None and length <= SHORT_BODY_BYTES
            if not short or "expect" in request.headers:
                response.headers["Connection"] = "close"
        return response

    async def framework_refusal(request: Request, error: Exception) -> Response:
        return refusal(request, error if isinstance(error, Problem) else problem_of(error))

    async def fault(request: Request, _: Exception) -> Response:
        return InternalError.of(request.scope["state"]["request_id"]).response()

    def post(path: str, role: Role, endpoint: Endpoint) -> GuardedRoute:
        # Past FastAPI's own decoding of bodies; `api.openapi` documents these.
        return GuardedRoute(path, Guarded(gate, role, endpoint, refusal))

    posts = [post(path, Role.PREDICT, predict.predict) for path in predict.PATHS]
    posts.append(post("/feedback", Role.PREDICT, feedback))
    posts.append(post("/business-metrics", Role.PREDICT, business_metrics))
    app = Service(
        title="Prediction service",
        description="Predictions of the models that this service has loaded.",
        version=project_version(),
        lifespan=partial(
            lifespan, settings=settings, metrics=counted, events=events, open_log=open_log
        ),
        exception_handlers={
            Exception: fault,
            Problem: framework_refusal,
            HTTPException: framework_refusal,
            RequestValidationError: framework_refusal,
        },
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.outermost = Access(app.framework, metrics=counted, events=events, shortcuts=posts)
    app.gate = gate
    app.state.refusal = ""

    def get(
        path: str,
        role: Role,
        endpoint: Callable[..., object],
        tag: str = "",
        kind: type[Response] = JSONResponse,
    ) -> None:
        app.add_api_route(
            path,
            endpoint,
            dependencies=[Depends(RoleNeeded(gate, role))],
            tags=[tag],
            include_in_schema=bool(tag),
            response_class=kind,
            responses={"default": PROBLEM_RESPONSE},
        )

    app.router.routes.extend(posts)
    get("/models", Role.PREDICT, models.list_models, "models")
    get("/models/{model}", Role.PREDICT, models.show_model, "models")
    get("/feedback/queue", Role.ADMIN, label_queue, "feedback")
    get("/monitoring", Role.ADMIN, monitoring.monitoring, kind=HTMLResponse)
    get("/metrics", Role.METRICS, metrics.metrics, "metrics", PlainTextResponse)
    get("/health/live", Role.OPEN, health.live, "health")
    get("/health/ready", Role.OPEN, health.ready, "health")
    # The documents say what a model takes, which only callers and this machine need to know.
    docs_role = Role.OPEN if settings.loopback else Role.ADMIN
    get("/docs", docs_role, docs.docs)
    get("/docs/{name}", docs_role, docs.asset)
    get("/openapi.json", docs_role, docs.openapi)
    refuse_unguarded(app.routes)
    return app


@asynccontextmanager
async def lifespan(
    app: Service,
    *,
    settings: Settings,
    metrics: Metrics,
    events: EventLog,
    open_log: resources.OpenLog,
) -> AsyncIterator[LifespanState]:
    """Open every resource of the service, and close it again."""
    try:
        log, log_failure = open_log(settings)
    except resources.StartError as error:
        app.state.refusal = str(error)
        events.error("start-refused", reason=str(error))
        raise
    async with AsyncExitStack() as closing:
        closing.callback(log.close)
        journal = Journal(log, events)
        journal.tell("start", version=app.version)
        if warning := sqlite_warning():
            events.warning("old-sqlite", reason=warning)
        answering = Answering(log, settings, metrics=metrics, events=events)
        answering.log_failure = log_failure
        engine = Engine(answering, settings, metrics)
        watcher = ModelWatcher(
            resources.model_store(settings),
            settings,
            metrics=metrics,
            journal=journal,
            on_swap=partial(resources.adopt, log, settings, journal),
        )
        metrics.service_info.labels(app.version, settings.git_branch, settings.git_head).set(1)
        watch = Watch(log.path, settings, lambda: watcher.catalog)
        bodies = BodyBudget(settings.predict_queue_bytes)
        state = State(
            settings, metrics, log, watcher, engine, answering, app.outermost, bodies, watch
        )
        for collector in (
            LogCollector(LogReader(log.path)),
            WindowCollector(lambda: watch.observations),
            FeedbackCollector(FeedbackReader(log.path), lambda: watch.scores, resources.utc_now),
            BusinessCollector(
                BusinessMetrics(log.path, settings.business_metrics), resources.utc_now
            ),
            ModelCollector(lambda: watcher.catalog, resources.utc_now),
            ServiceCollector(
                partial(readiness.missing, state),
                watch.age_seconds,
                settings.local_data,
                settings.log_max_bytes,
            ),
        ):
            metrics.registry.register(collector)
            closing.callback(metrics.registry.unregister, collector)
        await asyncio.to_thread(watcher.refresh)
        closing.callback(journal.tell, "stop")
        closing.push_async_callback(engine.close)
        todo = [watcher.watch(), chores.recover(answering), chores.look(watch, settings, events)]
        if isinstance(log, PredictionLog):
            # Otherwise another process writes the log, and sees to that, too.
            todo += [chores.retain(log, events), chores.checkpoint(log)]
        for chore in todo:
            closing.push_async_callback(chores.cancelled, asyncio.create_task(chore))
        yield {"service": state, "direct": Direct(state, app.gate)}
