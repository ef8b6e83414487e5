"""The settings of the prediction log: what it keeps, and for how long."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from monitoring.log.options import BUSINESS_METRIC_BYTES, SMALLEST_KEY_BYTES, SMALLEST_LOG_BYTES
from settings.values import Names, Section

METRIC_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _keep(value: Any) -> Any:
    # `LOG_PREDICTIONS=true` is accepted from older environments.
    return (
        {"true": "full", "false": "none"}.get(value.lower(), value)
        if isinstance(value, str)
        else value
    )


class LogSettings(Section):
    """The sections `[log]` and `[business]`."""

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
    """Maximum size of the log and its write-ahead log; beyond it the oldest requests are removed;
    empty: no limit."""

    business_metrics: Annotated[Names, Field(max_length=100)] = ()
    """Names that `POST /business-metrics` accepts, such as revenue; others are refused."""

    @model_validator(mode="after")
    def _room_for_business_metrics(self) -> Self:
        needed = 2 * len(self.business_metrics) * BUSINESS_METRIC_BYTES
        if self.log_max_bytes is not None and needed > self.log_max_bytes:
            # They are not removed for the limit's sake: predictions would have to go instead.
            raise ValueError(
                f"LOG_MAX_BYTES must be at least {needed:,} for this many BUSINESS_METRICS: they "
                "may use half of it"
            )
        return self

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
