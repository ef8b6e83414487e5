"""Whether a model is better than guessing by more than noise, in two looks at unseen rows.

`docs/explanation/guessing.md` has the reasons and the error rates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats
from sklearn.dummy import DummyClassifier, DummyRegressor

from ml_pipe.runner.quality.answers import Answers, Rows
from ml_pipe.runner.quality.metrics import ScoreOf, quantile_of
from ml_pipe.runner.quality.shuffling import p_of_pairs, p_of_table
from ml_pipe.runner.summary import Comparison, Look
from model_store.manifest import Task

LEVEL = 0.01
"""At most so many models that know nothing pass; each of two looks has half of it."""
FEWEST_BLOCKS = 8
"""With fewer groups of rows these cannot be compared as wholes."""
FEWEST_ROWS = 10
"""With fewer rows nothing can be shown."""
_SURE = 1e-3
"""No probability counts as smaller: one sure mistake would outweigh all that is right."""


@dataclass(frozen=True)
class Part:
    """Rows that the model did not learn from: their true values and its answers."""

    truth: np.ndarray
    """`(rows,)`"""
    answers: Answers
    blocks: np.ndarray | None = None
    """`(rows,)`: which rows are alike, as those of one patient; None: each stands by itself."""

    def take(self, places: np.ndarray) -> "Part":
        """Return some of the rows, by their places or as a mask."""
        blocks = None if self.blocks is None else self.blocks[places]
        return Part(self.truth[places], self.answers.take(places), blocks)


def guessed_scores(learnt: Rows, known: Rows, task: Task, score: ScoreOf) -> dict[str, float]:
    """Return the scores of the best guess that ignores all columns.

    That is the most frequent label and the labels' shares; of amounts the mean, the median for
    absolute errors, or the quantile that a pinball loss names.
    """

    def scored(dummy: Any) -> Mapping[str, float]:
        dummy.fit(learnt.inputs, learnt.truth)
        return score(dummy, known.inputs, known.truth, task)

    if task == "classification":
        return dict(scored(DummyClassifier()))
    found = dict(scored(DummyRegressor()))
    for name in found:
        quantile = quantile_of(name)
        if "absolute" in name or "wape" in name:
            quantile = 0.5
        if quantile is not None:
            found[name] = scored(DummyRegressor(strategy="quantile", quantile=quantile))[name]
    return found


def compare(
    learnt: "pd.Series[Any] | np.ndarray",
    parts: Sequence[Part],
    task: Task,
    where: str,
    *,
    seed: int = 7,
) -> Comparison:
    """Return how a model compares with guessing.

    Args:
        learnt: the true values of the rows that it was fitted on, `(rows,)`; guesses come of them.
        parts: unseen rows; the probabilities of each part are calibrated on the other one.
        task: what the model is for.
        where: which rows these are, for sentences.
        seed: the start of the draws.
    """
    learnt = _plain(learnt)
    parts = [replace(part, truth=_plain(part.truth)) for part in parts]
    rows = sum(len(part.truth) for part in parts)
    if rows < FEWEST_ROWS:
        return Comparison(rows=rows, where=where, looks=())
    if task == "regression":
        return Comparison(rows=rows, where=where, looks=_amounts(learnt, parts, seed))
    looks, remarks = _labels(learnt, parts, seed)
    return Comparison(rows=rows, where=where, looks=looks, remarks=remarks)


def _plain(values: "pd.Series[Any] | np.ndarray") -> np.ndarray:
    """Return values as an array of numpy, of objects or of numbers."""
    array = np.asarray(values)
    return array if array.dtype.kind in "iufb" else array.astype(object)


def _amounts(learnt: np.ndarray, parts: Sequence[Part], seed: int) -> tuple[Look, ...]:
    """Return the squared errors against the mean, the absolute ones against the median."""
    learnt = learnt.astype(float)
    truth = np.concatenate([part.truth for part in parts]).astype(float)
    answers = np.concatenate([part.answers.predicted for part in parts]).astype(float)
    mean, median = learnt.mean(), np.median(learnt)
    spread = np.square(truth - truth.mean()).mean() or 1.0
    squares, from_mean = np.square(truth - answers), np.square(truth - mean)
    errors, from_median = np.abs(truth - answers), np.abs(truth - median)
    rng, blocks = np.random.default_rng(seed), _blocks(parts)
    return (
        _look(
            "R2",
            (1 - squares.mean() / spread, 1 - from_mean.mean() / spread),
            "the mean",
            max(
                _p_of(from_mean - squares, blocks),
                _p_shuffled(truth, answers, np.square, rng, blocks),
            ),
        ),
        _look(
            "mean absolute error",
            (errors.mean(), from_median.mean()),
            "the median",
            max(
                _p_of(from_median - errors, blocks),
                _p_shuffled(truth, answers, np.abs, rng, blocks),
            ),
        ),
    )


def _p_shuffled(
    truth: np.ndarray,
    answers: np.ndarray,
    loss: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    blocks: np.ndarray | None,
) -> float:
    """Return how often answers to other rows are as near: heavy tails would fool a t-test."""
    return p_of_pairs(
        lambda order: -float(loss(truth[order] - answers).mean()), len(truth), rng, blocks
    )


def _blocks(parts: Sequence[Part]) -> np.ndarray | None:
    """Return the blocks of all parts; None where rows stand by themselves."""
    found = [part.blocks for part in parts if part.blocks is not None]
    return np.concatenate(found) if len(found) == len(parts) else None


def _labels(
    learnt: np.ndarray, parts: Sequence[Part], seed: int
) -> tuple[tuple[Look, ...], tuple[str, ...]]:
    """Return balanced accuracy and log loss, and a remark where the probabilities mislead."""
    truth = np.concatenate([part.truth for part in parts])
    answers = np.concatenate([part.answers.predicted for part in parts])
    found = _balanced(truth, answers, _blocks(parts), seed)
    if any(part.answers.probabilities is None for part in parts):
        return (found,), ()
    log_loss, plain = _log_loss(learnt, parts, seed)
    if plain <= log_loss.guess:
        return (found, log_loss), ()
    remark = (
        f"Its probabilities are worse than the mere shares of the labels: log loss {plain:.3g} "
        f"against {log_loss.guess:.3g}. Use its labels, not its probabilities, or calibrate it "
        "(CalibratedClassifierCV)."
    )
    return (found, log_loss), (remark,)


def _balanced(truth: np.ndarray, answers: np.ndarray, blocks: np.ndarray | None, seed: int) -> Look:
    """Return the balanced accuracy, against the most frequent label.

    Tested by shuffling the true values among the rows, which keeps how often each label occurs and
    is answered: exact for few rows, and for rare labels too.
    """
    codes, labels = pd.factorize(np.concatenate([truth, answers]).astype(object))
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(table, (codes[: len(truth)], codes[len(truth) :]), 1)
    counts = table.sum(axis=1)
    weights = np.divide(1.0, counts, out=np.zeros(len(labels)), where=counts > 0)
    weights /= max((counts > 0).sum(), 1)
    score = float(np.diag(table) @ weights)
    guess = 1.0 / max(int((counts > 0).sum()), 1)
    rng = np.random.default_rng(seed)
    if blocks is None:
        p = p_of_table(table, weights, rng)
    else:
        asked, given = codes[: len(truth)], codes[len(truth) :]
        worth = np.where(counts > 0, weights, 0)[asked]
        p = p_of_pairs(
            lambda order: float((worth[order] * (asked[order] == given)).sum()),
            len(truth),
            rng,
            blocks,
        )
    return _look("balanced accuracy", (score, guess), "the most frequent label", p)


def _log_loss(learnt: np.ndarray, parts: Sequence[Part], seed: int) -> tuple[Look, float]:
    """Return the log loss after calibration, against the labels' shares; and before it."""
    labels = np.asarray(parts[0].answers.labels).astype(object)
    shares = pd.Series(learnt.astype(object)).value_counts(normalize=True).reindex(labels)
    prior = np.log(np.clip(shares.fillna(0).to_numpy(dtype=float), _SURE, 1))
    sides, kept = [], []
    for part in parts:
        places = pd.Index(labels).get_indexer(part.truth.astype(object))
        known = places >= 0  # a label that training has not seen is lost to both
        logs = np.log(np.clip(np.asarray(part.answers.probabilities)[known], _SURE, 1))
        sides.append((logs, places[known]))
        kept.append(replace(part, truth=part.truth[known], blocks=_some(part.blocks, known)))
    gains, plain = [], []
    for own, (logs, places) in enumerate(sides):
        other = sides[1 - own] if len(sides) > 1 else sides[own]
        mixed = _mixed(logs, prior, _trust(*other, prior))
        rows = np.arange(len(places))
        gains.append(mixed[rows, places] - prior[places])
        plain.append(-logs[rows, places])
    gain = np.concatenate(gains)
    guess = -float(np.concatenate([prior[places] for _, places in sides]).mean())
    every, codes = (np.concatenate(both) for both in zip(*sides, strict=True))
    rows = np.arange(len(codes))
    # Whether some trust above 0 gains anything: the sign of the slope of the gain at 0.
    p = p_of_pairs(
        lambda order: float(every[rows, codes[order]].mean()),
        len(codes),
        np.random.default_rng(seed),
        _blocks(kept),
    )
    look = _look(
        "calibrated log loss",
        (guess - gain.mean(), guess),
        "their shares",
        p if gain.mean() > 0 else 1,
    )
    return look, float(np.concatenate(plain).mean())


