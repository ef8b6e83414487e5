"""Time series: earlier values of the target as columns, found by their time, not by their row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from msgspec.structs import replace
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.table.split_column import split_kind

_MOST_LAGS = 100
_FEWEST_ROWS = 20
_REGULAR = 0.5
"""At least this share of the steps must be the usual one."""
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31


def lag_name(target: str, lag: int) -> str:
    """Return the name of the column with the value of so many steps before."""
    return f"{target}_lag_{lag}"


@dataclass(frozen=True)
class Lags:
    """Which earlier values of the target a model gets."""

    steps: tuple[int, ...]
    """How many steps before, ascending; empty: none."""
    time: str
    """The column with the time of each row."""
    series: str
    """The column that says which series a row is of; empty: there is one."""

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return what the parameters of a run ask for.

        Raises:
            TableError: they contradict each other.
        """
        texts = [str(each).strip() for each in parameters.get("lags") or ()]
        series = str(parameters.get("series") or "").strip()
        horizon = int(parameters.get("horizon", 1))
        if horizon < 1:
            raise TableError(f"horizon={horizon}: a forecast is at least one step ahead.")
        if not texts:
            if series or horizon > 1:
                raise TableError(
                    "series and horizon are for a forecast from earlier values: name these, as in "
                    f"-p lags={horizon},{horizon + 1}."
                )
            return cls((), "", "")
        if bad := [text for text in texts if not text.isdecimal() or int(text) < 1]:
            raise TableError(f'lags: "{bad[0]}" is no number of steps, as in lags=1,2,24.')
        steps = tuple(sorted({int(text) for text in texts}))
        if len(steps) > _MOST_LAGS:
            raise TableError(f"lags: {len(steps)} are too many: name at most {_MOST_LAGS}.")
        if early := [lag for lag in steps if lag < horizon]:
            raise TableError(
                f"lags={','.join(map(str, steps))}: the value of {early[0]} steps before is not "
                f"known yet {horizon} steps ahead. Name lags from {horizon} on, or another horizon."
            )
        kind, time = split_kind(str(parameters.get("split") or "random"))
        if kind != "time":
            raise TableError(
                "lags need rows that are split in time, so that a model is tested on what comes "
                "after its training: -p split=time:<the column with the time of each row>."
            )
        return cls(steps, time, series)

    @property
    def keys(self) -> list[str]:
        """Return the columns that say which row it is: the series, if it has one, and the time."""
        return [name for name in (self.series, self.time) if name]

    def names(self, target: str) -> list[str]:
        """Return the names of the columns that are made, the latest value first."""
        return [lag_name(target, lag) for lag in self.steps]

    def kept(self, options: ReadingOptions) -> ReadingOptions:
        """Return options that leave these columns in."""
        return replace(options, keep=(*options.keep, *self.keys))


def with_lags(
    table: pd.DataFrame, targets: Sequence[str], lags: Lags
) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """Return a table with a column for each lag, how many rows were dropped why, and remarks.

    A lag is a number of steps of the time, so that a row that is missing leaves a gap and does not
    move the values of others. The first rows of a series, before which there is nothing, are
    dropped.

    Args:
        table: `(rows, columns)`, recognised, each row with a target.
        targets: the column to predict, a number; several only where there are no lags.
        lags: what the run asked for.

    Raises:
        TableError: the rows are no time series with a usual step.
    """
    if not lags.steps:
        return table, {}, []
    if len(targets) > 1:
        raise TableError("lags are those of one target: train a model for each target instead.")
    (target,) = targets
    _check_columns(table, target, lags)
    keys = lags.keys
    timed = table.dropna(subset=keys)
    dropped = {f"without {' or '.join(keys)}": len(table) - len(timed)}
    _check_once(timed, keys, lags)
    step = _usual_step(timed, lags)
    made = {lag_name(target, lag): _earlier(timed, keys, target, step, lag) for lag in lags.steps}
    lagged = timed.assign(**made)
    begins = timed[lags.time] - _times(step, lags.steps[-1])
    first = (
        timed.groupby(lags.series, observed=True)[lags.time].transform("min")
        if lags.series
        else timed[lags.time].min()
    )
    is_late = (begins >= first).to_numpy()
    dropped[f"in the first {lags.steps[-1]} steps"] = int((~is_late).sum())
    kept = lagged[is_late].reset_index(drop=True)
    if len(kept) < _FEWEST_ROWS:
        raise TableError(
            f"{len(kept)} rows have a time that is {lags.steps[-1]} steps of {_shown(step)} after "
            f"the first, which is too few: it needs at least {_FEWEST_ROWS}. Name smaller lags, or "
            "bring more rows."
        )
    return kept, dropped, _remarks(kept, target, lags, step)


