"""`choose`: an estimator, fitted: the one of the second notebook, or the best of several."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pandas as pd

from ml_pipe.runner.choosing.calibration import with_calibration
from ml_pipe.runner.choosing.candidates import compare_candidates
from ml_pipe.runner.choosing.early_stopping import stopped_early
from ml_pipe.runner.choosing.fitting import with_class_weight, within_budget
from ml_pipe.runner.choosing.search import read_space, searched
from ml_pipe.runner.choosing.storable import check_storable
from ml_pipe.runner.choosing.threshold import BEST, with_threshold
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.intervals.with_interval import with_interval
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.quality.answers import Rows
from ml_pipe.runner.quality.cross_validation import FOLDS, parts_of
from ml_pipe.runner.quality.metrics import ScoreOf, metric_first, metric_name
from ml_pipe.runner.quality.splits import column_to_split_by
from ml_pipe.runner.run.progress import doing
from ml_pipe.runner.summary import Candidate
from ml_pipe.runner.table.split_column import split_kind
from ml_pipe.runner.targets.for_targets import for_targets, widest
from ml_pipe.runner.targets.one_output import score_each

Build = Callable[..., Any]
"""`build_estimator` of the second notebook: of task, inputs and seed, and of a candidate's name."""


@dataclass(frozen=True)
class Chosen:
    """A fitted estimator, and how it was chosen."""

    estimator: Any
    candidates: tuple[Candidate, ...] = ()
    """The leaderboard, the best first; empty: there was no choice."""
    threshold: str = ""
    """From which probability on which label is answered, a phrase."""
    notes: tuple[str, ...] = ()
    """What was changed so that it is fitted in a reasonable time; sentences."""
    on_validation: bool = False
    """Whether something was chosen by the validation rows, which are not unseen any more."""

    @property
    def leaderboard(self) -> pd.DataFrame | str:
        """Return a table of the candidates, or a sentence where there were none."""
        if not self.candidates:
            return "There was no choice: name candidates, as in candidates=linear,forest,boosting."
        rows = [msgspec.structs.asdict(each) for each in self.candidates]
        return pd.DataFrame(rows).set_index("name")


def choose(  # noqa: PLR0913 - what there is to choose among, and by what
    run: RunData,
    splits: Mapping[str, pd.DataFrame],
    build: Build,
    score: ScoreOf,
    *,
    candidates: Sequence[str] = (),
    booster: str = "",
    search: str = "",
    class_weight: str = "",
    threshold: str = "",
    calibrate: str = "",
    metric: str = "",
    split: str = "random",
    seed: int = 7,
) -> Chosen:
    """Return an estimator that is fitted on the training rows.

    Candidates are compared by cross-validation of the training rows; the test and validation rows
    stay unseen, but for a threshold that is the best on the validation rows.

    Args:
        run: what `load` returned.
        splits: "train", "test" and "validation", each `(rows, columns)`.
        build: `build_estimator` of the second notebook.
        score: your own measure, or that of the third notebook; the first value decides.
        candidates: the names that `build` knows; empty: no choice.
        booster: the name of a candidate that is taken without a comparison; empty: none. Boosted
            trees of other packages stop early, by the validation rows.
        search: a search space as JSON, see `read_space`.
        class_weight: "balanced", or nothing.
        threshold: "best", a probability, or nothing.
        calibrate: how its probabilities are calibrated on the validation rows: "temperature",
            "sigmoid" or "isotonic", or nothing.
        metric: the name of a score that decides in place of the first of `score`.
        split: how the rows were split, as the parameter says it.
        seed: the start of every random choice.

    Raises:
        TableError: there is no such candidate, setting, weight, metric or threshold.
        ModelStoreError: an estimator could not be published; nothing was trained yet.
        PipelineError: a class of one is none that a service can import.
    """
    rows, task = splits["train"], run.task
    if task == "regression" and (class_weight or threshold or calibrate):
        raise TableError("class_weight, threshold and calibrate are for a classification.")
    if (threshold or calibrate) and len(run.targets) > 1:
        raise TableError(
            "A threshold or a calibration is for one target: train a model for each target instead."
        )
    known = Rows(rows[run.names], rows[run.target])
    first = metric_first(score, metric, task, rows[run.targets[0]])
    scored = score_each(first, run.targets)
    space, notes = read_space(search), []
    if candidates and booster:
        raise TableError(
            f"candidates compares several, booster={booster} takes one: name it among the "
            "candidates, or leave these out."
        )
    names = list(candidates) or ([booster] if booster else list(space)) or [""]
    if names != [""] and len(inspect.signature(build).parameters) < 4:  # noqa: PLR2004 - the name
        raise TableError(
            "build_estimator of 01_model_class takes no candidate: give it a fourth argument, the "
            "name of one, or name no candidates."
        )
    if unknown := [name for name in space if candidates and name not in names]:
        raise TableError(f'The search space is of "{unknown[0]}", which is no candidate.')
    validation = Rows(splits["validation"][run.names], splits["validation"][run.target])
    by_validation: set[str] = set()
    estimators: dict[str, Any] = {}
    settings: dict[str, dict[str, str]] = {}
    for name in names:
        built = build(task, run.inputs, seed, *([name] if name else []))
        built, note = within_budget(with_class_weight(built, class_weight), widest(known.truth))
        notes += [note] if note else []
        built = for_targets(built, run.targets)
        answering = with_interval(built, run.facts.signature, len(rows), seed)
        check_storable(answering, known, run.facts.signature)
        estimators[name] = built
    for name, built in estimators.items():
        if name in space:
            doing(f"searching settings of {name}")
            estimators[name], settings[name] = searched(
                built, space[name], known.inputs, known.truth, task, score=scored, seed=seed
            )
            print(f"{name}: the best settings are {settings[name]}")  # noqa: T201 - as a cell prints
        estimators[name], note, is_seen = stopped_early(
            estimators[name], known, validation, seed, is_random=not split.startswith("time")
        )
        notes += [f"{name}: {note}" if len(names) > 1 else note] if note else []
        by_validation |= {name} if is_seen else set()
    board: list[Candidate] = []
    if names != [booster]:  # neither one that was asked for alone nor the usual one
        kind, column = split_kind(split)
        by = (kind, column_to_split_by(run, column).loc[rows.index]) if column else None
        parts = parts_of(known.truth, task, FOLDS, seed, by if kind != "predefined" else None)
        board = [
            msgspec.structs.replace(each, settings=settings.get(each.name, {}))
            for each in compare_candidates(estimators, known, parts, task, scored)
        ]
    winner = next((each.name for each in board if each.chosen), names[0])
    doing(f"fitting {winner or 'the estimator'} on {len(known.truth):,} rows")
    on_validation = threshold == BEST or bool(calibrate) or winner in by_validation
    estimator = with_interval(estimators[winner], run.facts.signature, len(rows), seed)
    estimator = estimator.fit(known.inputs, known.truth)
    estimator, note = with_calibration(estimator, calibrate, validation)
    notes += [note] if note else []
    by_metric = metric_name(metric, task) if metric else ""
    estimator, phrase = with_threshold(
        estimator, threshold, validation, known.truth.to_numpy(), by_metric
    )
    return Chosen(estimator, tuple(board), phrase, tuple(notes), on_validation=on_validation)
