"""`POST /feedback` stores true values that come after the predictions."""

import json
import shutil
from contextlib import closing
from typing import Any

import apsw
import numpy as np
import pytest

from model_store.schema.prediction import Prediction
from model_store.schema.signature import Column, Kind, Signature
from tests.api.conftest import ConstantPredictor, NewSettings, Serve, Service, loaded


@pytest.fixture
def predicted(service: Service) -> Service:
    """Return a service that answered a request of two rows, by the id `first`."""
    service.predict([{"a": 1, "b": 2}, {"a": 2, "b": 3}], headers={"X-Request-ID": "first"})
    return service


def send(service: Service, body: Any) -> Any:
    """Send feedback."""
    return service.predict(body, "/feedback")


def stored(service: Service) -> list[tuple[int, int, Any]]:
    """Return sequence, row and value of all feedback in the log."""
    with closing(apsw.Connection(str(service.state.log.path))) as connection:
        found = connection.execute("SELECT sequence, row, value FROM feedback ORDER BY row")
        return [(sequence, row, json.loads(value)) for sequence, row, value in found]


def test_a_true_value_is_stored_beside_its_row(predicted: Service) -> None:
    """The answer has the status of each item, in the same order."""
    answer = send(
        predicted,
        [
            {"request_id": "first", "row": 1, "value": 8.5},
            {"request_id": "first", "row": 0, "value": 5},
            {"request_id": "first", "row": 2, "value": 5},
            {"request_id": "other", "row": 0, "value": 5},
        ],
    )
    assert answer.status_code == 200
    assert [(item["request_id"], item["row"], item["status"]) for item in answer.json()] == [
        ("first", 1, "stored"),
        ("first", 0, "stored"),
        ("first", 2, "row out of range"),
        ("other", 0, "unknown request"),
    ]
    assert stored(predicted) == [(1, 0, 5), (1, 1, 8.5)]


class _Towns(ConstantPredictor):
    """Calls every row Köln."""

    def predict(self, columns: dict[str, np.ndarray], *, probabilities: bool = False) -> Prediction:
        """Return towns."""
        rows = len(next(iter(columns.values())))
        return Prediction((np.array(["K\xf6ln"] * rows, dtype=object),), None)


def test_a_label_is_stored_as_training_spells_it(service: Service) -> None:
    """A table's own ` Köln` is the label that the model answers."""
    signature = Signature(
        inputs=(Column(name="a", kind=Kind.NUMBER),),
        outputs=(Column(name="town", kind=Kind.CATEGORY, categories=("K\xf6ln",)),),
    )
    service.install(loaded(_Towns(), signature=signature, model="towns"))
    service.predict({"a": 1}, "/models/towns/predict", headers={"X-Request-ID": "first"})
    send(service, {"request_id": "first", "row": 0, "value": " Ko\u0308ln "})
    assert stored(service) == [(1, 0, "K\xf6ln")]


def test_the_same_value_changes_nothing_and_a_new_value_replaces_it(predicted: Service) -> None:
    """So a caller may safely send again."""
    for value, status in [(5, "stored"), (5, "unchanged"), (6, "stored")]:
        (item,) = send(predicted, [{"request_id": "first", "row": 0, "value": value}]).json()
        assert item["status"] == status
    assert stored(predicted) == [(1, 0, 6)]


@pytest.mark.parametrize(
    ("value", "status"),
    [(7, "stored"), (7.5, "stored"), ("7.5", "value is no number"), (True, "value is no number")],
)
def test_a_value_is_one_that_the_output_can_have(
    predicted: Service, value: object, status: str
) -> None:
    """The status of any other value gives the reason; the other items are stored."""
    good = {"request_id": "first", "row": 1, "value": 1}
    answer = send(predicted, [good | {"row": 0, "value": value}, good])
    assert [item["status"] for item in answer.json()] == [status, "stored"]
    assert len(stored(predicted)) == (2 if status == "stored" else 1)


def test_a_class_that_the_model_does_not_know_may_be_true(serve: Serve) -> None:
    """An unknown text is stored as a class; a number is not."""
    with serve(["fruit"]) as service:
        service.predict({"weight": 60}, headers={"X-Request-ID": "first"})
        item = {"request_id": "first", "row": 0}
        assert send(service, item | {"value": 7}).json()["status"] == "value is no text"
        assert send(service, item | {"value": "Kiwi"}).json()["status"] == "stored"


