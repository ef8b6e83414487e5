"""Models are swapped without a restart; after a failure the current one goes on answering."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from api.http.problems import NoModel
from model_store.file_store import FileModelStore
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service, sum_draft

Damage = Callable[[Path], object]


def answer_of(service: Service, path: str = "/predict") -> tuple[float, str]:
    """Return the answer to a = 1, b = 2, and the version that gave it."""
    answer = service.predict(SUM_ROW, path)
    assert answer.status_code == 200
    return round(answer.json()["total"], 6), answer.headers["x-model-version"]


def champion(store: FileModelStore, factor: float, model: str = "sum") -> str:
    """Publish a version that answers a + factor * b, and make it the champion."""
    version = store.publish(sum_draft(factor, model))
    store.promote(model, version)
    return version


def test_a_new_champion_answers_without_a_restart(service: Service, store: FileModelStore) -> None:
    """A rollback loads the old version again: a version without an alias leaves the memory."""
    old = answer_of(service)
    new = champion(store, 3)
    assert answer_of(service) == old
    service.state.reloader.refresh()
    assert answer_of(service) == (7, new)
    store.rollback("sum")
    service.state.reloader.refresh()
    assert answer_of(service) == old == (5, old[1])
    assert service.samples("model_reloads_total") == {
        ("model_reloads_total", "sum", old[1], "loaded"): 2,
        ("model_reloads_total", "sum", new, "loaded"): 1,
    }
    versions = [event["version"] for event in service.events("model-loaded")]
    assert versions == [old[1], new, old[1]]


def test_a_swap_is_logged(service: Service, store: FileModelStore) -> None:
    """The structured log and the prediction log name the old version, if any, and the new one."""
    old = answer_of(service)[1]
    new = champion(store, 3)
    service.state.reloader.refresh()
    store.rollback("sum")
    service.state.reloader.refresh()
    service.state.reloader.refresh()
    moves = [("", old), (old, new), (new, old)]
    swaps = service.events("model-swapped")
    assert [(event["source"], event["target"]) for event in swaps] == moves
    assert {(event["model"], event["alias"]) for event in swaps} == {("sum", "champion")}
    with closing(apsw.Connection(str(service.state.log.path))) as connection:
        found = connection.execute("SELECT detail FROM events WHERE kind = 'model-swapped'")
        details = [json.loads(detail) for (detail,) in found]
    assert [(detail["source"], detail["target"]) for detail in details] == moves


def test_the_reloader_finds_a_new_champion_by_itself(
    serve: Serve, new_settings: NewSettings, store: FileModelStore
) -> None:
    """Requests go on meanwhile; each answer comes from the version that it names."""
    with serve(used=new_settings(model_poll_seconds=0.01)) as service:
        new = champion(store, 3)
        for _ in range(10_000):
            total, version = answer_of(service)
            assert total == (7 if version == new else 5)
            if version == new:
                return
        pytest.fail("The new champion was never served.")


def test_refreshing_from_an_unchanged_store_loads_nothing(service: Service) -> None:
    """The loaded models stay the same object."""
    loaded_models = service.state.reloader.loaded_models
    service.state.reloader.refresh()
    assert service.state.reloader.loaded_models is loaded_models


def test_a_challenger_is_served_by_its_name_only(service: Service, store: FileModelStore) -> None:
    """`/predict` is answered by the champion."""
    version = store.publish(sum_draft(3))
    store.promote("sum", version, "challenger")
    service.state.reloader.refresh()
    assert answer_of(service)[0] == 5
    assert answer_of(service, f"/models/sum/versions/{version}/predict") == (7, version)


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Damage] = {
    "flipped bit in the model": lambda folder: flip(folder / "model.skops"),
    "flipped bit in the golden rows": lambda folder: flip(folder / "golden.json"),
    "manifest cut short": lambda folder: os.truncate(folder / "manifest.json", 100),
    "empty model": lambda folder: os.truncate(folder / "model.skops", 0),
    "no model": lambda folder: (folder / "model.skops").unlink(),
    "no bundle": lambda folder: folder.rename(folder.with_name("elsewhere")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_champion_leaves_the_old_one_answering(
    service: Service, store: FileModelStore, damage: str
) -> None:
    """The service stays ready; readiness, metrics and events give the reason."""
    old = answer_of(service)
    new = champion(store, 3)
    DAMAGES[damage](service.settings.local_data / "models" / "sum" / new)
    service.state.reloader.refresh()

    assert answer_of(service) == old
    answer = service.client.get("/health/ready")
    assert (answer.status_code, answer.json()["models"]) == (200, {"sum": {"champion": old[1]}})
    (refusal,) = answer.json()["refused"]
    assert (refusal["model"], refusal["version"]) == ("sum", new)
    (event,) = service.events("model-refused")
    assert event["reason"] == refusal["reason"] != ""
    found = service.samples("model_reloads_total", "model_refused")
    assert found["model_reloads_total", "sum", new, "refused"] == 1
    assert found["model_refused", "sum", new] == 1


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"aliases":{"champion":"../../etc"}}'])
def test_damaged_aliases_leave_the_old_version_answering(service: Service, text: bytes) -> None:
    """Readiness gives the reason until the aliases are mended."""
    old = answer_of(service)
    path = service.settings.local_data / "models" / "sum" / "aliases.json"
    whole = path.read_bytes()
    path.write_bytes(text)
    service.state.reloader.refresh()
    assert answer_of(service) == old
    (refusal,) = service.client.get("/health/ready").json()["refused"]
    assert "aliases.json" in refusal["reason"]
    path.write_bytes(whole)
    service.state.reloader.refresh()
    assert service.client.get("/health/ready").json()["refused"] == []


def test_a_fifo_in_place_of_the_aliases_does_not_block(service: Service) -> None:
    """A link does not lead out of the store."""
    old = answer_of(service)
    path = service.settings.local_data / "models" / "sum" / "aliases.json"
    path.unlink()
    os.mkfifo(path)
    service.state.reloader.refresh()
    assert answer_of(service) == old
    path.unlink()
    path.symlink_to("/etc/hostname")
    service.state.reloader.refresh()
    assert answer_of(service) == old


def test_a_service_whose_only_version_is_damaged_says_why(
    serve: Serve, store: FileModelStore, settings: Settings
) -> None:
    """It is live but not ready, and serves the next good version."""
    bad = champion(store, 3)
    flip(settings.local_data / "models" / "sum" / bad / "model.skops")
    with serve([]) as service:
        answer = service.client.get("/health/ready")
        assert answer.status_code == 503
        assert [refusal["version"] for refusal in answer.json()["refused"]] == [bad]
        # It is not called an empty store.
        assert bad in answer.json()["missing"]
        good = champion(store, 4)
        service.state.reloader.refresh()
        assert answer_of(service) == (9, good)


def test_with_two_models_a_setting_must_name_the_default_one(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Without it `/predict` has no model, and the error names the setting."""
    with serve(["sum", "fruit"]) as service:
        with pytest.raises(NoModel, match="MODEL_NAME"):
            service.state.reloader.loaded_models.resolve()
        assert service.client.get("/health/ready").status_code == 503
        assert answer_of(service, "/models/sum/predict")[0] == 5
    with serve(used=new_settings(model_name="sum")) as service:
        assert answer_of(service)[0] == 5
        assert service.client.get("/health/ready").status_code == 200