def _check_columns(table: pd.DataFrame, target: str, lags: Lags) -> None:
    for name in lags.keys:
        if name not in table:
            raise TableError(
                f'There is no column "{name}" for the time series: the table has '
                f"{', '.join(map(str, table.columns[:10]))}."
            )
    if not is_datetime64_any_dtype(table[lags.time].dtype):
        raise TableError(
            f'The column "{lags.time}" holds no dates: lags are found by the time of each row. If '
            f"it is one in another form, say which: -p read_as={lags.time}:<form>."
        )
    if not is_numeric_dtype(table[target].dtype) or table[target].dtype == bool:
        raise TableError(f'The target "{target}" holds no numbers: lags are made of numbers.')
    if taken := [name for name in lags.names(target) if name in table]:
        raise TableError(
            f'The table has a column "{taken[0]}" already: leave it out (-p leave_out={taken[0]}), '
            "or the lags."
        )


def _check_once(table: pd.DataFrame, keys: list[str], lags: Lags) -> None:
    """See that each moment of a series has one row."""
    twice = int(table.duplicated(keys).sum())
    if not twice:
        return
    cure = (
        "join them, or -p drop_duplicates=true where they are alike"
        if lags.series
        else "if there are several series, name the column that says which: -p series=<column>"
    )
    raise TableError(f"{twice} rows repeat the {' and '.join(keys)} of another row: {cure}.")


def _usual_step(table: pd.DataFrame, lags: Lags) -> pd.Timedelta | int:
    """Return the usual time between rows: a duration, or a number of months.

    Raises:
        TableError: there is none.
    """
    parts = (
        [part for _, part in table.groupby(lags.series, observed=True)] if lags.series else [table]
    )
    ordered = [part[lags.time].sort_values() for part in parts]
    steps = pd.concat([moments.diff().iloc[1:] for moments in ordered])
    if steps.empty:
        raise TableError("Each series has one row: there is nothing before it.")
    counts = steps.value_counts()
    usual = counts.index[0]
    days = steps / pd.Timedelta(days=1)
    moments = table[lags.time]
    if days.min() >= _SHORTEST_MONTH and _is_of_months(moments):
        months = pd.concat([_months(each).diff().iloc[1:] for each in ordered]).value_counts()
        return int(months.index[0])
    if counts.iloc[0] < _REGULAR * len(steps):
        raise TableError(
            f"The rows have no usual step in time: the commonest, {_shown(usual)}, is between "
            f"{counts.iloc[0]} of {len(steps)} rows. Bring one row for each hour, day or month."
        )
    return pd.Timedelta(usual)


def _is_of_months(moments: "pd.Series[Any]") -> bool:
    """Return whether all are on one day of the month, or all on the last one."""
    days = moments.dt.day
    return days.min() == days.max() or bool(moments.dt.is_month_end.all())


def _months(moments: "pd.Series[Any]") -> Any:
    return moments.dt.year * 12 + moments.dt.month


def _times(step: pd.Timedelta | int, lag: int) -> Any:
    """Return so many steps, as pandas subtracts them."""
    return pd.DateOffset(months=step * lag) if isinstance(step, int) else step * lag


def _earlier(
    table: pd.DataFrame, keys: list[str], target: str, step: pd.Timedelta | int, lag: int
) -> np.ndarray:
    """Return the target of so many steps before each row, `(rows,)`, NaN where there is none."""
    time = keys[-1]
    if isinstance(step, int):
        known, asked = _months(table[time]), _months(table[time]) - step * lag
    else:
        known, asked = table[time], table[time] - step * lag
    series = [table[name].astype(object) for name in keys[:-1]]
    values = pd.Series(
        table[target].to_numpy(dtype="float64", na_value=np.nan),
        index=pd.MultiIndex.from_arrays([*series, known]) if series else pd.Index(known),
    )
    wanted = pd.MultiIndex.from_arrays([*series, asked]) if series else pd.Index(asked)
    return values.reindex(wanted).to_numpy()


def _remarks(kept: pd.DataFrame, target: str, lags: Lags, step: pd.Timedelta | int) -> list[str]:
    names = lags.names(target)
    gaps = {name: int(kept[name].isna().sum()) for name in names}
    others = [n for n in map(str, kept.columns) if n not in {*names, *lags.keys, target}]
    asked = f"A request holds {', '.join(names)}: the value of {target} so many steps before."
    remarks = [f"A step is {_shown(step)}. {asked}"]
    if missing := {name: count for name, count in gaps.items() if count}:
        shown = ", ".join(f"{name} ({count})" for name, count in missing.items())
        remarks.append(f"Rows whose earlier value is missing in the table: {shown}.")
    if others:
        remarks.append(
            f"{', '.join(others)}: taken as known when the forecast is asked for. Leave out what "
            f"is measured together with {target}."
        )
    return remarks


def _shown(step: Any) -> str:
    if isinstance(step, int):
        return "1 month" if step == 1 else f"{step} months"
    delta = pd.Timedelta(step)
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = delta.total_seconds() / size
        if count >= 1 and count.is_integer():
            return f"{int(count)} {name}{'s' if count > 1 else ''}"
    return f"{delta.total_seconds():g} seconds"
