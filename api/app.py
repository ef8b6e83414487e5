"""The service, assembled: `create_app` is its table of contents. Importing this does nothing."""

import time
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse, PlainTextResponse

from api.auth.roles import Auth, Role, refuse_unguarded
from api.http.refusals import Refusals
from api.http.request_middleware import RequestMiddleware
from api.http.request_rules import RequestRules
from api.lifespan import lifespan
from api.observe.metrics import Metrics
from api.observe.structured_log import StructuredLog, make_structured_log
from api.routes import docs, health, label_queue, metrics, models, monitoring, predict
from api.routes.business_metrics import business_metrics
from api.routes.feedback import feedback
from api.server.fast_path import FastPath
from api.service import Service
from settings import factories
from settings.project import project_version
from settings.settings import Settings


def create_app(
    settings: Settings,
    *,
    events: StructuredLog | None = None,
    counted: Metrics | None = None,
    open_log: factories.OpenLog = factories.prediction_log,
    shared: Path | None = None,
) -> FastAPI:
    """Return the service, ready to be run; nothing is opened before its lifespan begins.

    Args:
        settings: The settings.
        events: Where JSON lines go; standard output if left out.
        counted: The direct metrics; new ones if left out.
        open_log: Opens the prediction log.
        shared: A folder that the workers of the service share, if it has some.
    """
    events = events or make_structured_log(settings.service_event_level)
    counted = counted or Metrics()
    auth = Auth(settings, time.monotonic, events)
    app = Service(
        auth,
        Refusals(counted.rejected, predict.PATHS),
        title="Prediction service",
        description="Predictions of the models that this service has loaded.",
        version=project_version(),
        lifespan=partial(
            lifespan,
            settings=settings,
            metrics=counted,
            events=events,
            open_log=open_log,
            shared=shared,
        ),
    )

    for path in predict.PATHS:
        app.add_post(path, Role.PREDICT, predict.predict)
    app.add_post("/feedback", Role.PREDICT, feedback)
    app.add_post("/business-metrics", Role.PREDICT, business_metrics)
    app.add_get("/models", Role.PREDICT, models.list_models, tag="models")
    app.add_get("/models/{model}", Role.PREDICT, models.show_model, tag="models")
    app.add_get("/feedback/queue", Role.ADMIN, label_queue.look_at_rows, tag="feedback")
    app.add_get("/feedback/queue", Role.ADMIN, label_queue.take_rows, tag="feedback", method="POST")
    app.add_get("/monitoring", Role.ADMIN, monitoring.monitoring, response_class=HTMLResponse)
    app.add_get(
        "/metrics", Role.METRICS, metrics.metrics, tag="metrics", response_class=PlainTextResponse
    )
    app.add_get("/health/live", Role.OPEN, health.live, tag="health")
    app.add_get("/health/ready", Role.OPEN, health.ready, tag="health")
    # The documents say what a model takes, which only callers and this machine need to know.
    docs_role = Role.OPEN if settings.loopback else Role.ADMIN
    app.add_get("/docs", docs_role, docs.docs)
    app.add_get("/docs/{name}", docs_role, docs.asset)
    app.add_get("/openapi.json", docs_role, docs.openapi)
    refuse_unguarded(app.routes)

    # Outside of all that FastAPI does, and of middleware that is added to the app: gives every
    # request its id, counts, times and logs it, and finds the POST routes by their path alone.
    app.outermost = RequestMiddleware(
        app.framework,
        metrics=counted,
        events=events,
        rules=RequestRules(settings, app.methods),
        routes=app,
    )
    # Before all of that: a prediction whose body arrived whole is answered on its connection,
    # unless something was added to the app, which every request then passes.
    app.make_fast_path = partial(FastPath, app, auth=auth, paths=predict.PATHS)
    return app


def from_environment() -> FastAPI:
    """Return the service with the settings that it finds; for `uvicorn --factory --reload`."""
    return create_app(Settings())
