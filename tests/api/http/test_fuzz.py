"""The OpenAPI document is true: schemathesis sends what it allows, and what it does not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import APIOperation

from model_store.schema.prediction import Prediction
from model_store.schema.signature import Column, Kind, Signature
from tests.api.conftest import (
    KINDS_SIGNATURE,
    ConstantPredictor,
    Service,
    loaded,
    running,
    small_settings,
)

Operation = APIOperation[Any, Any, Any, Any]
BASE = "http://testserver"
METRICS = ("metrics", "metrics-secret")
ADMIN = ("admin", "admin-secret")
ASKING = (
    "GET /feedback/queue",
    "POST /feedback/queue",
    "GET /models",
    "GET /models/{model}",
    "GET /metrics",
    "GET /health/live",
    "GET /health/ready",
)
SENDING = (
    "POST /predict",
    "POST /models/kinds/predict",
    "POST /models/kinds/versions/v1/predict",
    "POST /models/fruit/predict",
    "POST /models/fruit/versions/v2/predict",
    "POST /feedback",
    "POST /business-metrics",
)
FRUIT = Signature(
    inputs=(Column(name="Größe", kind=Kind.NUMBER, nullable=True),),
    outputs=(Column(name="fruit", kind=Kind.CATEGORY, categories=("Melon", "Plum")),),
)
# One test sends to many operations, so that each of them gets a part of the examples.
few_examples = settings(
    max_examples=settings().max_examples // 4,
    # Schemas like ours make schemathesis throw many of its drafts away.
    suppress_health_check=[HealthCheck.filter_too_much],
)


class Plums(ConstantPredictor):
    """Calls everything a Plum."""

    classes = ("Melon", "Plum")  # type: ignore[assignment]

    def predict(self, columns: dict[str, np.ndarray], *, probabilities: bool = False) -> Prediction:
        """Return plums."""
        rows = len(next(iter(columns.values())))
        return Prediction((np.array(["Plum"] * rows, dtype=object),), np.array([[0.0, 1.0]] * rows))


@pytest.fixture(scope="module")
def service(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two models that answer every row."""
    folder = tmp_path_factory.mktemp("fuzz")
    used = small_settings(
        folder,
        predict_max_string_characters=100,
        admin_password="admin-secret",
        business_metrics=("revenue", "orders"),
    )
    with running(published, used, ["sum"]) as service:
        kinds = loaded(ConstantPredictor(), signature=KINDS_SIGNATURE, model="kinds")
        fruit = loaded(Plums(), signature=FRUIT, model="fruit", version="v2")
        service.install(kinds, fruit)
        yield service


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[str, Operation]:
    """Return the operations that the service documents."""
    document = service.client.get("/openapi.json").json()
    # The document does not say that a string has no NUL.
    config = schemathesis.Config.from_dict({"generation": {"allow-x00": False}})
    schema = schemathesis.openapi.from_dict(document, config=config)
    found = [cast("Any", result).ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found}


def send(service: Service, case: Case[Any], **more: Any) -> Any:
    """Send a case; return the answer, which conforms to the document."""
    wanted = case.as_transport_kwargs(base_url=BASE)
    content = json.dumps(wanted["json"]) if "json" in wanted else wanted.get("data")
    answer = service.client.request(
        wanted["method"],
        wanted["url"],
        params=wanted["params"],
        headers=wanted["headers"],
        content=content,
        **more,
    )
    case.validate_response(answer)
    return answer


def with_integers(document: Any) -> Any:
    """Return a document whose whole numbers have no point: JSON Schema takes 1.0 for an integer."""
    if isinstance(document, dict):
        return {key: with_integers(value) for key, value in document.items()}
    if isinstance(document, list):
        return [with_integers(value) for value in document]
    return int(document) if isinstance(document, float) and document.is_integer() else document


def has_wrong_body(case: Case[Any]) -> bool:
    """Return whether the body is wrong; a wrong query may vanish when it is sent."""
    assert case.meta
    return case.meta.components[ParameterLocation.BODY].mode is GenerationMode.NEGATIVE


def test_every_documented_operation_is_fuzzed(operations: dict[str, Operation]) -> None:
    """The fuzzed operations are exactly those of the document."""
    assert {*ASKING, *SENDING} == set(operations)


@pytest.mark.parametrize("label", SENDING)
@few_examples
@given(data=st.data())
def test_bodies_that_the_document_allows_are_answered(
    service: Service, operations: dict[str, Operation], label: str, data: st.DataObject
) -> None:
    """The answer is 200, as documented."""
    case = data.draw(operations[label].as_strategy())
    if label == "POST /feedback":
        case.body = with_integers(case.body)
    assert send(service, case).status_code == 200


@pytest.mark.parametrize("label", SENDING)
@few_examples
@given(data=st.data())
def test_bodies_that_the_document_does_not_allow_are_refused(
    service: Service, operations: dict[str, Operation], label: str, data: st.DataObject
) -> None:
    """The answer is a documented problem."""
    negative = operations[label].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    case = data.draw(negative.filter(has_wrong_body))
    assert send(service, case).status_code in {400, 413, 415, 422}


@pytest.mark.parametrize("label", ASKING)
@few_examples
@given(data=st.data())
def test_get_requests_are_answered_as_documented(
    service: Service, operations: dict[str, Operation], label: str, data: st.DataObject
) -> None:
    """Names of models and versions may be any text."""
    parameters = data.draw(st.none() | st.sampled_from([{"model": "kinds"}, {"model": "fruit"}]))
    case = data.draw(operations[label].as_strategy(path_parameters=parameters))
    auth = ADMIN if label.endswith(" /feedback/queue") else METRICS
    assert send(service, case, auth=auth).status_code in {200, 404}
