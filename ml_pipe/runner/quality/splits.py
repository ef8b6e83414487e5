"""Splits other than at random: by time, by groups that stay together, or as a column says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.guessing import FEWEST_BLOCKS
from ml_pipe.runner.table.split_column import split_kind
from model_store.manifest import Task
from model_store.schema.arrays.array_cells import holds_arrays

_NAMES = {
    "train": ("train", "training", "learn"),
    "test": ("test", "testing", "holdout"),
    "validation": ("validation", "valid", "val", "dev", "eval", "validate"),
}
_FEWEST_GROUPS = 3
_DRAWS = 20
_TIME_BLOCKS = 10
_UNEQUAL_ENDS = np.array([0.13, 0.18, 0.31, 0.37, 0.52, 0.63, 0.68, 0.81, 0.87])
"""Where a block ends, as a share of the rows, for blocks of different lengths."""


def split_by(
    run: RunData, split: str, shares: tuple[float, float], seed: int
) -> dict[str, pd.DataFrame]:
    """Return the rows of a run as "train", "test" and "validation", split by a column.

    By time, training has the oldest rows, the validation the newest. Rows of a group stay together.
    A predefined split is a column that says train, test or validation of each row; without a
    validation, some of the training rows are taken for it.

    Args:
        run: what `load` returned.
        split: as in "time:day", "group:patient", "predefined:fold".
        shares: those of the test and validation rows.
        seed: which groups are drawn.

    Raises:
        TableError: there is no such column, or a split would be empty.
    """
    kind, name = split_kind(split)
    column = column_to_split_by(run, name)
    if kind == "time":
        places = by_time(column, shares)
    elif kind == "group":
        places = by_group(column, run.table[run.target], run.task, shares, seed)
    else:
        places = as_predefined(column, shares[1], seed)
    if empty := [part for part, rows in places.items() if not len(rows)]:
        raise TableError(
            f"The split {split} leaves no rows for {' and '.join(empty)}: choose other shares or "
            "another column."
        )
    return {part: run.table.iloc[rows] for part, rows in places.items()}


def column_to_split_by(run: RunData, name: str) -> "pd.Series[Any]":
    """Return a column of the table, or one that was kept beside it for this.

    Raises:
        TableError: there is none, or it holds arrays.
    """
    for table in (run.beside, run.table):
        if table is not None and name in table:
            if holds_arrays(table[name]):
                raise TableError(f'The column "{name}" holds arrays: split by another.')
            return table[name]
    raise TableError(
        f'There is no column "{name}" to split by: the table has '
        f"{', '.join(map(str, run.table.columns[:10]))}."
    )


def by_time(moments: "pd.Series[Any]", shares: tuple[float, float]) -> dict[str, np.ndarray]:
    """Return the places of each split: the oldest to train on, then test, the newest to validate.

    Rows of one moment stay together; rows without one are trained on.
    """
    known = np.flatnonzero(moments.notna().to_numpy())
    order = known[np.argsort(moments.iloc[known].to_numpy(), kind="stable")]
    sizes = [round(share * len(moments)) for share in shares]
    values = moments.to_numpy()
    ends = []
    for size in (sum(sizes), sizes[1]):
        end = max(len(order) - size, 0)
        while 0 < end < len(order) and values[order[end]] == values[order[end - 1]]:
            end += 1
        ends.append(end)
    missing = np.flatnonzero(moments.isna().to_numpy())
    return {
        "train": np.concatenate([order[: ends[0]], missing]),
        "test": order[ends[0] : ends[1]],
        "validation": order[max(ends) :],
    }


def by_group(
    groups: "pd.Series[Any]",
    truth: "pd.Series[Any] | pd.DataFrame",
    task: Task,
    shares: tuple[float, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Return the places of each split; of several draws, the one with the most alike targets.

    Raises:
        TableError: there are too few groups.
    """
    codes, names = pd.factorize(groups, use_na_sentinel=False)
    if len(names) < _FEWEST_GROUPS:
        raise TableError(
            f'The column "{groups.name}" has {len(names)} groups: a split needs at least three.'
        )
    sizes = np.bincount(codes)
    labels = pd.DataFrame(truth)
    values = (
        pd.get_dummies(labels, columns=list(labels)).to_numpy(float)
        if task == "classification"
        else labels.to_numpy(dtype=float)
    )
    rng = np.random.default_rng(seed)
    draws = [_drawn_groups(sizes, shares, rng) for _ in range(_DRAWS)]
    best = min(draws, key=lambda parts: _unlikeness(parts[codes], values, shares))
    return {
        name: np.flatnonzero(best[codes] == place)
        for place, name in enumerate(("train", "test", "validation"))
    }


