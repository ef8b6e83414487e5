"""Tests by shuffling: how often answers that know nothing of their row look as good as these.

They hold for few rows, rare labels and heavy tails.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

_DRAWS = 1999
_FEWEST_DRAWS = 199
_CELLS = 10_000_000
"""How many values are shuffled in all: of many rows fewer draws, and a normal distribution."""
_BLOCKS = 400_000
"""How many blocks are moved in all."""
_MOST_DRAWN_LABELS = 20


def p_of_pairs(
    score: Callable[[np.ndarray], float],
    rows: int,
    rng: np.random.Generator,
    blocks: np.ndarray | None = None,
) -> float:
    """Return the p-value of a score of truths paired with answers; more is better.

    Args:
        score: returns it where truth `order[i]` is paired with answer `i`; `order` is `(rows,)`.
        rows: how many pairs there are.
        rng: draws the orders.
        blocks: which rows are alike, `(rows,)`, as those of one patient: they are shuffled as a
            whole. None: each row by itself.
    """
    found = score(np.arange(rows))
    draws = int(np.clip(_CELLS // max(rows, 1), _FEWEST_DRAWS, _DRAWS))
    if blocks is None:
        orders = (rng.permutation(rows) for _ in range(draws))
    else:
        members = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
        draws = min(draws, max(_BLOCKS // len(members), _FEWEST_DRAWS))
        orders = (_in_blocks(members, rows, rng) for _ in range(draws))
    drawn = np.array([score(order) for order in orders])
    if draws == _DRAWS:
        return float((1 + (drawn >= found - 1e-12).sum()) / (1 + draws))
    deviation = drawn.std(ddof=1)
    return float(stats.norm.sf((found - drawn.mean()) / deviation)) if deviation else 1.0


def _in_blocks(members: list[np.ndarray], rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return an order that gives each block the rows of another, repeated or cut to its size."""
    order = np.empty(rows, dtype=np.int64)
    for block, other in zip(members, rng.permutation(len(members)), strict=True):
        order[block] = np.resize(members[other], len(block))
    return order


def p_of_table(table: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> float:
    """Return the p-value of a weighted sum of right answers.

    Args:
        table: how many rows have which label and got which answer, `(labels, labels)`.
        weights: what a right answer counts, by label, `(labels,)`.
        rng: draws tables with the same sums of rows and columns.
    """
    counts, answered = table.sum(axis=1), table.sum(axis=0)
    if min((counts > 0).sum(), (answered > 0).sum()) < 2:  # noqa: PLR2004 - one label knows nothing
        return 1.0
    found = float(np.diag(table) @ weights)
    if len(counts) <= _MOST_DRAWN_LABELS:
        tables = stats.random_table(counts, answered).rvs(size=_DRAWS, random_state=rng)
        drawn = np.diagonal(tables, axis1=1, axis2=2) @ weights
        return float((1 + (drawn >= found - 1e-12).sum()) / (1 + _DRAWS))
    # The moments of a sum over shuffled pairs (Hoeffding 1951).
    rows = counts.sum()
    by_truth, by_answer = answered * weights / rows, counts * weights / rows
    mean = float(by_truth @ counts) / rows
    every = np.diag(weights) - by_truth[:, None] - by_answer[None, :] + mean
    variance = (
        float((counts[:, None] * answered[None, :] / rows * every**2).sum()) * rows / (rows - 1)
    )
    return float(stats.norm.sf((found - mean * rows) / np.sqrt(variance))) if variance else 1.0
