"""Rows that repeat others."""

import numpy as np
import pandas as pd

from ml_pipe.runner.quality.copies import seen_before


def test_a_row_that_training_has_seen_is_found() -> None:
    """And one that repeats another unseen row."""
    learnt = pd.DataFrame({"x": np.arange(10.0), "c": pd.Categorical(["a", "b"] * 5)})
    others = pd.DataFrame({"x": [3.0, 4.0, 11.0, 11.0], "c": pd.Categorical(["b", "b", "a", "a"])})
    (found,) = seen_before(learnt, [others])
    assert found.tolist() == [True, False, False, True]


def test_where_alike_rows_are_the_rule_none_is_a_copy() -> None:
    """As in a table of two flags."""
    table = pd.DataFrame({"flag": [True, False] * 50, "y": ["a", "b"] * 50})
    first, second = seen_before(table[:60], [table[60:80], table[80:]])
    assert not first.any()
    assert (len(first), len(second)) == (20, 20)