def _drawn_groups(
    sizes: np.ndarray, shares: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return the split of each group: 0 to train, 1 to test, 2 to validate."""
    parts = np.zeros(len(sizes), dtype=int)
    order = list(rng.permutation(len(sizes)))
    for part, share in ((1, shares[0]), (2, shares[1])):
        rows = 0
        while len(order) > 1 and rows < share * sizes.sum():
            rows += sizes[order[-1]]
            parts[order.pop()] = part
    return parts


def _unlikeness(parts: np.ndarray, values: np.ndarray, shares: tuple[float, float]) -> float:
    """Return how much the mean target and the sizes of the splits are from what was asked for."""
    wanted = (1 - sum(shares), *shares)
    spread = values.std(axis=0) + 1e-12
    found = 0.0
    for part, share in enumerate(wanted):
        rows = parts == part
        if not rows.any():
            return np.inf
        found += float((np.abs(values[rows].mean(axis=0) - values.mean(axis=0)) / spread).mean())
        found += 4 * abs(float(rows.mean()) - share)
    return found


def blocks_of(run: RunData, parts: Sequence[pd.DataFrame], split: str) -> list[np.ndarray | None]:
    """Return which rows are alike, `(rows,)` for each part: those of a group, or of some days.

    None for each part where rows stand by themselves, or groups are too few to be compared.

    Args:
        run: what `load` returned.
        parts: unseen rows, `(rows, columns)`.
        split: how they were split, as the parameter says it.
    """
    kind, name = split_kind(split)
    if kind not in {"group", "time"}:
        return [None] * len(parts)
    column = column_to_split_by(run, name)
    codes = pd.Series(pd.factorize(column, use_na_sentinel=False)[0], index=column.index)
    found: list[np.ndarray] = []
    for place, rows in enumerate(parts):
        if kind == "group":
            found.append(codes.loc[rows.index].to_numpy())
        else:
            own = column.loc[rows.index]
            ranks = own.rank(method="first", na_option="bottom").to_numpy() - 1
            numbers = (ranks * _TIME_BLOCKS // len(own)).astype(int)
            if run.facts.lags:
                # Blocks of whole weeks, say, would keep what a forecast knows of the weekday.
                numbers = np.searchsorted(_UNEQUAL_ENDS, ranks / len(own), side="right")
            found.append(numbers + place * _TIME_BLOCKS)
    if len(np.unique(np.concatenate(found))) < FEWEST_BLOCKS:
        return [None] * len(parts)
    return list(found)


def as_predefined(marks: "pd.Series[Any]", share: float, seed: int) -> dict[str, np.ndarray]:
    """Return the places of each split, as a column says.

    Raises:
        TableError: it says something else than train, test or validation.
    """
    words = marks.astype(object).map(lambda mark: str(mark).strip().lower()).to_numpy()
    known = {word: name for name, spellings in _NAMES.items() for word in spellings}
    if unknown := sorted(set(words) - set(known)):
        raise TableError(
            f'The column "{marks.name}" says {_listed(unknown)}: a predefined split says train, '
            "test or validation of each row."
        )
    parts = np.array([known[word] for word in words], dtype=object)
    places = {name: np.flatnonzero(parts == name) for name in _NAMES}
    if not len(places["validation"]):
        drawn = np.random.default_rng(seed).permutation(places["train"])
        size = round(share * len(marks))
        places["validation"], places["train"] = np.sort(drawn[:size]), np.sort(drawn[size:])
    return places


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words[:5])


def targets_by_split(run: RunData, splits: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a table of what is to be predicted: one column a split, of each target its rows."""
    columns = {
        name: pd.concat(
            {
                target: rows[target].describe()
                if run.task == "regression"
                else rows[target].value_counts()
                for target in run.targets
            }
        )
        for name, rows in splits.items()
    }
    table = pd.DataFrame(columns)
    return table.loc[run.target] if len(run.targets) == 1 else table
