"""What the service makes of probabilities: null where it is unsure, and the likeliest labels."""

import json
from typing import Any

import numpy as np
import pytest

from model_store.schema.answer_encoder import AnswerEncoder
from model_store.schema.deciding.decision import Decision
from model_store.schema.prediction import Prediction
from model_store.schema.row_decoder import Rows
from model_store.schema.signature import Column, Kind, Signature

INPUT = Column(name="x", kind=Kind.NUMBER)
FRUIT = Signature(inputs=(INPUT,), outputs=(Column(name="fruit", kind=Kind.CATEGORY),))
CLASSES = ("Fig", "Melon", "Plum")
SHARES = np.array([[0.1, 0.7, 0.2], [0.4, 0.3, 0.3], [0.0, 0.5, 0.5]])
PREDICTION = Prediction((np.array(["Melon", "Fig", "Melon"], dtype=object),), SHARES)


def answers(decision: Decision, *, asked: bool, signature: Signature = FRUIT) -> list[Any]:
    """Return what is answered to one request of three rows."""
    encoder = AnswerEncoder(signature, CLASSES, decision)
    (text,) = encoder.encode(PREDICTION, [Rows(3, single=False, cells=None)], probabilities=asked)
    found: list[Any] = json.loads(text)
    return found


def test_an_unsure_row_is_null_with_all_its_probabilities() -> None:
    """So that whoever asked, and the label queue, see what it hesitated between."""
    assert answers(Decision(least_confidence=0.5), asked=False) == [
        {"fruit": "Melon"},
        {"fruit": None, "probabilities": {"Fig": 0.4, "Melon": 0.3, "Plum": 0.3}},
        {"fruit": "Melon"},
    ]


def test_the_limit_itself_is_sure_enough() -> None:
    """Below it is not: 0.5 is answered at 0.5."""
    found = answers(Decision(least_confidence=np.nextafter(0.5, 1)), asked=False)
    assert [row["fruit"] for row in found] == ["Melon", None, None]


def test_the_likeliest_labels_stand_in_order() -> None:
    """Of equal ones the first of the labels, as the answer itself is."""
    found = answers(Decision(top=2), asked=False)
    assert [[each["label"] for each in row["top"]] for row in found] == [
        ["Melon", "Plum"],
        ["Fig", "Melon"],
        ["Melon", "Plum"],
    ]
    assert found[0]["top"][0]["probability"] == 0.7
    assert "probabilities" not in found[0]


def test_a_label_keeps_its_type() -> None:
    """An integer is no text in a list of labels."""
    signature = Signature(inputs=(INPUT,), outputs=(Column(name="n", kind=Kind.INTEGER),))
    encoder = AnswerEncoder(signature, (1, 2, 3), Decision(top=1, least_confidence=0.6))
    prediction = Prediction((np.array([2, 1, 2]),), SHARES)
    texts = list(
        encoder.encode(prediction, [Rows(3, single=False, cells=None)], probabilities=True)
    )
    found = json.loads(texts[0])
    assert [row["n"] for row in found] == [2, None, None]
    assert found[0]["top"] == [{"label": 2, "probability": 0.7}]
    assert found[0]["probabilities"] == {"1": 0.1, "2": 0.7, "3": 0.2}


def test_asked_probabilities_stand_beside_all() -> None:
    """As they would without a decision."""
    found = answers(Decision(least_confidence=0.5, top=1), asked=True)
    assert [len(row["probabilities"]) for row in found] == [3, 3, 3]
    assert found[1]["fruit"] is None


@pytest.mark.parametrize("decision", [Decision(), Decision(calibrated="temperature")])
def test_without_a_decision_nothing_changes(decision: Decision) -> None:
    """Nor is anything asked of the model that the caller did not."""
    assert not decision.needs_probabilities
    encoder = AnswerEncoder(FRUIT, CLASSES, decision)
    plain = PREDICTION._replace(probabilities=None)
    (text,) = encoder.encode(plain, [Rows(3, single=False, cells=None)])
    assert json.loads(text) == [{"fruit": "Melon"}, {"fruit": "Fig"}, {"fruit": "Melon"}]
