"""Opens what the service and the command both use, as the settings say."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from api.catalog import Catalog
from api.journal import Journal
from api.settings import Settings
from model_store.file_store import FileModelStore
from model_store.signature import Signature
from model_store.store import LoadPolicy, ModelStore
from monitoring.log.errors import LogFormatError, LogLockedError, LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.prediction_log import PredictionLog
from monitoring.log.views import ViewColumn
from monitoring.log.writer import LogWriter

OpenLog = Callable[[Settings], tuple[LogWriter, str]]
"""Opens the prediction log, as `prediction_log` does or in another way."""


class StartError(Exception):
    """The service must not start like this; the sentence says what to do."""


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def model_store(settings: Settings) -> ModelStore:
    """Return the store of models."""
    policy = LoadPolicy(
        formats=frozenset(settings.model_formats), trusted_types=settings.model_trusted_types
    )
    return FileModelStore(settings.local_data / "models", policy)


def log_path(settings: Settings) -> Path:
    """Return where the prediction log stands."""
    return settings.local_data / "predictions.sqlite"


def prediction_log(settings: Settings) -> tuple[PredictionLog, str]:
    """Return the prediction log, and why it cannot be written now: usually an empty text.

    Raises:
        StartError: another service writes this log, or its file is something else.
    """
    try:
        options = LogOptions(
            durability=settings.log_durability,
            keep=settings.log_predictions,
            personal_fields=frozenset(settings.log_personal_fields),
            key=settings.log_key.get_secret_value().encode(),
            retention_days=settings.log_retention_days,
            max_bytes=settings.log_max_bytes,
        )
    except ValueError as error:
        raise StartError(str(error)) from error
    log = PredictionLog(log_path(settings), options, utc_now)
    try:
        log.open()
    except (LogLockedError, LogFormatError) as error:
        log.close()
        raise StartError(str(error)) from error
    except LogUnavailableError as error:
        return log, str(error)
    return log, ""


def signature_columns(signature: Signature) -> list[ViewColumn]:
    """Return the columns of a signature, as the log shows them."""
    columns = [ViewColumn(c.name, str(c.kind), "input") for c in signature.inputs]
    return columns + [ViewColumn(c.name, str(c.kind), "output") for c in signature.outputs]


def adopt(log: LogWriter, settings: Settings, journal: Journal, catalog: Catalog) -> None:
    """Make the log's views show the columns of all served models, and see that it hides the right.

    Raises:
        LogUnavailableError: they will be made when the log can be written again.
        ValueError: two models have names that SQLite takes for one.
    """
    known = {column.name for served in catalog for column in served.manifest.signature}
    for name in settings.log_personal_fields:
        if known and name not in known:
            # Misspelt, it would hide nothing, and nobody would know.
            journal.tell("personal-field-unknown", level="error", column=name)
    failures = []
    for served in catalog:
        try:
            log.declare(served.manifest.model, signature_columns(served.manifest.signature))
        except (LogUnavailableError, ValueError) as error:
            # One view that cannot be made keeps no other from being made.
            failures.append(error)
    if failures:
        raise failures[0]