def test_a_second_model_does_not_take_the_place_of_the_first(
    service: Service, store: FileModelStore
) -> None:
    """The first model goes on answering."""
    old = answer_of(service)
    champion(store, 3, "other")
    service.state.reloader.refresh()
    assert answer_of(service) == old
    assert answer_of(service, "/models/other/predict")[0] == 7


def test_an_empty_store_serves_the_first_model_that_comes(
    serve: Serve, store: FileModelStore
) -> None:
    """It needs no restart."""
    with serve([]) as service:
        assert service.predict(SUM_ROW).status_code == 503
        version = champion(store, 2)
        service.state.reloader.refresh()
        assert answer_of(service) == (5, version)
        assert service.client.get("/health/ready").status_code == 200


def test_a_bundle_that_was_mended_is_served_without_a_restart(
    serve: Serve, store: FileModelStore, settings: Settings
) -> None:
    """No alias has to move."""
    version = champion(store, 2)
    file = settings.local_data / "models" / "sum" / version / "model.skops"
    whole = file.read_bytes()
    file.write_bytes(b"")
    with serve([]) as service:
        assert service.client.get("/health/ready").status_code == 503
        file.write_bytes(whole)
        service.state.reloader.refresh()
        assert service.client.get("/health/ready").json()["refused"] == []
        assert answer_of(service) == (5, version)


