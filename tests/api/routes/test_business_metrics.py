"""`POST /business-metrics` stores numbers of the client's own system."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.api.conftest import NewSettings, Serve, Service


@pytest.fixture
def service(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a service that takes two metrics."""
    with serve(used=new_settings(business_metrics="revenue, orders")) as service:
        yield service


def send(service: Service, body: Any) -> Any:
    """Send values."""
    return service.predict(body, "/business-metrics")


def shown(service: Service) -> dict[tuple[str, ...], float]:
    """Return what Prometheus would scrape."""
    return service.samples("business_metric")


def test_a_value_is_shown_until_the_next(service: Service) -> None:
    """Each value has its age beside it."""
    assert send(service, {"revenue": 12.5, "orders": 3}).json() == {"stored": ["revenue", "orders"]}
    assert send(service, {"revenue": -1}).status_code == 200
    assert shown(service) == {("business_metric", "revenue"): -1, ("business_metric", "orders"): 3}
    ages = service.samples("business_metric_age_seconds")
    assert {name for _, name in ages} == {"revenue", "orders"}
    assert all(0 <= age < 60 for age in ages.values())


def test_a_value_outlives_the_service(serve: Serve, new_settings: NewSettings) -> None:
    """The prediction log holds it."""
    used = new_settings(business_metrics="revenue")
    with serve(used=used) as service:
        send(service, {"revenue": 12.5})
    with serve(used=used) as service:
        assert shown(service) == {("business_metric", "revenue"): 12.5}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"revenue":NaN}', 400),
        (b'{"revenue":1e400}', 400),
        (b'{"revenue":1,"revenue":2}', 400),
        (b"{}", 422),
        (b"[]", 422),
        (b"7", 422),
        (b"null", 422),
        (b'[{"revenue":1}]', 422),
        (b'{"revenue":"1"}', 422),
        (b'{"revenue":true}', 422),
        (b'{"revenue":null}', 422),
        (b'{"revenue":["xyzzy"]}', 422),
        (b'{"Revenue":1}', 422),
        (b'{"\\ud800":1}', 422),
        (b'{"revenue":1,"undeclared":"xyzzy"}', 422),
    ],
)
def test_values_other_than_declared_numbers_are_refused(
    service: Service, body: bytes, status: int
) -> None:
    """The answer is a problem document that repeats no value, and nothing is stored."""
    answer = send(service, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "xyzzy" not in answer.text + service.stream.getvalue().decode()
    assert shown(service) == {}


def test_errors_point_to_their_places(service: Service) -> None:
    """The answer lists the declared names."""
    answer = send(service, {"revenue": "1", "x/y": 1}).json()
    assert "revenue, orders" in answer["detail"]
    assert [(error["pointer"], error["code"]) for error in answer["errors"]] == [
        ("/revenue", "not-a-number"),
        ("/x~1y", "unknown-metric"),
    ]


def test_without_declared_names_nothing_is_taken(serve: Serve) -> None:
    """The route is not documented either."""
    with serve() as service:
        assert "declares: none" in send(service, {"revenue": 1}).json()["detail"]
        assert "/business-metrics" not in service.client.get("/openapi.json").json()["paths"]
        assert service.client.get("/business-metrics").status_code == 405


def test_the_declared_names_are_documented(service: Service) -> None:
    """The document gives their kind."""
    operation = service.client.get("/openapi.json").json()["paths"]["/business-metrics"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"] == {"revenue": {"type": "number"}, "orders": {"type": "number"}}


def test_a_body_has_the_limits_of_a_prediction(serve: Serve, new_settings: NewSettings) -> None:
    """Its media type and its bytes are limited alike."""
    used = new_settings(business_metrics="revenue", predict_max_body_bytes=50)
    with serve(used=used) as service:
        assert send(service, {"revenue": 1, "x" * 50: 1}).status_code == 413
        assert service.client.post("/business-metrics", content=b"{}").status_code == 415


def test_values_that_cannot_be_stored_are_to_be_sent_again(service: Service) -> None:
    """The answer is 503 `log-unavailable` with `Retry-After`."""
    path = service.state.log.path
    path.rename(path.with_suffix(".moved"))
    path.mkdir()
    answer = send(service, {"revenue": 1})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:log-unavailable")
    assert answer.headers["retry-after"] == "1"
    shutil.rmtree(path)
    assert send(service, {"revenue": 1}).status_code == 200


@pytest.mark.parametrize("names", ["re venue", "x" * 65, "größe", ",".join(map(str, range(101)))])
def test_names_are_bounded(new_settings: NewSettings, names: str) -> None:
    """They become label values."""
    with pytest.raises(ValidationError):
        new_settings(business_metrics=names)
