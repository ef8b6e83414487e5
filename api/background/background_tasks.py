"""Periodic tasks of the service, beside answering requests."""

import asyncio

from api.background.monitor import Monitor, MonitoringError
from api.batching.batch_runner import BatchRunner
from api.observe.structured_log import StructuredLog
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.prediction_log import PredictionLog
from settings.settings import Settings

CHECKPOINT_POLL_SECONDS = 0.05
RECOVERY_SECONDS = 1.0
RETENTION_PAUSE_SECONDS = 0.05
RETENTION_SECONDS = 10.0


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def recover(batch_runner: BatchRunner) -> None:
    """Check whether a failed log can be written again, even while no predictions are requested."""
    while True:
        await asyncio.sleep(RECOVERY_SECONDS)
        if batch_runner.log_failure:
            await asyncio.to_thread(batch_runner.try_log)


async def keep_monitoring(monitor: Monitor, settings: Settings, events: StructuredLog) -> None:
    """Measure what arrived and how good it was, in a thread, off every request's way."""
    # A start has more urgent work; until the first update, `/metrics` publishes no window.
    await asyncio.sleep(settings.monitoring_seconds / 10)
    reported: dict[str, str] = {}
    while True:
        try:
            await asyncio.to_thread(monitor.update)
            reported = {}
        except MonitoringError as error:
            # Of each version once, as it is likely to fail every time.
            if error.failures != reported:
                reported = error.failures
                events.warning("monitoring-failed", versions=reported)
        except LogUnavailableError:
            # Logged already, by its writer; the last observations stay.
            pass
        except Exception as error:  # noqa: BLE001 - the task must outlive whatever fails once
            events.warning("monitoring-failed", exc_info=error)
        await asyncio.sleep(settings.monitoring_seconds)


async def checkpoint(log: PredictionLog) -> None:
    """Keep the log's write-ahead log short, in a thread, so that no request waits for the disk."""
    while True:
        await asyncio.sleep(CHECKPOINT_POLL_SECONDS)
        if log.checkpoint_is_due:
            await asyncio.to_thread(log.checkpoint)


async def retain(log: PredictionLog, events: StructuredLog) -> None:
    """Keep the log within its age and size, in steps that predictions can pass between.

    Commits make room themselves; this is for what they leave, and while there are none.
    """
    while True:
        try:
            more = await asyncio.to_thread(log.retain)
        except Exception as error:  # noqa: BLE001 - the task must outlive whatever fails once
            events.warning("retention-failed", exc_info=error)
            more = False
        await asyncio.sleep(RETENTION_PAUSE_SECONDS if more else RETENTION_SECONDS)
