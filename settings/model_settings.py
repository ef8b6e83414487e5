"""The settings of the model store, and of what trains for it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode

from settings.values import Names, Seconds, Section, split

_OWN_SECRETS = frozenset({"ADMIN_PASSWORD", "LOG_KEY", "METRICS_PASSWORD", "PREDICT_PASSWORD"})

TRUSTED_TYPES = (
    "ml_pipe.model_class.ArrayParts",
    "ml_pipe.model_class.DateParts",
    "ml_pipe.model_class.TextParts",
    "ml_pipe.runner.intervals.conformal.ConformalInterval",
    "ml_pipe.runner.untargeted.detector.AnomalyDetector",
)
"""What the template's estimators are made of besides types that a seal stands for."""


def _with_default_types(value: Any) -> Any:
    types = list(split(value))
    if "default" in types:
        place = types.index("default")
        types[place : place + 1] = TRUSTED_TYPES
    return types


class ModelSettings(Section):
    """The sections `[model]` and `[train]`."""

    model_store: Literal["file"] = "file"
    """Where models are stored: `file` is `<local_data>/models`."""
    model_name: str = ""
    """The model behind `/predict`; empty: the only model in the store."""
    model_formats: Annotated[
        tuple[Literal["skops", "pickle"], ...], NoDecode, BeforeValidator(split)
    ] = ("skops",)
    """Formats that may be loaded: `skops`; add `pickle` only if you trust every publisher."""
    model_trusted_types: Annotated[Names, BeforeValidator(_with_default_types)] = TRUSTED_TYPES
    """Types of other modules that a sealed model may contain; scikit-learn's need no mention.

    In a list of your own, `default` stands for these.
    """
    model_processes: Annotated[int, Field(ge=0, le=64)] = 4
    """How many versions may answer by their estimators in a process of their own, at once.

    Another one takes the place of the one that was not asked for the longest time. 0: they answer
    in the service's process, where one that hangs or crashes harms all.
    """
    model_seal: bool = True
    """Whether versions that are published here are sealed; `no` where others than you publish."""
    model_poll_seconds: Seconds = 1
    """Interval between checks of the store for a moved alias."""

    train_if_empty: str = "examples/iris"
    """The pipeline to run when the service starts with an empty store; `none` or empty: none.

    If the run fails, the service starts without a model.
    """
    train_cell_timeout_seconds: Seconds = 600
    """Maximum time of one notebook cell; a longer cell fails the run."""
    train_variables: Names = ()
    """Environment variables that notebooks get besides those of a plain program, by name.

    Passwords and keys of the service are never among them.
    """
    train_setup: str = "setup-1"
    """A name for this machine or configuration; it is part of the id of each version."""

    @field_validator("train_variables")
    @classmethod
    def _no_secret_of_ours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if secret := [name for name in value if name.upper() in _OWN_SECRETS]:
            raise ValueError(f"{', '.join(secret)}: the service's own secrets reach no notebook")
        return value
