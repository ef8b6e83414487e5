"""Answers as JSON text, the same as an ordinary encoder would write."""

import json
from typing import Any

import numpy as np
import pytest

from model_store.schema.answer_encoder import AnswerEncoder
from model_store.schema.prediction import Label, Prediction
from model_store.schema.row_decoder import Rows
from model_store.schema.signature import Column, Kind, Signature

INPUT = Column(name="a", kind=Kind.NUMBER)
ODD = 'a "quoted"\n\u6771'


def encoded(
    outputs: tuple[Column, ...],
    prediction: Prediction,
    classes: tuple[Label, ...] = (),
    *,
    singles: tuple[bool, ...] = (False,),
) -> list[Any]:
    """Return the answers to requests that share the prediction's rows evenly, decoded."""
    encoder = AnswerEncoder(Signature(inputs=(INPUT,), outputs=outputs), classes)
    size = len(prediction.values[0]) // len(singles)
    requests = [Rows(size, single, None) for single in singles]
    return [json.loads(text) for text in encoder.encode(prediction, requests)]


def test_each_request_gets_its_rows_and_its_shape() -> None:
    """An array is answered by an array, an object by an object."""
    values = np.array([1.5, -0.0])
    answers = encoded(
        (Column(name="total", kind=Kind.NUMBER),),
        Prediction((values,), None),
        singles=(False, True),
    )
    assert answers == [[{"total": 1.5}], {"total": -0.0}]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.STRING, np.array([ODD, "b"], dtype=object)),
        (Kind.CATEGORY, np.array(["b", ODD], dtype=object)),
        (Kind.INTEGER, np.array([0, 2**53])),
        (Kind.BOOLEAN, np.array([True, False])),
        (Kind.NUMBER, np.array([5e-324, 1e308])),
    ],
)
def test_every_kind_of_output_is_written_as_json_has_it(kind: Kind, values: np.ndarray) -> None:
    """Labels of text are written beforehand, everything else as it comes."""
    classes = tuple(values.tolist()) if kind is not Kind.NUMBER else ()
    answers = encoded((Column(name=ODD, kind=kind),), Prediction((values,), None), classes)
    assert answers == [[{ODD: value} for value in values.tolist()]]
    assert [type(row[ODD]) for row in answers[0]] == [type(value) for value in values.tolist()]


def test_probabilities_stand_beside_the_label() -> None:
    """They are named by label, in the order of the classes."""
    prediction = Prediction((np.array([True]),), np.array([[0.25, 0.75]]))
    answers = encoded((Column(name="yes", kind=Kind.BOOLEAN),), prediction, (False, True))
    assert answers == [[{"yes": True, "probabilities": {"false": 0.25, "true": 0.75}}]]


def test_several_outputs_stand_in_one_object() -> None:
    """In the signature's order."""
    outputs = (Column(name="x", kind=Kind.NUMBER), Column(name="n", kind=Kind.INTEGER))
    prediction = Prediction((np.array([0.5]), np.array([7])), None)
    assert encoded(outputs, prediction) == [[{"x": 0.5, "n": 7}]]
