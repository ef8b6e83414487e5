"""What an evaluation found: the scores, the comparison with guessing, the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pandas as pd

from ml_pipe.runner.quality.groups import bias_of
from ml_pipe.runner.summary import Comparison, Summary
from model_store.manifest import Score


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found."""

    by_split: Mapping[str, Mapping[str, float]]
    """The scores of each split: train, test, validation."""
    guessed: Mapping[str, float]
    """Those of the best guess that ignores the inputs, on the test rows."""
    unseen: pd.DataFrame
    """The rows of test and validation."""
    answers: np.ndarray
    """The estimator's answers to these rows."""
    importance: Mapping[str, float]
    """How much the deciding score falls when a column is shuffled, most important first."""
    groups: pd.DataFrame | None
    """One row a group: `rows` and `score`, NaN where they are too few; None: no group was named."""
    fairness: str
    """What is known of the groups, a sentence for the model card."""
    comparison: Comparison
    """The estimator beside guessing, on rows that it has not seen."""
    summary: Summary
    """What a run reports at its end, so far as it is known here."""
    errors: Mapping[str, float | None] = field(default_factory=dict)
    """The standard error of the deciding score of each split but train."""
    warnings: tuple[str, ...] = ()
    """What to beware of, sentences; refused where a run is strict."""

    @property
    def deciding(self) -> str:
        """Return the name of the score that decides on acceptance."""
        return next(iter(self.by_split["test"]))

    @property
    def decisive(self) -> dict[str, float]:
        """Return the deciding score of each split."""
        return {name: found[self.deciding] for name, found in self.by_split.items()}

    @property
    def bias(self) -> float:
        """Return the largest difference between the scores of groups; 0 where there are none."""
        return 0.0 if self.groups is None else bias_of(self.groups)

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return all scores, as the manifest keeps them."""
        return tuple(
            Score(metric=metric, split=name, value=float(value))
            for name, found in self.by_split.items()
            for metric, value in found.items()
        )

    @property
    def overview(self) -> pd.DataFrame:
        """Return a table of all scores: one row a score, one column a split, and the guess."""
        return pd.DataFrame({**self.by_split, "test, guessed": self.guessed})

    @property
    def beside_guessing(self) -> pd.DataFrame:
        """Return a table of the comparison with guessing: one row a look."""
        looks = pd.DataFrame(map(msgspec.structs.asdict, self.comparison.looks))
        return looks if looks.empty else looks.set_index("score")
