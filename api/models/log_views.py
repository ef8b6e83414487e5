"""Makes the prediction log's views show the columns of every model that is served."""

from api.models.loaded_models import LoadedModels
from api.observe.audit_log import AuditLog
from monitoring.criteria import view_columns
from monitoring.log.errors import LogUnavailableError
from monitoring.log.writing.writer import LogWriter
from settings.settings import Settings


def declare_views(
    log: LogWriter, settings: Settings, audit_log: AuditLog, loaded_models: LoadedModels
) -> None:
    """Declare one view a model, and report a personal field that no model has.

    Raises:
        LogUnavailableError: the views will be made when the log can be written again.
        ValueError: two models have names that SQLite takes for one.
    """
    known = {column.name for served in loaded_models for column in served.manifest.signature}
    for name in settings.log_personal_fields:
        if known and name not in known:
            # Misspelt, it would hide nothing, and nobody would know.
            audit_log.record("personal-field-unknown", level="error", column=name)
    failures = []
    for served in loaded_models:
        try:
            log.declare(served.manifest.model, view_columns(served.manifest.signature))
        except (LogUnavailableError, ValueError) as error:
            # One view that cannot be made keeps no other from being made.
            failures.append(error)
    if failures:
        raise failures[0]
