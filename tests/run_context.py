"""The context of a run, as `mlops train` makes it from the settings' defaults."""

from pathlib import Path
from typing import Any

from ml_pipe.runner.run.context import Context
from settings.settings import Settings

TRUSTED_TYPES: tuple[str, ...] = Settings.model_fields["model_trusted_types"].default
"""The types that a stored model may hold: the one list of them."""


def context_in(local_data: Path, **known: Any) -> Context:
    """Return a context that writes into a folder and trusts what the settings trust."""
    return Context(local_data=str(local_data), trusted_types=TRUSTED_TYPES, **known)
