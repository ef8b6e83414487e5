"""The context of a run, as `mlops train` makes it from the settings' defaults."""

from pathlib import Path
from typing import Any

from ml_pipe.runner.run.context import Context
from settings.model_settings import TRUSTED_TYPES


def context_in(local_data: Path, **known: Any) -> Context:
    """Return a context that writes into a folder and trusts what the settings trust."""
    return Context(local_data=str(local_data), trusted_types=TRUSTED_TYPES, **known)