def test_one_object_is_answered_by_one(predicted: Service) -> None:
    """So is a prediction; the pointer of its error begins at its root."""
    item = {"request_id": "first", "row": 0, "value": 5}
    assert send(predicted, item).json() == {"request_id": "first", "row": 0, "status": "stored"}
    (error,) = send(predicted, item | {"row": "0"}).json()["errors"]
    assert error["pointer"] == ""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'[{"request_id":"first","row":0,"value":NaN}]', 400),
        (b'[{"request_id":"first","row":0,"row":1,"value":1}]', 400),
        (b"{}", 422),
        (b"[]", 422),
        (b"null", 422),
        (b"[null]", 422),
        (b'[{"request_id":"first","row":0}]', 422),
        (b'[{"request_id":"first","row":"0","value":1}]', 422),
        (b'[{"request_id":"first","row":true,"value":1}]', 422),
        (b'[{"request_id":"first","row":0.5,"value":1}]', 422),
        (b'[{"request_id":7,"row":0,"value":1}]', 422),
        (b'[{"request_id":"first","row":-1,"value":1}]', 422),
        (b'[{"request_id":"first","row":0,"value":null}]', 422),
        (b'[{"request_id":"first","row":0,"value":"\\ud800"}]', 422),
        (b'[{"request_id":"\\ud800","row":0,"value":1}]', 422),
        (b'[{"request_id":"' + b"x" * 129 + b'","row":0,"value":1}]', 422),
        (b'[{"request_id":"first","row":0,"value":["xyzzy"]}]', 422),
        (b'[{"request_id":"first","row":0,"value":{}}]', 422),
        (b'[{"request_id":"first","row":0,"value":{"xyzzy":null}}]', 422),
        (b'[{"request_id":"first","row":0,"value":{"sum":["xyzzy"]}}]', 422),
        (b'[{"request_id":"first","row":0,"value":1,"extra":"xyzzy"}]', 422),
    ],
)
def test_invalid_feedback_is_refused(predicted: Service, body: bytes, status: int) -> None:
    """The answer is a problem document that repeats no value, and nothing is stored."""
    answer = send(predicted, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "xyzzy" not in answer.text + predicted.stream.getvalue().decode()
    assert stored(predicted) == []


def test_a_wrong_item_is_pointed_to_and_none_is_stored(predicted: Service) -> None:
    """All items are stored or none, so that sending again is simple."""
    good = {"request_id": "first", "row": 0, "value": 1}
    answer = send(predicted, [good, good | {"row": "1"}])
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/1"]
    assert stored(predicted) == []


def test_a_row_beyond_every_number_is_out_of_range(predicted: Service) -> None:
    """That includes numbers beyond the integers of the database."""
    items = [{"request_id": "first", "row": row, "value": 1} for row in (2**63 - 1, 2**70)]
    assert [item["status"] for item in send(predicted, items).json()] == ["row out of range"] * 2


def test_a_number_beyond_every_integer_is_the_float_that_it_would_be(predicted: Service) -> None:
    """JSON has one kind of number; the processes of a service send one another 64-bit numbers."""
    items = [{"request_id": "first", "row": row, "value": -(10**30)} for row in (0, 1)]
    assert [item["status"] for item in send(predicted, items).json()] == ["stored"] * 2
    assert stored(predicted) == [(1, 0, -1e30), (1, 1, -1e30)]


def test_feedback_has_the_limits_of_a_prediction(serve: Serve, new_settings: NewSettings) -> None:
    """The limits are those of bytes and of rows, which are items here."""
    item = {"request_id": "first", "row": 0, "value": 1}
    with serve(used=new_settings(predict_max_rows=2, predict_max_body_bytes=200)) as service:
        assert send(service, [item] * 2).status_code == 200
        assert send(service, [item] * 3).status_code == 413
        assert send(service, [item | {"value": "x" * 200}]).status_code == 413
        answer = service.client.post("/feedback", content=json.dumps([item]).encode())
        assert answer.status_code == 415


def test_feedback_that_cannot_be_stored_is_to_be_sent_again(predicted: Service) -> None:
    """The answer is 503 `log-unavailable` with `Retry-After`."""
    path = predicted.state.log.path
    moved = path.with_suffix(".moved")
    path.rename(moved)
    path.mkdir()
    item = {"request_id": "first", "row": 0, "value": 1}
    answer = send(predicted, [item])
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:log-unavailable")
    assert answer.headers["retry-after"] == "1"
    shutil.rmtree(path)
    assert send(predicted, [item]).status_code == 200
