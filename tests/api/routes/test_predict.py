"""`POST /predict`, as a caller sees it."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import apsw
import pytest

from tests.api.batching.batcher_bench import PATIENCE_SECONDS, Held
from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service, loaded


@pytest.fixture
def fruits(serve: Serve) -> Iterator[Service]:
    """Return a running service of the model `fruit`."""
    with serve(["fruit"]) as service:
        yield service


def version_of(service: Service, model: str = "sum") -> str:
    """Return the champion of a model."""
    return service.state.reloader.loaded_models.aliases[model]["champion"]


def test_an_array_of_rows_is_answered_in_its_order(service: Service) -> None:
    """Each row gets one answer: total = a + 2 * b."""
    answer = service.predict([{"a": float(n), "b": 1.0} for n in range(100)])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    totals = [row["total"] for row in answer.json()]
    assert totals == pytest.approx([n + 2.0 for n in range(100)])


def test_the_order_of_keys_does_not_matter(service: Service) -> None:
    """Columns are found by name, not by position."""
    assert service.predict({"b": 2, "a": 1}).json() == service.predict({"a": 1, "b": 2}).json()
    assert service.predict({"b": 2, "a": 1}).json()["total"] == pytest.approx(5)


def test_one_object_is_answered_by_one_object(service: Service) -> None:
    """An array of one is answered by an array of one."""
    assert service.predict(SUM_ROW).json() == {"total": pytest.approx(5)}
    assert service.predict([SUM_ROW]).json() == [{"total": pytest.approx(5)}]


def test_labels_are_answered_as_text(fruits: Service) -> None:
    """A Plum weighs up to 100 g."""
    answer = fruits.predict([{"weight": 2500}, {"weight": 60}])
    assert answer.json() == [{"fruit": "Melon"}, {"fruit": "Plum"}]


def test_probabilities_stand_beside_the_label_when_asked_for(fruits: Service) -> None:
    """There is one for each class, and they add up to one."""
    answer = fruits.predict({"weight": 60}, "/predict?probabilities=true")
    assert answer.json() == {"fruit": "Plum", "probabilities": {"Melon": 0.0, "Plum": 1.0}}
    plain = fruits.predict({"weight": 60}, "/predict?probabilities=false")
    assert plain.json() == {"fruit": "Plum"}


def test_a_model_without_probabilities_says_so(service: Service) -> None:
    """A regression has none."""
    answer = service.predict(SUM_ROW, "/predict?probabilities=true")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:problem:invalid-rows")
    assert "no probabilities" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["probabilities=xyzzy", "probabilities", "xyzzy=1", "a=1&b=2"])
def test_any_other_query_is_refused_unrepeated(fruits: Service, query: str) -> None:
    """A misspelt parameter is not ignored."""
    answer = fruits.predict({"weight": 60}, f"/predict?{query}")
    assert answer.status_code == 422
    assert "xyzzy" not in answer.text


@pytest.mark.parametrize("given", ["a", "7f3e-11.a_b:c", "x" * 128])
def test_a_given_request_id_is_kept(service: Service, given: str) -> None:
    """It stands in the answer, in the prediction log and in the access line."""
    answer = service.predict(SUM_ROW, headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert [row["request_id"] for row in service.logged()] == [given]
    assert [line["request_id"] for line in service.events("request")] == [given]


@pytest.mark.parametrize("given", ["", " ", "x" * 129, "a b", "a\tb", '"a"', "\xe9", "<b>", "a;b"])
def test_an_unsafe_request_id_is_replaced(service: Service, given: str) -> None:
    """The new id is safe in a log, a file name and a shell."""
    answer = service.predict(SUM_ROW, headers={"X-Request-ID": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_every_request_without_an_id_gets_its_own(service: Service) -> None:
    """Errors have an id too."""
    answers = [service.predict(SUM_ROW), service.predict(b""), service.client.get("/xyzzy")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


def test_an_answer_names_the_version_that_gave_it(service: Service) -> None:
    """That holds for all three paths; the log has the same version."""
    version = version_of(service)
    for path in (
        "/predict",
        "/models/sum/predict",
        f"/models/sum/versions/{version}/predict",
    ):
        answer = service.predict(SUM_ROW, path)
        assert answer.json() == {"total": pytest.approx(5)}
        assert answer.headers["x-model-version"] == version
    assert [(row["model"], row["version"]) for row in service.logged()] == [("sum", version)] * 3


def test_a_named_model_answers_beside_the_default_one(serve: Serve) -> None:
    """Without a default model only `/models/fruit/predict` answers."""
    with serve(["sum", "fruit"]) as service:
        assert service.predict({"weight": 60}, "/models/fruit/predict").json() == {"fruit": "Plum"}
        assert service.predict(SUM_ROW).status_code == 503


def test_the_log_holds_the_very_texts_of_request_and_answer(service: Service) -> None:
    """They have the same spaces and digits."""
    body = b'{ "a": 1.50,"b":2e0 }'
    answer = service.predict(body)
    with closing(apsw.Connection(str(service.state.log.path))) as connection:
        stored = connection.execute("SELECT inputs, outputs, rows FROM requests").fetchall()
    assert stored == [(body.decode(), answer.text, 1)]


@pytest.mark.parametrize(
    "path",
    [
        "/models/xyzzy/predict",
        "/models/sum/versions/xyzzy/predict",
        "/models/xyzzy/versions/xyzzy/predict",
        "/models/SUM/predict",
        "/models/..%2f..%2fetc/predict",
        "/models/%2e%2e/predict",
        "/models/sum%00/predict",
        "/models//predict",
        "/models/sum/predict/",
        "/predict/",
        "//predict",
        "/xyzzy",
    ],
)
def test_unknown_paths_are_not_found(service: Service, path: str) -> None:
    """The answer is a problem document with 404, never a redirect that would drop credentials."""
    answer = service.predict(SUM_ROW, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:problem:not-found"
    assert "xyzzy" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST"),
        ("PUT", "/models/sum/predict", "POST"),
        ("DELETE", "/feedback", "POST"),
        ("POST", "/health/live", "GET"),
        ("POST", "/metrics", "GET"),
        ("TRACE", "/models", "GET"),
    ],
)
def test_another_method_gets_405_with_the_allowed_one(
    service: Service, method: str, path: str, allowed: str
) -> None:
    """The header `Allow` names it."""
    answer = service.client.request(method, path)
    assert answer.status_code == 405
    assert allowed in answer.headers["allow"].split(", ")
    assert answer.json()["type"] == "urn:problem:method-not-allowed"


def test_a_version_without_an_alias_is_not_served(service: Service) -> None:
    """Only versions with an alias are loaded; the error says how to give it one."""
    answer = service.predict(SUM_ROW, "/models/sum/versions/20250101T000000Z_old/predict")
    assert answer.status_code == 404
    assert "mlops models promote" in answer.json()["detail"]


def test_a_model_without_a_champion_does_not_answer(service: Service) -> None:
    """The answer is 503, as a promotion would mend it."""
    service.install(loaded(_Raises()))
    service.state.reloader.loaded_models.aliases["sum"].clear()  # type: ignore[attr-defined]
    answer = service.predict(SUM_ROW, "/models/sum/predict")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:no-model")


class _Raises:
    def predict(self, _frame: object) -> None:
        """Fail."""
        raise AssertionError


def test_values_that_training_never_saw_are_answered_and_counted(service: Service) -> None:
    """Training had a from 0 to 9: three of these rows are outside, one of them twice."""
    rows = [{"a": 9, "b": 4}, {"a": 9.5, "b": 0}, {"a": -1, "b": 0}, {"a": -1, "b": 100}]
    assert service.predict(rows).status_code == 200
    counted = service.samples("predict_out_of_range_rows_total")
    assert list(counted.values()) == [3]


def test_an_unlogged_answer_says_so(serve: Serve, new_settings: NewSettings) -> None:
    """The setting must allow such answers."""
    with serve(used=new_settings(log_on_failure="serve")) as service:
        assert "prediction-logged" not in service.predict(SUM_ROW).headers
        path = service.state.log.path
        path.rename(path.with_suffix(".moved"))
        path.mkdir()
        answer = service.predict(SUM_ROW)
        assert answer.status_code == 200
        assert answer.headers["prediction-logged"] == "false"


def test_the_queue_is_checked_before_a_body_is_read(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Requests that cannot be answered now must not fill the memory."""
    held = Held()
    with (
        serve(used=new_settings(predict_queue_requests=1)) as service,
        ThreadPoolExecutor() as pool,
    ):
        service.install(loaded(held.estimator))
        answered = [pool.submit(service.predict, {"a": 0, "b": 1})]
        try:
            assert held.entered.acquire(timeout=PATIENCE_SECONDS)
            answered.append(pool.submit(service.predict, {"a": 1, "b": 1}))
            while not service.samples("predict_queue_depth")["predict_queue_depth",]:
                assert not answered[1].done()
            start, body = service.exchange()
        finally:
            held.released.set()
        assert [answer.result().status_code for answer in answered] == [200, 200]
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert json.loads(body["body"])["type"] == "urn:problem:overloaded"


def test_a_bad_body_is_refused_while_a_model_hangs(service: Service) -> None:
    """It is refused before it reaches the batcher."""
    held = Held()
    service.install(loaded(held.estimator))
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(service.predict, {"a": 0, "b": 1})
        try:
            assert held.entered.acquire(timeout=PATIENCE_SECONDS)
            assert service.predict({"a": 0}).status_code == 422
        finally:
            held.released.set()
        assert hanging.result().status_code == 200
