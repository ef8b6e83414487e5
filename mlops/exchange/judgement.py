"""How good a model from elsewhere is on the examples, and whether it is better than guessing."""

from typing import NamedTuple

import numpy as np

from ml_pipe.runner.errors import AcceptanceError
from ml_pipe.runner.quality.answers import Remembering, answers_of
from ml_pipe.runner.quality.guessing import FEWEST_ROWS, Part, compare
from ml_pipe.runner.summary import Comparison
from ml_pipe.train_test_validate import score
from mlops.exchange.answering import Answering
from mlops.exchange.wants import Examples
from model_store.predictor import Predictor

WHERE = "the examples"


class Judgement(NamedTuple):
    """What the examples show of a model."""

    scores: dict[str, float]
    comparison: Comparison
    answers: np.ndarray
    """`(rows,)`: what it answers to the examples."""


def judge(
    predictor: Predictor, examples: Examples, *, accept_guessing: bool, seed: int
) -> Judgement:
    """Return how good a model is on the examples.

    Raises:
        AcceptanceError: it is not better than guessing.
        PredictionError: it gives no proper answer.
    """
    model = Answering(predictor, examples.signature)
    answers = answers_of(model, examples.inputs)
    truth = examples.truth.to_numpy()
    # In halves, as the probabilities of each are calibrated on the other one.
    order = np.random.default_rng(seed).permutation(len(truth))
    parts = [Part(truth[half], answers.take(half)) for half in np.array_split(order, 2)]
    comparison = compare(examples.truth, parts, examples.task, WHERE, seed=seed)
    if not (comparison.is_beaten or accept_guessing):
        raise AcceptanceError(_refusal(comparison, examples.signature.outputs[0].name))
    known = Remembering(model)
    known.remember(examples.inputs, answers)
    scores = score(known, examples.inputs, examples.truth, examples.task)
    return Judgement(dict(scores), comparison, answers.predicted)


def _refusal(comparison: Comparison, target: str) -> str:
    looks = "; ".join(look.phrase() for look in comparison.looks)
    shown = looks or f"{comparison.rows} examples are too few, and {FEWEST_ROWS} are needed"
    return (
        f"It is not imported, as it is not better than guessing by more than noise: {shown}. See "
        f'that "{target}" is what it predicts, and that its columns and its labels (--labels) are '
        "in the right order. To import it all the same: --accept-guessing."
    )
