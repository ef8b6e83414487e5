"""The monitor reads new predictions by version, apart from the requests."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path

import apsw
import msgspec
import numpy as np
import pandas as pd
import pytest

from api.background.monitor import Monitor
from model_store.file_store import FileModelStore
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Column, Kind
from monitoring.criteria import scored_version
from monitoring.log.database.file import reading
from monitoring.log.errors import LogUnavailableError
from monitoring.statistics import profile
from settings.settings import Settings
from tests.api.conftest import NewSettings, Serve, Service, fruit_draft, loaded, sum_draft
from tests.waiting import wait_until

TRAINED = {"a": np.arange(400.0) % 10, "b": np.arange(400.0) % 5}
ROWS = [{"a": float(a), "b": float(b)} for a, b in zip(*TRAINED.values(), strict=True)]


@pytest.fixture
def referenced(store: FileModelStore) -> str:
    """Return a version of `sum` with the profile of 400 rows: a from 0 to 9, b from 0 to 4."""
    totals = {"total": TRAINED["a"] + 2 * TRAINED["b"]}
    found = profile(TRAINED | totals, dict.fromkeys(("a", "b", "total"), "number"))
    draft = replace(sum_draft(), reference=msgspec.json.encode(found))
    version = store.publish(draft)
    store.promote("sum", version)
    return version


def monitor(service: Service, settings: Settings | None = None) -> Monitor:
    """Return a monitor of a running service."""
    reloader = service.state.reloader
    return Monitor(
        service.state.log.path, settings or service.settings, lambda: reloader.loaded_models
    )


class BreakableReading:
    """Counts how often the log is opened for reading, and can fail at one of the next times."""

    count = 0
    breaks_in = -1

    def __call__(self, path: Path) -> AbstractContextManager[apsw.Connection]:
        """Open the log, or fail."""
        self.count += 1
        self.breaks_in -= 1
        if self.breaks_in == -1:
            raise LogUnavailableError
        return reading(path)


def ask_and_label(service: Service, name: str) -> None:
    """Ask two models for predictions of 20 rows each, and send one true value for each model."""
    labels = []
    for path, row, truth in (
        ("sum/predict", {"a": 1, "b": 2}, 5.0),
        ("fruit/predict?probabilities=true", {"weight": 60}, "Plum"),
    ):
        headers = {"X-Request-ID": name + truth.__class__.__name__}
        assert service.predict([row] * 20, f"/models/{path}", headers=headers).is_success
        labels.append({"request_id": headers["X-Request-ID"], "row": 0, "value": truth})
    assert service.predict(labels, "/feedback").is_success


def held(seen: Monitor) -> tuple[int, int]:
    """Return how many rows are in the window, and how many were scored."""
    [observation], [scores] = seen.observations, seen.scores
    return observation.rows, scores.rows


def drifted(seen: Monitor) -> dict[str, bool]:
    """Return the verdict on each column of the one served version."""
    [observation] = seen.observations
    sides = (observation.drift or {}).values()
    return {column.name: column.drifted for drift in sides for column in drift.columns}


def test_rows_like_those_of_training_have_not_drifted(referenced: str, serve: Serve) -> None:
    """Every row that was answered is in the window, with its answer."""
    with serve([]) as service:
        service.predict(ROWS)
        seen = monitor(service)
        seen.update()
        [observation] = seen.observations
        assert (observation.version, observation.rows) == (referenced, 400)
        assert {c.name: c.count for c in observation.statistics} == dict.fromkeys("ab", 400) | {
            "total": 400
        }
        assert drifted(seen) == {"a": False, "b": False, "total": False}


def test_a_column_that_drifted_is_named(referenced: str, serve: Serve) -> None:
    """The output that depends on it is named too; the other column is not."""
    with serve([]) as service:
        service.predict([row | {"a": row["a"] + 5} for row in ROWS])
        seen = monitor(service)
        seen.update()
        assert drifted(seen) == {"a": True, "b": False, "total": True}


def test_an_update_without_new_rows_computes_nothing(referenced: str, serve: Serve) -> None:
    """The observations stay the same objects until another row is answered."""
    with serve([]) as service:
        service.predict(ROWS)
        seen = monitor(service)
        seen.update()
        before = [*seen.observations, *seen.scores]
        seen.update()
        after = [*seen.observations, *seen.scores]
        assert all(x is y for x, y in zip(before, after, strict=True))
        service.predict(ROWS[:1])
        seen.update()
        assert [observation.rows for observation in seen.observations] == [401]


def test_rows_that_an_update_could_not_read_are_read_by_the_next(
    serve: Serve, new_settings: NewSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever read fails, the next update ends with the same result as one without a failure."""
    breakable = BreakableReading()
    for module in ("windows.reader", "feedback.reader"):
        monkeypatch.setattr(f"monitoring.{module}.reading", breakable)
    settings = new_settings(model_name="sum", monitoring_min_rows=1, monitoring_seconds=86400)
    with serve(["sum", "fruit"], used=settings) as service:
        ask_and_label(service, "a")
        monitor(service).update()
        # One monitor for each read of an update, and one in which no read fails.
        monitors = [monitor(service) for _ in range(breakable.count + 1)]
        for seen in monitors:
            seen.update()
        ask_and_label(service, "b")
        found = []
        for place, seen in enumerate(monitors):
            breakable.breaks_in = place
            with nullcontext() if seen is monitors[-1] else pytest.raises(LogUnavailableError):
                seen.update()
            breakable.breaks_in = -1
            seen.update()
            found.append((seen.observations, seen.scores))
    observations, scores = found[-1]
    assert [seen.rows for seen in observations] == [40, 40]
    assert [seen.rows for seen in scores] == [2, 2]
    assert [bool(seen.estimate) for seen in scores] == [True, False]
    assert all(seen == found[-1] for seen in found)


