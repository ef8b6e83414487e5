"""`POST /feedback/queue` returns the rows that are most useful to label."""

import json
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import NewSettings, Serve, Service
from tests.api.server_process import process_of

ADMIN = ("admin", "admin-secret")


@pytest.fixture
def service(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a service of two models, `fruit` by default, that answered three rows."""
    used = new_settings(admin_password=ADMIN[1], model_name="fruit", feedback_queue_seconds=60)
    with serve(["sum", "fruit"], used) as service:
        service.predict(
            [{"weight": weight} for weight in (60, 70, 200)],
            "/predict?probabilities=true",
            headers={"X-Request-ID": "first"},
        )
        yield service


Ask = Callable[..., Any]


@pytest.fixture
def ask(service: Service) -> Ask:
    """Ask for rows."""

    def get(query: str = "", auth: tuple[str, str] = ADMIN) -> Any:
        return service.client.post(f"/feedback/queue{query}", auth=auth)

    return get


def test_rows_come_with_what_a_label_needs(ask: Ask) -> None:
    """Each has its input, its output, the reason why it was chosen, and the id to label it by."""
    answer = ask("?rows=1")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["model"], found["lease_seconds"]) == ("fruit", 60)
    (row,) = found["rows"]
    assert (row["request_id"], row["reason"]) == ("first", "least certain")
    assert "probabilities" in row["answer"]
    weight, fruit = row["inputs"]["weight"], row["answer"]["fruit"]
    assert fruit == ("Plum" if weight < 100 else "Melon")


def test_no_row_is_returned_twice_while_it_is_out(ask: Ask, service: Service) -> None:
    """A labelled row is not returned either."""
    service.predict([{"request_id": "first", "row": 0, "value": "Plum"}], "/feedback")
    given = [row["row"] for _ in range(3) for row in ask("?rows=1").json()["rows"]]
    assert sorted(given) == [1, 2]


def test_a_get_reserves_no_row(ask: Ask, service: Service) -> None:
    """It stays for one release and says so; the rows can still be taken afterwards."""
    for _ in range(3):
        for method in ("GET", "HEAD"):
            seen = service.client.request(method, "/feedback/queue", auth=ADMIN)
            assert seen.status_code == 200
            assert seen.headers["deprecation"].startswith("@")
    seen = service.client.get("/feedback/queue", auth=ADMIN).json()
    assert (len(seen["rows"]), seen["lease_seconds"]) == (3, 0)
    assert len(ask().json()["rows"]) == 3
    assert service.client.get("/feedback/queue", auth=ADMIN).json()["rows"] == []


def test_another_model_is_asked_for_by_name(ask: Ask, service: Service) -> None:
    """An unknown one is not found."""
    assert ask("?model=sum").json()["rows"] == []
    service.predict({"a": 1, "b": 2}, "/models/sum/predict")
    (row,) = ask("?model=sum").json()["rows"]
    assert (row["inputs"], row["answer"]) == ({"a": 1, "b": 2}, {"total": pytest.approx(5)})
    assert row["reason"] == "random"
    unknown = ask("?model=pear")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:problem:not-found")


def test_only_an_administrator_sees_rows(ask: Ask, service: Service) -> None:
    """That holds even where predictions are open, as the rows are those of other callers."""
    assert service.client.get("/feedback/queue").status_code == 401
    assert ask(auth=("metrics", "metrics-secret")).status_code == 403


@pytest.mark.parametrize("query", ["?rows=0", "?rows=101", "?rows=xyzzy", "?rows="])
def test_a_number_of_rows_has_limits(ask: Ask, query: str) -> None:
    """It is at least one and at most a hundred."""
    answer = ask(query)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:problem:invalid-rows")
    assert "xyzzy" not in answer.text


def test_too_many_rows_are_refused_with_the_limit(ask: Ask, service: Service) -> None:
    """The OpenAPI document has the limit too."""
    answer = ask("?rows=5000").json()
    assert answer["detail"] == "Ask for 1 to 100 rows."
    assert answer["errors"][0]["pointer"] == "/query/rows"
    documents = service.client.get("/openapi.json", auth=ADMIN).json()
    [rows] = [
        parameter["schema"]
        for parameter in documents["paths"]["/feedback/queue"]["post"]["parameters"]
        if parameter["name"] == "rows"
    ]
    assert (rows["minimum"], rows["maximum"]) == (1, 100)


@pytest.mark.parametrize(("personal", "hidden"), [("weight", "inputs"), ("fruit", "answer")])
def test_a_column_that_became_personal_is_not_shown(
    serve: Serve, new_settings: NewSettings, personal: str, hidden: str
) -> None:
    """The log has older values in clear; hiding an output hides its probabilities."""
    settings = {"admin_password": ADMIN[1], "model_name": "fruit"}
    with serve(["fruit"], new_settings(**settings)) as service:
        service.predict({"weight": 60}, "/predict?probabilities=true")
    private = new_settings(**settings, log_personal_fields=(personal,), log_key="k" * 32)
    with serve(["fruit"], private) as service:
        (row,) = service.client.post("/feedback/queue", auth=ADMIN).json()["rows"]
    assert row[hidden] == {}
    shown = row["answer" if hidden == "inputs" else "inputs"]
    assert shown.keys() == ({"fruit", "probabilities"} if hidden == "inputs" else {"weight"})


def test_without_a_writable_log_no_rows_are_returned(ask: Ask, service: Service) -> None:
    """Otherwise the next caller would get the same rows."""
    path = service.state.log.path
    path.rename(path.with_suffix(".moved"))
    path.mkdir()
    answer = ask()
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:log-unavailable")
    shutil.rmtree(path)


@pytest.mark.slow  # a service of two workers is started
def test_two_workers_return_no_row_twice(tmp_path: Path, published: Path) -> None:
    """That holds for callers of both workers at the same time."""
    rows = 60
    secrets = {"ADMIN_PASSWORD": ADMIN[1], "SERVICE_WORKERS": "2"}
    with process_of(tmp_path, published, **secrets) as server:

        def send(method: str, path: str, body: str, **headers: str) -> Any:
            with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
                connection.request(method, path, body, headers)
                return json.loads(connection.getresponse().read())

        def take(_: int) -> list[int]:
            user = b64encode(":".join(ADMIN).encode()).decode()
            found = send("POST", "/feedback/queue?rows=10", "", Authorization=f"Basic {user}")
            return [row["row"] for row in found["rows"]]

        headers = {"Content-Type": "application/json"}
        send("POST", "/predict", json.dumps([{"weight": 60}] * rows), **headers)
        with ThreadPoolExecutor(8) as pool:
            given = [row for taken in pool.map(take, range(20)) for row in taken]
    assert sorted(given) == list(range(rows))
