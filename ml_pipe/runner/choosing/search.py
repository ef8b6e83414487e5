"""A search for the best settings of a candidate: by scikit-learn's successive halving."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it must be imported
from sklearn.model_selection import HalvingRandomSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor

from ml_pipe.runner.choosing.early_stopping import boosted_of
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.quality.metrics import ScoreOf
from model_store.manifest import Task

Space = Mapping[str, Mapping[str, Any]]
"""What may be tried, by candidate and setting: a list of values, or a range with `low`, `high`."""

_TRIED = 24
_FEWEST_ROWS = 60
_FEWEST_OF_A_LABEL = 12


def read_space(text: str) -> Space:
    """Return a search space from the JSON that `[search.<candidate>]` tables become.

    Raises:
        TableError: it is something else.
    """
    if not text.strip():
        return {}
    try:
        space = json.loads(text)
        return {
            str(candidate): {str(name): _choices(name, values) for name, values in each.items()}
            for candidate, each in space.items()
        }
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise TableError(
            f"The search space cannot be read ({error}): parameters.toml has a table for each "
            "candidate, as in [search.boosting], with lists, as in learning_rate = [0.05, 0.1], or "
            "ranges, as in max_leaf_nodes = {low = 7, high = 63}."
        ) from error


def _choices(name: str, values: Any) -> Any:
    """Return a list, or the distribution of a range: of whole numbers, else on a logarithm."""
    if isinstance(values, list) and values:
        return values
    low, high = values["low"], values["high"]
    if not low < high:
        raise ValueError(f"{name} has no range from {low} to {high}")
    if isinstance(low, int) and isinstance(high, int):
        return stats.randint(low, high + 1)
    return stats.loguniform(low, high) if low > 0 else stats.uniform(low, high - low)


def searched(  # noqa: PLR0913 - what is searched, on which rows, by what
    estimator: Any,
    space: Mapping[str, Any],
    inputs: pd.DataFrame,
    truth: "pd.Series[Any]",
    task: Task,
    *,
    score: ScoreOf,
    seed: int,
) -> tuple[Any, dict[str, str]]:
    """Return an unfitted estimator with the best settings, and these as texts.

    Many settings are tried on few rows, the better half on twice as many, and so on.

    Args:
        estimator: an unfitted one; settings without `__` are those of its last step.
        space: what may be tried, as `read_space` returns it for a candidate.
        inputs: the training rows, `(rows, columns)`.
        truth: `(rows,)`.
        task: what is predicted.
        score: its first value decides.
        seed: what is tried.

    Raises:
        TableError: the estimator has no such setting.
    """
    steps = getattr(estimator, "steps", None)
    prefix = f"{steps[-1][0]}__" if steps else ""
    last = steps[-1][1] if steps else estimator
    is_around = isinstance(last, MultiOutputClassifier | MultiOutputRegressor)
    if is_around or boosted_of(estimator) is not None:
        prefix += "estimator__"
    named = {name if "__" in name else f"{prefix}{name}": tried for name, tried in space.items()}
    known = estimator.get_params()
    if unknown := [name for name in named if name not in known]:
        own = sorted(name.removeprefix(prefix) for name in known if name.startswith(prefix))
        raise TableError(
            f'There is no setting "{unknown[0].removeprefix(prefix)}" to search: there are '
            f"{', '.join(own)}."
        )
    search = HalvingRandomSearchCV(
        estimator,
        named,
        n_candidates=min(_TRIED, _count(named)),
        factor=2,
        min_resources=_fewest_rows(truth, task),
        cv=3,
        scoring=lambda model, rows, values: float(
            next(iter(score(model, rows, values, task).values()))
        ),
        refit=False,
        random_state=seed,
        error_score=float("nan"),
    )
    with warnings.catch_warnings():
        # A label that is missing among few rows; the next halving has more.
        warnings.simplefilter("ignore")
        try:
            search.fit(inputs, truth)
        except ValueError as error:
            reason = str(error).strip().splitlines()[-1]
            raise TableError(f"No setting of the search can be fitted: {reason}") from error
    best = dict(search.best_params_)
    return estimator.set_params(**best), {
        name.removeprefix(prefix): str(value) for name, value in best.items()
    }


def _fewest_rows(truth: "pd.Series[Any]", task: Task) -> int:
    """Return how many rows a search begins with: an eighth, and some of each label."""
    rows = len(truth)
    wanted = max(rows // 8, _FEWEST_ROWS)
    if task == "classification":
        targets = pd.DataFrame(truth)
        rarest = min(int(targets[name].value_counts().min()) for name in targets)
        wanted = max(wanted, _FEWEST_OF_A_LABEL * rows // rarest)
    return min(wanted, rows)


def _count(space: Mapping[str, Any]) -> int:
    """Return how many settings there are: as many as are tried, where a range is among them."""
    count = 1
    for tried in space.values():
        count *= len(tried) if isinstance(tried, list) else _TRIED
    return max(count, 1)