def test_a_version_that_is_served_no_more_is_not_monitored(referenced: str, serve: Serve) -> None:
    """Its series end with it."""
    with serve([]) as service:
        seen = monitor(service)
        seen.update()
        assert len(seen.observations) == len(seen.scores) == 1
        service.install(loaded(sum_draft().estimator, version="other"))
        seen.update()
        assert [o.version for o in seen.observations] == ["other"]
        assert [s.of.version for s in seen.scores] == ["other"]


def test_a_personal_column_is_not_monitored(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """The log holds no value of it that could be monitored."""
    private = new_settings(log_personal_fields=("a",), log_key="k" * 32)
    with serve([], used=private) as service:
        service.predict(ROWS)
        seen = monitor(service, private)
        seen.update()
        assert drifted(seen) == {"b": False, "total": False}


def test_the_thresholds_are_those_of_the_settings(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """They hold for all columns, or for single ones."""
    with serve([]) as service:
        service.predict([{"a": row["a"] + 5, "b": row["b"] + 3} for row in ROWS])
        patient = new_settings(drift_psi=1000, drift_columns={"b": 0.2})
        seen = monitor(service, patient)
        seen.update()
        assert drifted(seen) == {"a": False, "b": True, "total": False}


def test_rows_that_retention_removed_are_seen_no_more(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """Neither the window nor the scores have them; the other rows are not read again."""
    with serve([]) as service:
        service.predict(ROWS[:300], headers={"X-Request-ID": "old"})
        service.predict(ROWS[300:], headers={"X-Request-ID": "new"})
        labels = [{"request_id": name, "row": 0, "value": 1.0} for name in ("old", "new")]
        service.predict(labels, "/feedback")
        seen = monitor(service, new_settings(monitoring_min_rows=1))
        seen.update()
        assert held(seen) == (400, 2)
        for name, left in (("old", (100, 1)), ("new", (0, 0))):
            with closing(apsw.Connection(str(service.state.log.path))) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("DELETE FROM requests WHERE request_id = ?", (name,))
            seen.update()
            assert held(seen) == left
            [read_anew] = seen.observations
            seen.update()
            assert seen.observations[0] is read_anew


def test_a_misspelt_label_is_no_class_of_its_own(
    store: FileModelStore, serve: Serve, new_settings: NewSettings
) -> None:
    """The classes are those of the version's signature."""
    draft = fruit_draft()
    output = Column(name="fruit", kind=Kind.CATEGORY, categories=("Melon", "Plum"))
    signature = msgspec.structs.replace(draft.signature, outputs=(output,))
    store.promote("fruit", store.publish(replace(draft, signature=signature)))
    with serve([], used=new_settings(model_name="fruit")) as service:
        service.predict([{"weight": 60}] * 2, headers={"X-Request-ID": "a"})
        truths = ("Plum", "plum")
        labels = [{"request_id": "a", "row": r, "value": v} for r, v in enumerate(truths)]
        service.predict(labels, "/feedback")
        seen = monitor(service, new_settings(monitoring_min_rows=1))
        seen.update()
        [found] = seen.scores
        assert found.unknown_labels == 1
        assert found.scores == {"accuracy": 0.5, "f1_macro": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (pd.Categorical(["Plum", "Melon"]), {"Plum", "Melon"}),
        ([True, True], {"true", "false"}),
        ([3, 5], {"3", "4", "5"}),
        (["Plum", "Melon"], set()),
        ([1, 1_000_000], set()),
        ([0.5, 1.5], set()),
    ],
)
def test_the_classes_of_a_version_are_those_of_its_output(
    labels: Sequence[object], classes: set[str]
) -> None:
    """A short range of whole numbers is a list of classes; free text has no known classes."""
    manifest = loaded(sum_draft().estimator).manifest
    table = pd.DataFrame({"y": labels})
    signature = infer_signature(pd.DataFrame({"x": [1.0, 2.0]}), table)
    classifier = msgspec.structs.replace(manifest, signature=signature, task="classification")
    assert scored_version(classifier).classes == classes
    assert not scored_version(msgspec.structs.replace(classifier, task="regression")).classes


def test_rareness_is_known_where_drift_is(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """It needs as many rows as statistics do, and a reference."""
    with serve([], used=new_settings(monitoring_min_rows=20)) as service:
        seen = monitor(service)
        for rows, versions in ((19, []), (1, [referenced])):
            service.predict(ROWS[:rows])
            seen.update()
            assert [*seen.rarities("sum")] == versions
    with serve(["fruit"], used=new_settings(model_name="fruit")) as service:
        service.predict([{"weight": 60}] * 20)
        seen = monitor(service)
        seen.update()
        assert seen.rarities("fruit") == {}


def test_the_age_of_the_last_update_is_published(service: Service) -> None:
    """A successful update resets it; a failed one does not."""
    now = iter(range(100))
    reloader = service.state.reloader
    seen = Monitor(
        service.state.log.path,
        service.settings,
        lambda: reloader.loaded_models,
        lambda: next(now),
    )
    assert [seen.age_seconds(), seen.age_seconds()] == [1, 2]
    seen.update()
    assert seen.age_seconds() == 1
    service.state.log.path.rename(service.state.log.path.with_suffix(".moved"))
    with pytest.raises(LogUnavailableError):
        seen.update()
    assert seen.age_seconds() == 2


def test_the_service_updates_its_monitor_by_itself(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """It does so every few seconds; the metrics show the last update."""
    with serve([], used=new_settings(monitoring_seconds=0.01)) as service:
        service.predict([row | {"a": row["a"] + 5} for row in ROWS])
        names = ("sum", referenced)
        wait_until(lambda: service.samples("window_rows") == {("window_rows", *names): 400}, 120)
        samples = service.samples("drift_detected")
        assert samples["drift_detected", *names, "input", "a"] == 1
        assert samples["drift_detected", *names, "input", "b"] == 0
        shares = service.samples("drift_share", "drift_dataset_detected")
        assert shares["drift_share", *names, "input"] == 0.5
        assert shares["drift_dataset_detected", *names, "input"] == 1


def test_an_update_that_fails_is_logged_and_not_the_last(
    referenced: str, serve: Serve, new_settings: NewSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background task goes on after it."""
    failures = [ValueError("once")]
    update = Monitor.update

    def fail_once(self: Monitor) -> None:
        if failures:
            raise failures.pop()
        update(self)

    monkeypatch.setattr(Monitor, "update", fail_once)
    with serve([], used=new_settings(monitoring_seconds=0.01)) as service:
        wait_until(lambda: service.samples("window_rows"), 120)
        assert len(service.events("monitoring-failed")) == 1
