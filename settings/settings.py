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
    # The seed system said `LOG_PREDICTIONS=true`; that keeps its meaning.
    return (
        {"true": "full", "false": "none"}.get(value.lower(), value)
        if isinstance(value, str)
        else value
    )


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
IndexValue = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """The settings. The text under a field is its meaning, as `mlops settings` prints it."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    mode: Literal["api", "jupyterlab", "vsc", "train"] = "vsc"
    """What the container does; from the environment only."""

    local_data: Path = PROJECT_ROOT / "local_data"
    """The folder that everything written at run time goes to."""

    service_host: str = "127.0.0.1"
    """The address to listen on. Beyond loopback, `/predict` and `/docs` ask for credentials."""
    service_port: int = Field(8000, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""
    service_workers: int = Field(1, ge=1, le=64)
    """How many processes answer, each with its models in memory and with queues of its own."""
    service_shutdown_seconds: int = Field(20, ge=1, le=3600)
    """How long requests in flight may take to finish once the service is told to stop."""
    service_event_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events written to standard output; `info` includes one line a request."""

    model_store: Literal["file"] = "file"
    """Where models are kept: `file` is `<local_data>/models`."""
    model_name: str = ""
    """The model that `/predict` answers with; empty: the only one in the store."""
    model_formats: Annotated[
        tuple[Literal["skops", "pickle"], ...], NoDecode, BeforeValidator(_split)
    ] = ("skops",)
    """The formats that may be loaded: `skops`; `pickle` only if you trust every publisher."""
    model_trusted_types: Names = (
        "ml_pipe.model_class.DateParts",
        "ml_pipe.model_class.TextParts",
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    )
    """Types that a skops model may hold, beyond those that skops trusts."""
    model_poll_seconds: Seconds = 1
    """How often the store is asked whether an alias has moved."""

    train_if_empty: str = "examples/iris"
    """The pipeline to run when the service starts on an empty store; `none` or empty: none.

    If it fails, the service starts without a model.
    """
    train_cell_timeout_seconds: Seconds = 600
    """How long one cell of a notebook may run before its run fails."""
    train_setup: str = "setup-1"
    """A name for this machine or configuration. It becomes a part of every version's id."""

    predict_open: Literal["auto", "yes", "no"] = "auto"
    """Whether `/predict` asks for no credentials; `auto`: only while bound to loopback."""
    predict_username: str = "predict"
    """The user name of the role `predict`."""
    predict_password: SecretStr = SecretStr("")
    """The password of the role `predict`; empty: nobody has the role."""
    predict_max_body_bytes: int = Field(2_097_152, ge=1)
    """The largest body that is read."""
    predict_max_rows: int = Field(10_000, ge=1)
    """The most rows of one request."""
    predict_max_string_characters: int = Field(10_000, ge=1)
    """The longest string of a row."""
    predict_body_timeout_seconds: Seconds = 10
    """How long a body may take to arrive."""
    predict_timeout_seconds: Seconds = 30
    """How long a request may wait for its answer."""
    predict_running_requests: int = Field(256, ge=1)
    """The most requests of one model that are answered together, as one batch."""
    predict_queue_requests: int = Field(1024, ge=1)
    """The most requests of one model that wait; those that come beyond are told to come back."""
    predict_queue_bytes: int = Field(67_108_864, ge=1)
    """The most bytes of bodies that are in the service at once; those beyond are told so, too."""

    metrics_username: str = "metrics"
    """The user name of the role `metrics`."""
    metrics_password: SecretStr = SecretStr("")
    """The password of the role `metrics`; empty: nobody has the role."""
    metrics_password_copy: Path | None = None
    """A file to copy that password to, for a Prometheus that runs as another user."""
    admin_username: str = "admin"
    """The user name of the role `admin`."""
    admin_password: SecretStr = SecretStr("")
    """The password of the role `admin`; empty: nobody has the role."""

    log_predictions: Annotated[Literal["full", "hashed", "none"], BeforeValidator(_keep)] = "full"
    """What the log keeps of inputs and outputs: their text, a keyed hash of it, or nothing."""
    log_personal_fields: Names = ()
    """Columns whose values are never stored in clear: a keyed hash stands in their place."""
    log_key: SecretStr = SecretStr("")
    """The key of those hashes; made at the first start that needs one."""
    log_durability: Literal["normal", "full"] = "normal"
    """What a logged answer survives: `normal` a killed process, `full` also a power cut."""
    log_on_failure: Literal["refuse", "serve"] = "refuse"
    """What happens while the log cannot be written: 503, or an answer marked as not logged."""
    log_retention_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """How long requests stay in the log; empty: for ever."""
    log_max_bytes: Annotated[int, Field(ge=SMALLEST_LOG_BYTES)] | None = None
    """The size beyond which the oldest requests leave the log; empty: no limit."""

    monitoring_seconds: Seconds = 10
    """How often windows, drift and live scores are looked at."""
    monitoring_min_rows: int = Field(20, ge=1)
    """Of fewer rows nothing is told, neither statistics nor scores."""
    window_rows: int = Field(1_000, ge=1, le=100_000)
    """How many rows of a version, the newest, its statistics and drift are of."""
    drift_min_rows: int = Field(100, ge=1)
    """A window of fewer rows is not judged, nor one of fewer than MONITORING_MIN_ROWS."""
    drift_psi: IndexValue = 0.1
    """The least population stability index of a column that has drifted."""
    drift_columns: Annotated[Mapping[str, IndexValue], NoDecode, BeforeValidator(_pairs)] = {}
    """The same for single columns, as in `age=0.2, income=0.3`."""
    drift_alpha: float = Field(0.05, gt=0, lt=1)
    """The chance, at most, that a test finds drift in any column of a side where there is none."""
    drift_dataset_share: float = Field(0.3, gt=0, le=1)
    """The least share of drifted columns by which the whole has drifted."""
    feedback_rows: int = Field(1_000, ge=1, le=100_000)
    """How many labelled rows of a version, the newest, its live scores are of."""
    feedback_queue_seconds: Annotated[float, Field(gt=0, le=2_592_000)] = 86_400
    """How long a row of the label queue is given to nobody else."""

    business_metrics: Annotated[Names, Field(max_length=100)] = ()
    """The names that `POST /business-metrics` takes, such as revenue; others are refused."""

    git_branch: str = ""
    """The branch that this code was built from; empty: asked from git when training."""
    git_head: str = ""
    """The commit that this code was built from; empty: asked from git when training."""

    mlflow_tracking_uri: str = ""
    """Kept from the seed system; the file store does not use it."""
    mlflow_registry_uri: str = ""
    """Kept from the seed system; the file store does not use it."""
    mlflow_model_name: str = ""
    """Kept from the seed system; the file store does not use it."""
    mlflow_model_version: str = ""
    """Kept from the seed system; the file store does not use it."""

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
            raise ValueError("a user name has at least one character and no colon")
        return value

    @model_validator(mode="after")
    def _distinct_users(self) -> Self:
        # One name with two passwords would make it unclear which role a caller asked for.
        if len({self.predict_username, self.metrics_username, self.admin_username}) < ROLES:
            raise ValueError("each role needs a user name of its own")
        return self

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.predict_queue_bytes < self.predict_max_body_bytes:
            raise ValueError(
                "PREDICT_QUEUE_BYTES has to hold one body of PREDICT_MAX_BODY_BYTES at least"
            )
        if self.drift_min_rows > self.window_rows:
            raise ValueError("WINDOW_ROWS has to be DRIFT_MIN_ROWS at least, or nothing is judged")
        needed = 2 * len(self.business_metrics) * BUSINESS_METRIC_BYTES
        if self.log_max_bytes is not None and needed > self.log_max_bytes:
            # They are not removed for the limit's sake: predictions would have to go instead.
            raise ValueError(
                f"LOG_MAX_BYTES has to be {needed:,} at least for so many BUSINESS_METRICS, which "
                "may fill half of it"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _text(cls, values: Any) -> Any:
        for name, value in values.items():
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise ValueError(f"{name.upper()} is no UTF-8 text") from None
        return values

    @field_validator("business_metrics")
    @classmethod
    def _metric_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(METRIC_NAME.fullmatch(name) for name in value):
            raise ValueError(
                "a metric's name has up to 64 of the characters A-Z, a-z, 0-9, _, . and -"
            )
        return value

    @field_validator("log_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SMALLEST_KEY_BYTES:
            raise ValueError(f"a key has at least {SMALLEST_KEY_BYTES} characters")
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
