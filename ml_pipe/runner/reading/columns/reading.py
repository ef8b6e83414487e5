"""One column as it is understood."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class Reading:
    """One column as it is understood."""

    series: "pd.Series[Any]"
    """Typed: integers, floats, booleans, datetimes in UTC, categories or texts."""
    form: str = ""
    time_zone: str = ""
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    missing: str = ""
    """What was taken for missing, with counts."""
