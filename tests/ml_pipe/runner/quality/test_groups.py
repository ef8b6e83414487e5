"""The score of each group of rows."""

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.groups import bias_of, score_groups
from ml_pipe.train_test_validate import score


@pytest.mark.slow  # it fits a model
def test_groups_are_scored_apart() -> None:
    """Missing values are a group; a handful of rows is shown and not compared."""
    table = pd.DataFrame(
        {
            "x": 0.0,
            "g": ["u"] * 10 + ["v"] * 20 + [None] * 10 + ["few"] * 3,
            "y": ["a"] * 10 + ["a", "b"] * 10 + ["b", "a", "a", "a", "a"] * 2 + ["b"] * 3,
        }
    )
    always_a = DummyClassifier(strategy="constant", constant="a").fit(table[["x"]], table["y"])
    groups = score_groups(always_a, table, ("g", "y"), "classification", score)
    assert groups["score"].dropna().to_dict() == {"u": 1.0, "v": 0.5, "missing": 0.8}
    assert groups.loc["few", "rows"] == 3
    assert bias_of(groups) == 0.5
    with pytest.raises(TableError, match="too many groups"):
        score_groups(always_a, table.assign(g=range(43)), ("g", "y"), "classification", score)
    with pytest.raises(TableError, match='no column "h"'):
        score_groups(always_a, table, ("h", "y"), "classification", score)
