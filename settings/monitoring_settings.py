"""The settings of what is computed from the prediction log: windows, drift, live scores."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from settings.values import Seconds, Section, pairs

IndexValue = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MonitoringSettings(Section):
    """The sections `[monitoring]`, `[window]`, `[drift]` and `[feedback]`."""

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
    drift_columns: Annotated[Mapping[str, IndexValue], NoDecode, BeforeValidator(pairs)] = {}
    """DRIFT_PSI of single columns, as in `age=0.2, income=0.3`."""
    drift_alpha: float = Field(0.05, gt=0, lt=1)
    """Maximum probability of a false alarm over all columns of one side, inputs or outputs."""
    drift_dataset_share: float = Field(0.3, gt=0, le=1)
    """Minimum share of drifted columns for the dataset to count as drifted."""
    feedback_rows: int = Field(1_000, ge=1, le=100_000)
    """How many of a version's newest labelled rows are used for live scores."""
    feedback_queue_seconds: Annotated[float, Field(gt=0, le=2_592_000)] = 86_400
    """How long a row from the label queue is reserved for the person who received it."""

    @model_validator(mode="after")
    def _room_for_drift(self) -> Self:
        if self.drift_min_rows > self.window_rows:
            raise ValueError(
                "WINDOW_ROWS must be at least DRIFT_MIN_ROWS, or drift is never evaluated"
            )
        return self
