"""`GET /metrics` keeps the names that others rely on; its totals equal the log."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from model_store.file_store import FileModelStore
from monitoring.log.reading.reader import LogReader
from tests.api.conftest import SUM_ROW, Estimator, NewSettings, Serve, Service, loaded, sum_draft

NAMES = {
    "http_requests",
    "http_request_duration_seconds",
    "predict_requests",
    "predict_rows",
    "predict_batch_rows",
    "predict_queue_depth",
    "predict_rejected",
    "prediction_log_commit_seconds",
    "prediction_log_failures",
    "prediction_log_bytes",
    "model_info",
    "model_train_score",
    "model_age_seconds",
    "model_reloads",
    "model_refused",
    "predict_out_of_range_rows",
    "predict_unlogged",
    "service_info",
    "service_ready",
    "local_data_filesystem_free_bytes",
    "local_data_filesystem_size_bytes",
    "process_cpu_seconds",
    "python_info",
}
SILENT = {"predict_rejected", "predict_out_of_range_rows", "predict_unlogged", "model_refused"}
"""The metrics that have no series until their event has happened."""
TOTALS = ("predict_requests_total", "predict_rows_total")


def ledger(service: Service) -> dict[tuple[str, ...], float]:
    """Return the totals of predictions by name, model and outcome."""
    return {
        (name, model, outcome): value
        for (name, model, _, outcome), value in service.samples(*TOTALS).items()
    }


def test_the_names_that_dashboards_rely_on_are_there(service: Service) -> None:
    """Each has a help text; the text is of the type that the client library says."""
    service.predict(SUM_ROW)
    service.predict(b"")
    answer = service.client.get("/metrics", auth=("metrics", "metrics-secret"))
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert set(families) >= NAMES
    assert all(families[name].documentation for name in NAMES)
    assert all(families[name].samples for name in NAMES - SILENT)


def test_totals_are_the_rows_of_the_log(service: Service) -> None:
    """Neither has refused requests; failures of the model are counted apart."""
    service.predict([SUM_ROW, SUM_ROW, SUM_ROW])
    service.predict(SUM_ROW)
    service.predict([{}])
    service.install(loaded(Estimator(lambda _: [])))
    assert service.predict([SUM_ROW] * 2).status_code == 500
    assert ledger(service) == {
        ("predict_requests_total", "sum", "answered"): 2,
        ("predict_rows_total", "sum", "answered"): 4,
        ("predict_requests_total", "sum", "failed"): 1,
        ("predict_rows_total", "sum", "failed"): 2,
    }
    assert [row["rows"] for row in service.logged()] == [3, 1]
    assert LogReader(service.state.log.path).check().holds


def test_totals_go_on_after_a_restart(serve: Serve) -> None:
    """They are queried from the log and not kept in the process."""
    for expected in (1, 2):
        with serve() as service:
            service.predict(SUM_ROW)
            assert ledger(service)["predict_requests_total", "sum", "answered"] == expected


def test_two_services_live_in_one_process(
    serve: Serve, new_settings: NewSettings, tmp_path: Path
) -> None:
    """Each has a registry, a log and models of its own."""
    other_settings = new_settings(local_data=tmp_path / "other")
    with serve() as one, serve(["fruit"], used=other_settings) as other:
        one.predict(SUM_ROW)
        other.predict([{"weight": 60}] * 2)
        assert ledger(one)["predict_rows_total", "sum", "answered"] == 1
        assert ledger(other)["predict_rows_total", "fruit", "answered"] == 2
        assert len(ledger(one)) == len(ledger(other)) == 2


def test_rejections_are_counted_by_type(service: Service) -> None:
    """The reason is the type of the problem."""
    service.predict(b"")
    service.predict([{}])
    service.predict([{}, {}])
    service.predict(SUM_ROW, "/models/none/predict")
    service.client.post("/predict", content=b"{}")
    assert service.samples("predict_rejected_total") == {
        ("predict_rejected_total", "invalid-json"): 1,
        ("predict_rejected_total", "invalid-rows"): 2,
        ("predict_rejected_total", "not-found"): 1,
        ("predict_rejected_total", "unsupported-media-type"): 1,
    }


def test_the_served_model_is_published_with_its_scores(service: Service) -> None:
    """Its series have model, version, alias and format; its age counts from its publication."""
    version = service.state.reloader.loaded_models.aliases["sum"]["champion"]
    found = service.samples("model_info", "model_train_score", "model_age_seconds")
    assert found["model_info", "sum", version, "champion", "regression", "onnx"] == 1
    (line,) = [x for x in service.metrics_text().splitlines() if x.startswith("model_info{")]
    assert 'format="onnx"' in line
    assert found["model_train_score", "sum", version, "r2", "test"] == 0.75
    assert found["model_age_seconds", "sum", version] >= 0


def test_no_series_outlives_its_version(serve: Serve, store: FileModelStore) -> None:
    """A version that is no longer served has no gauge that keeps its last value."""
    with serve() as service:
        old = service.state.reloader.loaded_models.aliases["sum"]["champion"]
        new = store.publish(sum_draft(3))
        store.promote("sum", new)
        service.state.reloader.refresh()
        text = "\n".join(
            line for line in service.metrics_text().splitlines() if line.startswith("model_info")
        )
    assert new in text
    assert f'"{old}"' not in text


def test_the_running_code_is_published(serve: Serve, new_settings: NewSettings) -> None:
    """The series has the branch and the commit of the build."""
    with serve(used=new_settings(git_branch="main", git_head="1a2b3c4")) as service:
        (labels,) = service.samples("service_info")
    assert labels[2:] == ("main", "1a2b3c4")


def test_a_log_that_cannot_be_read_gives_no_totals(service: Service) -> None:
    """A zero would be false; all other metrics are still published."""
    service.predict(SUM_ROW)
    service.state.log.path.rename(service.state.log.path.with_suffix(".moved"))
    service.state.log.path.mkdir()
    assert service.samples(*TOTALS) == {}
    assert "http_requests_total" in service.metrics_text()


def test_batches_and_commits_are_measured(service: Service) -> None:
    """In this test they are one batch of three rows and one commit."""
    service.predict([SUM_ROW] * 3)
    found = service.samples(
        "predict_batch_rows_sum", "prediction_log_commit_seconds_count", "prediction_log_bytes"
    )
    assert found["predict_batch_rows_sum",] == 3
    assert found["prediction_log_commit_seconds_count",] == 1
    assert found["prediction_log_bytes",] == pytest.approx(
        sum(
            path.stat().st_size
            for path in service.settings.local_data.glob("predictions.sqlite*")
            if path.suffix in {".sqlite", ".sqlite-wal"}
        )
    )
