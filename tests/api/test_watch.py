"""The watch: what arrives is seen, by version, and costs no request anything."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from api.settings import Settings
from api.watch import Watch
from model_store.file_store import FileModelStore
from monitoring.log.errors import LogUnavailableError
from monitoring.statistics import profile
from tests.api.conftest import NewSettings, Serve, Service, loaded, sum_draft
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


def watch(service: Service, settings: Settings | None = None) -> Watch:
    """Return a watch of a running service."""
    catalog = service.state.watcher
    return Watch(service.state.log.path, settings or service.settings, lambda: catalog.catalog)


def drifted(seen: Watch) -> dict[str, bool]:
    """Return the verdict on each column of the one served version."""
    [observation] = seen.observations.values()
    sides = (observation.drift or {}).values()
    return {column.name: column.drifted for drift in sides for column in drift.columns}


def test_rows_like_those_of_training_have_not_drifted(referenced: str, serve: Serve) -> None:
    """Every row that was answered is in the window, with its answer."""
    with serve([]) as service:
        service.predict(ROWS)
        seen = watch(service)
        seen.look()
        [observation] = seen.observations.values()
        assert (observation.version, observation.rows) == (referenced, 400)
        assert {c.name: c.count for c in observation.statistics} == dict.fromkeys("ab", 400) | {
            "total": 400
        }
        assert drifted(seen) == {"a": False, "b": False, "total": False}


def test_a_column_that_drifted_is_named(referenced: str, serve: Serve) -> None:
    """And so is the answer that follows from it; the other column is not."""
    with serve([]) as service:
        service.predict([row | {"a": row["a"] + 5} for row in ROWS])
        seen = watch(service)
        seen.look()
        assert drifted(seen) == {"a": True, "b": False, "total": True}


def test_a_look_at_nothing_new_measures_nothing(referenced: str, serve: Serve) -> None:
    """What was seen stays as it is until another row is answered."""
    with serve([]) as service:
        service.predict(ROWS)
        seen = watch(service)
        seen.look()
        before = list(seen.observations.values())
        seen.look()
        assert all(x is y for x, y in zip(before, seen.observations.values(), strict=True))
        service.predict(ROWS[:1])
        seen.look()
        assert [observation.rows for observation in seen.observations.values()] == [401]


def test_a_version_that_is_served_no_more_is_not_watched(referenced: str, serve: Serve) -> None:
    """No series may outlive what it tells of."""
    with serve([]) as service:
        seen = watch(service)
        seen.look()
        assert len(seen.observations) == len(seen.scores) == 1
        service.install(loaded(sum_draft().estimator, version="other"))
        seen.look()
        assert [o.version for o in seen.observations.values()] == ["other"]
        assert [s.of.version for s in seen.scores.values()] == ["other"]


def test_a_personal_column_is_not_watched(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """The log holds no value of it that could be."""
    private = new_settings(log_personal_fields=("a",), log_key="k" * 32)
    with serve([], used=private) as service:
        service.predict(ROWS)
        seen = watch(service, private)
        seen.look()
        assert drifted(seen) == {"b": False, "total": False}


def test_the_thresholds_are_those_of_the_settings(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """Of all columns, and of single ones."""
    with serve([]) as service:
        service.predict([{"a": row["a"] + 5, "b": row["b"] + 3} for row in ROWS])
        patient = new_settings(drift_psi=1000, drift_columns={"b": 0.2})
        seen = watch(service, patient)
        seen.look()
        assert drifted(seen) == {"a": False, "b": True, "total": False}


def test_the_age_of_what_was_seen_is_told(service: Service) -> None:
    """It begins anew with a look that succeeds, and goes on with one that does not."""
    now = iter(range(100))
    catalog = service.state.watcher
    seen = Watch(
        service.state.log.path, service.settings, lambda: catalog.catalog, lambda: next(now)
    )
    assert [seen.age_seconds(), seen.age_seconds()] == [1, 2]
    seen.look()
    assert seen.age_seconds() == 1
    service.state.log.path.rename(service.state.log.path.with_suffix(".moved"))
    with pytest.raises(LogUnavailableError):
        seen.look()
    assert seen.age_seconds() == 2


def test_the_service_looks_by_itself(
    referenced: str, serve: Serve, new_settings: NewSettings
) -> None:
    """Every few seconds; the metrics tell what the last look saw."""
    with serve([], used=new_settings(monitoring_seconds=0.01)) as service:
        service.predict([row | {"a": row["a"] + 5} for row in ROWS])
        names = ("sum", referenced)
        wait_until(lambda: service.samples("window_rows") == {("window_rows", *names): 400}, 30)
        told = service.samples("drift_detected")
        assert told["drift_detected", *names, "input", "a"] == 1
        assert told["drift_detected", *names, "input", "b"] == 0
        shares = service.samples("drift_share", "drift_dataset_detected")
        assert shares["drift_share", *names, "input"] == 0.5
        assert shares["drift_dataset_detected", *names, "input"] == 1


def test_a_look_that_fails_is_told_and_not_the_last(
    referenced: str, serve: Serve, new_settings: NewSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chore outlives it."""
    failures = [ValueError("once")]
    look = Watch.look

    def fail_once(self: Watch) -> None:
        if failures:
            raise failures.pop()
        look(self)

    monkeypatch.setattr(Watch, "look", fail_once)
    with serve([], used=new_settings(monitoring_seconds=0.01)) as service:
        wait_until(lambda: service.samples("window_rows"), 30)
        assert len(service.events("monitoring-failed")) == 1
