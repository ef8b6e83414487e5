"""Makes what the service and the command both use from the settings."""

from collections.abc import Callable
from pathlib import Path

from model_store.file_store import FileModelStore
from model_store.model_process.model_processes import ModelProcesses
from model_store.seals.publishers import FOLDER, NOBODY, PublisherFolder
from model_store.seals.seal import Signer
from model_store.store import LoadPolicy
from monitoring.log.errors import LogFormatError, LogLockedError, LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.timestamps import utc_now
from monitoring.log.writing.prediction_log import PredictionLog
from monitoring.log.writing.writer import LogWriter
from settings.settings import Settings

OpenLog = Callable[[Settings], tuple[LogWriter, str]]
"""Opens the prediction log, as `prediction_log` does or in another way."""


class StartError(Exception):
    """The service cannot start; the sentence says what to do."""


def model_store(
    settings: Settings,
    signer: Signer | None = None,
    *,
    only_known: bool = False,
    estimators: bool = True,
    processes: ModelProcesses | None = None,
) -> FileModelStore:
    """Return the store of models.

    Args:
        settings: they say where it is, and what is trusted.
        signer: who seals what is published.
        only_known: whether a version that nobody has loaded yet is refused.
        estimators: whether any seal counts; without one, compiled forms alone are loaded.
        processes: where estimators answer; None: in this process.
    """
    policy = LoadPolicy(
        formats=frozenset(settings.model_formats),
        trusted_types=settings.model_trusted_types,
        publishers=publishers(settings) if estimators else NOBODY,
    )
    root = settings.local_data / "models"
    return FileModelStore(root, policy, signer=signer, only_known=only_known, processes=processes)


def model_processes(settings: Settings, folder: Path | None = None) -> ModelProcesses | None:
    """Return the model processes of a service; None where estimators answer in its own process.

    Args:
        settings: they say how many.
        folder: shared by the workers of the service, if it has some.
    """
    if not settings.model_processes:
        return None
    return ModelProcesses(settings.model_processes, settings.predict_timeout_seconds, folder)


def publishers(settings: Settings) -> PublisherFolder:
    """Return whose seals count here."""
    return PublisherFolder(settings.local_data / "secrets" / FOLDER)


def log_path(settings: Settings) -> Path:
    """Return where the prediction log stands."""
    return settings.local_data / "predictions.sqlite"


def log_options(settings: Settings) -> LogOptions:
    """Return what the prediction log keeps, and how.

    Raises:
        ValueError: values are to be hashed, and there is no key.
    """
    return LogOptions(
        durability=settings.log_durability,
        keep=settings.log_predictions,
        personal_fields=frozenset(settings.log_personal_fields),
        key=settings.log_key.get_secret_value().encode(),
        retention_days=settings.log_retention_days,
        max_bytes=settings.log_max_bytes,
    )


def prediction_log(settings: Settings) -> tuple[PredictionLog, str]:
    """Return the prediction log, and why it cannot be written now; usually empty.

    Raises:
        StartError: another service writes this log, or its file is something else.
    """
    try:
        options = log_options(settings)
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