@pytest.mark.parametrize("vanished", ["models", "models/sum", "models/sum/aliases.json"])
def test_a_model_that_vanishes_from_the_store_goes_on_answering(
    serve: Serve, new_settings: NewSettings, vanished: str
) -> None:
    """The service stays ready and gives the reason until the model is back."""
    with serve(["sum", "fruit"], used=new_settings(model_name="sum")) as service:
        old = answer_of(service)
        path = service.settings.local_data / vanished
        elsewhere = service.settings.local_data / "elsewhere"
        path.rename(elsewhere)
        for _ in range(3):
            service.state.reloader.refresh()
        assert answer_of(service) == old
        assert service.predict({"weight": 60}, "/models/fruit/predict").status_code == 200
        answer = service.client.get("/health/ready")
        assert answer.status_code == 200
        assert all(refusal["reason"] for refusal in answer.json()["refused"])
        assert "sum" in {refusal["model"] for refusal in answer.json()["refused"]}
        assert service.events("model-refused")
        elsewhere.rename(path)
        service.state.reloader.refresh()
        assert answer_of(service) == old
        assert service.client.get("/health/ready").json()["refused"] == []


def test_a_store_that_cannot_be_read_is_logged_once(service: Service) -> None:
    """In this test a file stands in its place."""
    old = answer_of(service)
    models = service.settings.local_data / "models"
    models.rename(models.with_name("elsewhere"))
    models.touch()
    for _ in range(3):
        service.state.reloader.refresh()
    assert answer_of(service) == old
    (event,) = service.events("store-unreadable")
    assert event["level"] == "error"
    assert event["reason"]


@pytest.mark.parametrize("trouble", ["damaged bundle", "damaged aliases", "model gone"])
def test_a_refusal_that_lasts_is_logged_once(
    service: Service, store: FileModelStore, trouble: str
) -> None:
    """Further refreshes do not repeat it."""
    model = service.settings.local_data / "models" / "sum"
    if trouble == "damaged bundle":
        flip(model / champion(store, 3) / "model.skops")
    elif trouble == "damaged aliases":
        (model / "aliases.json").write_bytes(b"")
    else:
        model.rename(service.settings.local_data / "elsewhere")
    for _ in range(3):
        service.state.reloader.refresh()
    assert len(service.events("model-refused")) == 1


def test_two_models_that_differ_in_letter_case_both_answer(
    serve: Serve, store: FileModelStore
) -> None:
    """The prediction log has a view of one of them only, and an event says so."""
    for model, factor in (("sum", 2), ("Sum", 3)):
        champion(store, factor, model)
    with serve([]) as service:
        assert answer_of(service, "/models/sum/predict")[0] == 5
        assert answer_of(service, "/models/Sum/predict")[0] == 7
        (event,) = service.events("views-not-made")
        assert "rename one" in event["reason"]
        service.state.reloader.refresh()
        assert len(service.events("views-not-made")) == 1


def test_a_name_that_the_log_refuses_costs_no_other_model_its_view(
    serve: Serve, store: FileModelStore
) -> None:
    """`Sum` and `sum` clash; `total`, which comes after them, has nothing to do with it."""
    for model in ("Sum", "sum", "total"):
        champion(store, 2, model)
    with serve([]) as service, closing(apsw.Connection(str(service.state.log.path))) as connection:
        views = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
        assert ("rows_total",) in views
