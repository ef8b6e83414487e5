"""Swaps without a restart; whatever fails, what answers goes on answering."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.http.problems import NoModel
from model_store.file_store import FileModelStore
from settings.settings import Settings
from tests.api.conftest import SUM_ROW, NewSettings, Serve, Service, sum_draft

Damage = Callable[[Path], object]


def answer_of(service: Service, path: str = "/predict") -> tuple[float, str]:
    """Return what is answered to a = 1, b = 2, and by which version."""
    answer = service.predict(SUM_ROW, path)
    assert answer.status_code == 200
    return round(answer.json()["total"], 6), answer.headers["x-model-version"]


def champion(store: FileModelStore, factor: float, model: str = "sum") -> str:
    """Publish a version that answers a + factor * b, and make it the champion."""
    version = store.publish(sum_draft(factor, model))
    store.promote(model, version)
    return version


def test_a_new_champion_answers_without_a_restart(service: Service, store: FileModelStore) -> None:
    """And the old one again after a rollback, loaded anew: what nobody names leaves the memory."""
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


def test_a_swap_is_told(service: Service, store: FileModelStore) -> None:
    """From which version to which; at the start from none. In the events and in the log's."""
    old = answer_of(service)[1]
    new = champion(store, 3)
    service.state.reloader.refresh()
    store.rollback("sum")
    service.state.reloader.refresh()
    service.state.reloader.refresh()
    moves = [("", old), (old, new), (new, old)]
    told = service.events("model-swapped")
    assert [(event["source"], event["target"]) for event in told] == moves
    assert {(event["model"], event["alias"]) for event in told} == {("sum", "champion")}
    with closing(sqlite3.connect(service.state.log.path)) as connection:
        found = connection.execute("SELECT detail FROM events WHERE kind = 'model-swapped'")
        details = [json.loads(detail) for (detail,) in found]
    assert [(detail["source"], detail["target"]) for detail in details] == moves


def test_the_watch_finds_a_new_champion_by_itself(
    serve: Serve, new_settings: NewSettings, store: FileModelStore
) -> None:
    """Requests go on meanwhile; each is answered by the version that it names."""
    with serve(used=new_settings(model_poll_seconds=0.01)) as service:
        new = champion(store, 3)
        for _ in range(10_000):
            total, version = answer_of(service)
            assert total == (7 if version == new else 5)
            if version == new:
                return
        pytest.fail("The new champion was never served.")


def test_a_look_at_an_unchanged_store_loads_nothing(service: Service) -> None:
    """The catalog stays the very same."""
    loaded_models = service.state.reloader.loaded_models
    service.state.reloader.refresh()
    assert service.state.reloader.loaded_models is loaded_models


def test_a_challenger_is_served_by_its_name_only(service: Service, store: FileModelStore) -> None:
    """`/predict` is the champion's."""
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
    """Ready all the while; the reason stands in the body of readiness, metrics and events."""
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
    """With the reason; once they are mended, all is well."""
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
    """Nor does a link lead out of the store."""
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
    """Not ready, with the reason; it lives, and serves the next good version."""
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


def test_with_two_models_somebody_must_say_which_one_answers(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Until then `/predict` has no model, and the sentence names the setting."""
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
    """What was the only model goes on answering."""
    old = answer_of(service)
    champion(store, 3, "other")
    service.state.reloader.refresh()
    assert answer_of(service) == old
    assert answer_of(service, "/models/other/predict")[0] == 7


def test_an_empty_store_serves_the_first_model_that_comes(
    serve: Serve, store: FileModelStore
) -> None:
    """Without a restart."""
    with serve([]) as service:
        assert service.predict(SUM_ROW).status_code == 503
        version = champion(store, 2)
        service.state.reloader.refresh()
        assert answer_of(service) == (5, version)
        assert service.client.get("/health/ready").status_code == 200


def test_a_bundle_that_was_mended_is_served_without_a_restart(
    serve: Serve, store: FileModelStore, settings: Settings
) -> None:
    """No alias has to move for it."""
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
def test_what_vanishes_from_the_store_goes_on_answering(
    serve: Serve, new_settings: NewSettings, vanished: str
) -> None:
    """Ready, with the reason; other models are not concerned. Once it is back all is as before."""
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


def test_a_store_that_cannot_be_read_is_told_once(service: Service) -> None:
    """Here a file stands in its place."""
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
def test_a_refusal_that_lasts_is_told_once(
    service: Service, store: FileModelStore, trouble: str
) -> None:
    """However often the store is looked at."""
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
    """The log has a view of one of them only, which is told."""
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
    with serve([]) as service, closing(sqlite3.connect(service.state.log.path)) as connection:
        views = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
        assert ("rows_total",) in views
