"""The resources of a running service: opened in this order, closed in the reverse one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict

from prometheus_client.registry import Collector

from api import readiness
from api.background import background_tasks
from api.background.monitor import Monitor
from api.batching.batch_runner import BatchRunner
from api.batching.batcher import Batcher
from api.http.body_budget import BodyBudget
from api.models.collector import ModelCollector
from api.models.log_views import declare_views
from api.models.model_reloader import START_SECONDS, ModelReloader
from api.observe.audit_log import AuditLog
from api.observe.metrics import Metrics
from api.observe.service_collector import ServiceCollector
from api.observe.structured_log import StructuredLog
from api.server.fast_path import FastPath
from api.service import Service
from api.state import State
from monitoring.feedback.collector import FeedbackCollector
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.business_metrics import BusinessCollector, BusinessMetrics
from monitoring.log.reading.collector import LogCollector
from monitoring.log.reading.reader import LogReader
from monitoring.log.timestamps import utc_now
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.windows.collector import WindowCollector
from settings import factories
from settings.settings import Settings

UNCHECKED_HOSTS = (
    "Any host is answered for, so that a web page may use this service by a name of its own: set "
    "SERVICE_ALLOWED_HOSTS to the names under which it is called."
)


class LifespanState(TypedDict):
    """What every connection and request finds in its `state`."""

    service: State
    fast_path: FastPath | None


@asynccontextmanager
async def lifespan(  # noqa: PLR0913 - all that is opened, and by what
    app: Service,
    *,
    settings: Settings,
    metrics: Metrics,
    events: StructuredLog,
    open_log: factories.OpenLog,
    shared: Path | None,
) -> AsyncIterator[LifespanState]:
    """Open every resource of the service, and close it again."""
    try:
        log, log_failure = open_log(settings)
    except factories.StartError as error:
        app.state.refusal = str(error)
        events.error("start-refused", reason=str(error))
        raise
    async with AsyncExitStack() as closing:
        closing.callback(log.close)
        audit_log = AuditLog(log, events)
        audit_log.record("start", version=app.version)
        if app.outermost.rules.unchecked_hosts:
            events.warning("hosts-unchecked", reason=UNCHECKED_HOSTS)
        batch_runner = BatchRunner(log, settings, metrics=metrics, events=events)
        batch_runner.log_failure = log_failure
        batcher = Batcher(batch_runner, settings, metrics)
        processes = factories.model_processes(settings, shared)
        reloader = ModelReloader(
            factories.model_store(settings, processes=processes),
            settings,
            metrics=metrics,
            audit_log=audit_log,
            on_swap=partial(declare_views, log, settings, audit_log),
        )
        metrics.service_info.labels(app.version, settings.git_branch, settings.git_head).set(1)
        monitor = Monitor(log.path, settings, lambda: reloader.loaded_models)
        state = State(
            settings=settings,
            metrics=metrics,
            log=log,
            reloader=reloader,
            batcher=batcher,
            batch_runner=batch_runner,
            middleware=app.outermost,
            body_budget=BodyBudget(settings.predict_queue_bytes),
            monitor=monitor,
        )
        for collector in _collectors(state):
            metrics.registry.register(collector)
            closing.callback(metrics.registry.unregister, collector)
        if processes:
            closing.callback(processes.close)
        closing.callback(reloader.close)
        await asyncio.to_thread(reloader.refresh, START_SECONDS)
        closing.callback(audit_log.record, "stop")
        closing.push_async_callback(batcher.close)
        tasks = [
            reloader.run(),
            background_tasks.recover(batch_runner),
            background_tasks.keep_monitoring(monitor, settings, events),
        ]
        if isinstance(log, PredictionLog):
            # Otherwise another process writes the log, and sees to that, too.
            tasks += [background_tasks.retain(log, events), background_tasks.checkpoint(log)]
        for task in tasks:
            closing.push_async_callback(background_tasks.cancelled, asyncio.create_task(task))
        yield {"service": state, "fast_path": _fast_path(app, state, events)}


def _fast_path(app: Service, state: State, events: StructuredLog) -> FastPath | None:
    """Return what answers predictions on the connection; None where they must pass the app."""
    if not (additions := app.additions()):
        return app.make_fast_path(state)
    app.take_no_shortcuts()
    events.info("fast-path-off", reason=" ".join(additions))
    return None


def _collectors(state: State) -> Iterator[Collector]:
    """Yield what computes metrics at scrape time."""
    log, settings = state.log.path, state.settings
    yield LogCollector(LogReader(log))
    yield WindowCollector(lambda: state.monitor.observations)
    yield FeedbackCollector(FeedbackReader(log), lambda: state.monitor.scores, utc_now)
    yield BusinessCollector(BusinessMetrics(log, settings.business_metrics), utc_now)
    yield ModelCollector(
        lambda: state.reloader.loaded_models, state.reloader.loading_seconds, utc_now
    )
    yield ServiceCollector(
        partial(readiness.missing, state),
        state.monitor.age_seconds,
        settings.local_data,
        settings.log_max_bytes,
    )