def _mixed(logs: np.ndarray, prior: np.ndarray, trust: float) -> np.ndarray:
    """Return log probabilities between the labels' shares (trust 0) and the model's own (1)."""
    mixed = trust * logs + (1 - trust) * prior
    return mixed - np.logaddexp.reduce(mixed, axis=1, keepdims=True)


def _trust(logs: np.ndarray, places: np.ndarray, prior: np.ndarray) -> float:
    """Return how far a model's probabilities are to be trusted: the best on these rows."""
    if not len(places):
        return 0.0
    rows = np.arange(len(places))

    def loss(trust: float) -> float:
        return -float(_mixed(logs, prior, trust)[rows, places].mean())

    best = float(optimize.minimize_scalar(loss, bounds=(0, 1.5), method="bounded").x)
    return best if loss(best) < loss(0) else 0.0


def _some(blocks: np.ndarray | None, known: np.ndarray) -> np.ndarray | None:
    return None if blocks is None else blocks[known]


def _p_of(gains: np.ndarray, blocks: np.ndarray | None) -> float:
    """Return the p-value of a paired t-test, one-sided: are the gains above 0 in the mean?

    Of blocks of rows, the sums of their gains are tested.
    """
    if blocks is not None:
        gains = np.bincount(np.unique(blocks, return_inverse=True)[1], weights=gains)
    deviation = gains.std(ddof=1) if len(gains) > 1 else 0.0
    if not deviation:
        return 0.0 if len(gains) >= FEWEST_BLOCKS and gains.mean() > 0 else 1.0
    return float(stats.t.sf(gains.mean() / deviation * np.sqrt(len(gains)), len(gains) - 1))


def _look(score: str, both: tuple[float, float], by: str, p: float) -> Look:
    model, guess = float(both[0]), float(both[1])
    return Look(score=score, model=model, guess=guess, by=by, p=p, is_beaten=p < LEVEL / 2)
