"""Every setting of the service, in one place.

A setting comes from the environment, else from a secret file, else from `settings.ini`, else from
its default. `[service] port` in the file is `service_port` here and `SERVICE_PORT` in the
environment: section and key, joined by an underscore.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from monitoring.log.options import BUSINESS_METRIC_BYTES, SMALLEST_KEY_BYTES, SMALLEST_LOG_BYTES
from settings.sources import PROJECT_ROOT, settings_sources

ROLES = 3
METRIC_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _split(value: Any) -> Any:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _pairs(value: Any) -> Any:
    return (
        dict(part.split("=", 1) if "=" in part else (part, "") for part in _split(value))
        if isinstance(value, str)
        else value
    )


def _keep(value: Any) -> Any:
    # `LOG_PREDICTIONS=true` is accepted from older environments.
    return (
        {"true": "full", "false": "none"}.get(value.lower(), value)
        if isinstance(value, str)
        else value
    )


TRUSTED_TYPES = (
    "ml_pipe.model_class.DateParts",
    "ml_pipe.model_class.TextParts",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""What the template's estimators are made of, and skops does not trust: the one list of it."""


def _with_default_types(value: Any) -> Any:
    types = list(_split(value))
    if "default" in types:
        place = types.index("default")
        types[place : place + 1] = TRUSTED_TYPES
    return types


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
IndexValue = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """The settings. The text under a field is its meaning; `mlops settings` prints it."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    mode: Literal["api", "jupyterlab", "vsc", "train"] = "vsc"
    """What the container does. Read from the environment only."""

    local_data: Path = PROJECT_ROOT / "local_data"
    """The folder for everything that is written at run time."""

    service_host: str = "127.0.0.1"
    """The address to listen on. Beyond loopback, `/predict` and `/docs` require credentials."""
    service_port: int = Field(8000, ge=0, le=65535)
    """The port to listen on; 0 takes a free port."""
    service_workers: int = Field(1, ge=1, le=64)
    """Number of worker processes. Each holds the models in memory and has queues of its own."""
    service_shutdown_seconds: int = Field(20, ge=1, le=3600)
    """Maximum time for requests in flight to finish after a stop was requested."""
    service_event_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of the events on standard output; `info` includes one line per request."""

    model_store: Literal["file"] = "file"
    """Where models are stored: `file` is `<local_data>/models`."""
    model_name: str = ""
    """The model behind `/predict`; empty: the only model in the store."""
    model_formats: Annotated[
        tuple[Literal["skops", "pickle"], ...], NoDecode, BeforeValidator(_split)
    ] = ("skops",)
    """Formats that may be loaded: `skops`; add `pickle` only if you trust every publisher."""
    model_trusted_types: Annotated[Names, BeforeValidator(_with_default_types)] = TRUSTED_TYPES
    """Types that a skops model may contain, in addition to those that skops trusts.

    In a list of your own, `default` stands for these.
    """
    model_poll_seconds: Seconds = 1
    """Interval between checks of the store for a moved alias."""

    train_if_empty: str = "examples/iris"
    """The pipeline to run when the service starts with an empty store; `none` or empty: none.

    If the run fails, the service starts without a model.
    """
    train_cell_timeout_seconds: Seconds = 600
    """Maximum time of one notebook cell; a longer cell fails the run."""
    train_setup: str = "setup-1"
    """A name for this machine or configuration; it is part of the id of each version."""

    predict_open: Literal["auto", "yes", "no"] = "auto"
    """Whether `/predict` is open without credentials; `auto`: only while bound to loopback."""
    predict_username: str = "predict"
    """The user name of the role `predict`."""
    predict_password: SecretStr = SecretStr("")
    """The password of the role `predict`; empty: the role has no user."""
    predict_max_body_bytes: int = Field(2_097_152, ge=1)
    """Maximum size of a request body."""
    predict_max_rows: int = Field(10_000, ge=1)
    """Maximum number of rows per request."""
    predict_max_string_characters: int = Field(10_000, ge=1)
    """Maximum length of a string value."""
    predict_body_timeout_seconds: Seconds = 10
    """Maximum time for a request body to arrive."""
    predict_timeout_seconds: Seconds = 30
    """Maximum time from the arrival of a request to its answer; later requests get 504."""
    predict_running_requests: int = Field(256, ge=1)
    """Maximum number of requests in one batch of a model."""
    predict_queue_requests: int = Field(1024, ge=1)
    """Maximum queue length per model; further requests get 503 with `Retry-After`."""
    predict_queue_bytes: int = Field(67_108_864, ge=1)
    """Maximum total size of bodies in memory; further requests get 503 with `Retry-After`."""

    metrics_username: str = "metrics"
    """The user name of the role `metrics`."""
    metrics_password: SecretStr = SecretStr("")
    """The password of the role `metrics`; empty: the role has no user."""
    metrics_password_copy: Path | None = None
    """A file that receives a copy of `METRICS_PASSWORD`, for a Prometheus of another user."""
    admin_username: str = "admin"
    """The user name of the role `admin`."""
    admin_password: SecretStr = SecretStr("")
    """The password of the role `admin`; empty: the role has no user."""

    log_predictions: Annotated[Literal["full", "hashed", "none"], BeforeValidator(_keep)] = "full"
    """What the log stores of inputs and outputs: their text, a keyed hash of it, or nothing."""
    log_personal_fields: Names = ()
    """Columns with personal data; the log stores a keyed hash in place of their values."""
    log_key: SecretStr = SecretStr("")
    """The key of these hashes; created at the first start that needs one."""
    log_durability: Literal["normal", "full"] = "normal"
    """What a logged answer survives: `normal`: a killed process; `full`: also a power failure."""
    log_on_failure: Literal["refuse", "serve"] = "refuse"
    """While the log cannot be written: `refuse` answers 503; `serve` marks answers as unlogged."""
    log_retention_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """How long requests stay in the log; empty: no limit."""
    log_max_bytes: Annotated[int, Field(ge=SMALLEST_LOG_BYTES)] | None = None
    """Maximum size of the log; beyond it the oldest requests are removed; empty: no limit."""

    monitoring_seconds: Seconds = 10
    """Interval between updates of windows, drift and live scores."""
    monitoring_min_rows: int = Field(20, ge=1)
    """Below this many rows no statistics and no scores are published."""
    window_rows: int = Field(1_000, ge=1, le=100_000)
    """How many of a version's newest rows are used for statistics and drift."""
    drift_min_rows: int = Field(100, ge=1)
    """Below this many rows, or below MONITORING_MIN_ROWS, drift is not evaluated."""
    drift_psi: IndexValue = 0.1
    """Minimum population stability index (PSI) of a column that has drifted."""
    drift_columns: Annotated[Mapping[str, IndexValue], NoDecode, BeforeValidator(_pairs)] = {}
    """DRIFT_PSI of single columns, as in `age=0.2, income=0.3`."""
    drift_alpha: float = Field(0.05, gt=0, lt=1)
    """Maximum probability of a false alarm over all columns of one side, inputs or outputs."""
    drift_dataset_share: float = Field(0.3, gt=0, le=1)
    """Minimum share of drifted columns for the dataset to count as drifted."""
    feedback_rows: int = Field(1_000, ge=1, le=100_000)
    """How many of a version's newest labelled rows are used for live scores."""
    feedback_queue_seconds: Annotated[float, Field(gt=0, le=2_592_000)] = 86_400
    """How long a row from the label queue is reserved for the person who received it."""

    business_metrics: Annotated[Names, Field(max_length=100)] = ()
    """Names that `POST /business-metrics` accepts, such as revenue; others are refused."""

    git_branch: str = ""
    """The git branch of this code; empty: read from git."""
    git_head: str = ""
    """The git commit of this code; empty: read from git."""

    mlflow_tracking_uri: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_registry_uri: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_model_name: str = ""
    """Accepted for compatibility; the file store does not use it."""
    mlflow_model_version: str = ""
    """Accepted for compatibility; the file store does not use it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - made anew by settings_sources
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is no .env file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as env_settings
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where settings come from; called by pydantic-settings."""
        return (init_settings, *settings_sources(settings_cls).values())

    @field_validator("predict_username", "metrics_username", "admin_username")
    @classmethod
    def _username(cls, value: str) -> str:
        if not value or ":" in value:
            raise ValueError("a user name must have at least one character and no colon")
        return value

    @model_validator(mode="after")
    def _distinct_users(self) -> Self:
        # One name with two passwords would make it unclear which role a caller asked for.
        if len({self.predict_username, self.metrics_username, self.admin_username}) < ROLES:
            raise ValueError("each role needs its own user name")
        return self

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.predict_queue_bytes < self.predict_max_body_bytes:
            raise ValueError("PREDICT_QUEUE_BYTES must be at least PREDICT_MAX_BODY_BYTES")
        if self.drift_min_rows > self.window_rows:
            raise ValueError(
                "WINDOW_ROWS must be at least DRIFT_MIN_ROWS, or drift is never evaluated"
            )
        needed = 2 * len(self.business_metrics) * BUSINESS_METRIC_BYTES
        if self.log_max_bytes is not None and needed > self.log_max_bytes:
            # They are not removed for the limit's sake: predictions would have to go instead.
            raise ValueError(
                f"LOG_MAX_BYTES must be at least {needed:,} for this many BUSINESS_METRICS: they "
                "may use half of it"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _text(cls, values: Any) -> Any:
        for name, value in values.items():
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise ValueError(f"{name.upper()} is not valid UTF-8 text") from None
        return values

    @field_validator("business_metrics")
    @classmethod
    def _metric_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(METRIC_NAME.fullmatch(name) for name in value):
            raise ValueError("a metric name has at most 64 characters: A-Z, a-z, 0-9, _, . and -")
        return value

    @field_validator("log_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SMALLEST_KEY_BYTES:
            raise ValueError(f"a key must have at least {SMALLEST_KEY_BYTES} characters")
        return value

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.service_host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.service_host).is_loopback
        except ValueError:
            return False

    @property
    def predict_is_open(self) -> bool:
        """Whether `/predict` asks for no credentials."""
        return self.predict_open == "yes" or (self.predict_open == "auto" and self.loopback)
