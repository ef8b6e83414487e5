"""Liveness says that the service runs, readiness that it can predict."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.batching.batcher_bench import PATIENCE_SECONDS, Held
from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service, loaded


def test_a_service_with_a_model_is_ready(service: Service) -> None:
    """The body says which versions answer."""
    answer = service.client.get("/health/ready")
    version = service.state.reloader.loaded_models.aliases["sum"]["champion"]
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "missing": "",
        "prediction_log": "writable",
        "models": {"sum": {"champion": version}},
        "refused": [],
    }


def test_a_service_without_a_model_lives_but_is_not_ready(serve: Serve) -> None:
    """Readiness is 503 with a sentence that names what is missing, as predictions are."""
    with serve([]) as service:
        assert service.client.get("/health/live").json() == {"status": "live"}
        answer = service.client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        refused = service.predict(SUM_ROW)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:problem:no-model")
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["detail"] == answer.json()["missing"] != ""


def test_a_service_that_got_the_signal_to_stop_is_not_ready(service: Service) -> None:
    """Readiness ends first, so that no new requests are sent."""
    service.state.batcher.drain()
    answer = service.client.get("/health/ready")
    assert (answer.status_code, answer.json()["missing"]) == (503, "The service is stopping.")
    assert service.client.get("/health/live").status_code == 200


def test_a_metric_publishes_readiness(service: Service) -> None:
    """`service_ready` has the verdict of `/health/ready`, for alerts."""
    assert service.samples("service_ready") == {("service_ready",): 1}
    service.state.batcher.drain()
    assert service.samples("service_ready") == {("service_ready",): 0}


def break_log(service: Service) -> None:
    """Put a directory in the place of the log."""
    path = service.state.log.path
    path.rename(path.with_suffix(".moved"))
    path.mkdir()


def test_a_log_that_cannot_be_written_takes_readiness_until_it_can(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service retries, so that readiness comes back without a prediction."""
    monkeypatch.setattr("api.background.background_tasks.RECOVERY_SECONDS", 0.01)
    with serve() as service:
        break_log(service)
        assert service.predict(SUM_ROW).status_code == 503
        answer = service.client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["missing"] == "The prediction log cannot be written."
        assert answer.json()["prediction_log"] == answer.json()["missing"]
        # Anyone may call this route, so the answer must not have the path of the log.
        assert str(service.settings.local_data) not in answer.text
        shutil.rmtree(service.state.log.path)
        assert any(service.client.get("/health/ready").status_code == 200 for _ in range(10_000))
        assert service.predict(SUM_ROW).status_code == 200


def test_a_service_that_may_answer_unlogged_is_ready_without_its_log(
    serve: Serve, new_settings: NewSettings
) -> None:
    """The body says that the log cannot be written."""
    settings = new_settings(log_on_failure="serve")
    with serve(used=settings) as service:
        break_log(service)
        service.predict(SUM_ROW)
        answer = service.client.get("/health/ready")
        assert answer.status_code == 200
        assert answer.json()["prediction_log"] == "The prediction log cannot be written."


def test_health_answers_while_a_model_does_not(service: Service) -> None:
    """Health does not pass the batcher, also after quick batches."""
    held = Held()
    service.install(loaded(held.estimator))
    for _ in range(3):
        assert service.predict(SUM_ROW).status_code == 200
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.predict, {"a": 0, "b": 1})
        try:
            assert held.entered.acquire(timeout=PATIENCE_SECONDS)
            assert service.client.get("/health/live").status_code == 200
            assert service.client.get("/health/ready").status_code == 200
            assert "predict_queue_depth 0.0" in service.metrics_text()
        finally:
            held.released.set()
        assert waiting.result().json() == {"total": 2.0}


def test_beyond_loopback_only_callers_who_may_predict_see_names(
    serve: Serve, new_settings: NewSettings
) -> None:
    """A version's id has the branch and the commit; a wrong password counts as anywhere else."""
    used = new_settings(service_host="0.0.0.0", predict_password="predict-secret")  # noqa: S104
    with serve(used=used) as service:
        version = service.state.reloader.loaded_models.aliases["sum"]["champion"]
        get = service.client.get
        for auth in (None, ("predict", "wrong"), ("nobody", "")):
            answer = get("/health/ready", auth=auth)
            assert answer.status_code == 200
            assert answer.json() == {
                "status": "ready",
                "missing": "",
                "prediction_log": "writable",
            }
        for auth in (("predict", "predict-secret"), ("metrics", "metrics-secret")):
            assert version in get("/health/ready", auth=auth).text
        for number in range(20):
            assert get("/health/ready", auth=("predict", f"{number}")).status_code == 200
        assert get("/models", auth=("predict", "wrong")).status_code == 429


def test_beyond_loopback_the_reason_without_names_is_a_sentence(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Whoever may see why, sees it with credentials."""
    with serve([], new_settings(service_host="0.0.0.0", model_name="secret-model")) as service:  # noqa: S104
        answer = service.client.get("/health/ready")
        assert answer.status_code == 503
        assert "secret-model" not in answer.text
        known = service.client.get("/health/ready", auth=("metrics", "metrics-secret"))
        assert "secret-model" in known.json()["missing"]
