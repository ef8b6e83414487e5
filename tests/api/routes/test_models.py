"""`GET /models` lists the served models."""

from dataclasses import replace

import pytest

from model_store.bundle import Compilation
from model_store.file_store import FileModelStore
from tests.api.conftest import (
    KINDS_SIGNATURE,
    ConstantPredictor,
    NewSettings,
    Serve,
    Service,
    loaded,
    sum_draft,
)


def test_models_are_listed_with_what_a_caller_needs(service: Service) -> None:
    """Each has version, aliases, signature with training ranges, and scores, but not its card."""
    version = service.state.reloader.loaded_models.aliases["sum"]["champion"]
    (model,) = service.client.get("/models").json()["models"]
    (shown,) = model.pop("versions")
    assert model == {"model": "sum", "default": True, "aliases": {"champion": version}}
    assert shown["version"] == version
    assert shown["task"] == "regression"
    assert shown["aliases"] == ["champion"]
    assert shown["created"].endswith("Z")
    assert shown["scores"] == [{"metric": "r2", "split": "test", "value": 0.75}]
    assert (shown["form"], shown["form_reason"]) == ("compiled", "")
    assert shown["decision"] == {"least_confidence": 0.0, "top": 0, "calibrated": ""}
    assert shown["card"] is None
    assert shown["signature"]["inputs"][0] == {
        "name": "a",
        "kind": "number",
        "nullable": False,
        "categories": [],
        "minimum": 0.0,
        "maximum": 9.0,
        "unit": "",
        "form": "",
        "time_zone": "",
        "dtype": "",
        "shape": [],
        "header": "",
    }
    assert [column["name"] for column in shown["signature"]["outputs"]] == ["total"]


def test_a_model_is_shown_with_its_cards(service: Service) -> None:
    """The cards are Markdown, as published."""
    (version,) = service.client.get("/models/sum").json()["versions"]
    assert version["card"] == "# Sums"


@pytest.mark.slow  # it loads in processes of its own
def test_a_version_that_is_not_compiled_says_why(serve: Serve, store: FileModelStore) -> None:
    """The reason says what to change to make it fast."""
    draft = replace(sum_draft(3), compilation=Compilation(reason="It is odd."))
    with serve() as service:
        version = store.publish(draft)
        store.promote("sum", version)
        service.state.reloader.refresh()
        (shown,) = service.client.get("/models").json()["models"][0]["versions"]
    assert (shown["form"], shown["form_reason"]) == ("estimator", "It is odd.")


def test_all_versions_that_an_alias_names_are_shown(serve: Serve, store: FileModelStore) -> None:
    """A version without an alias is not served, so it is not shown."""
    with serve() as service:
        challenger, unnamed = store.publish(sum_draft(3)), store.publish(sum_draft(4))
        store.promote("sum", challenger, "challenger")
        service.state.reloader.refresh()
        versions = service.client.get("/models/sum").json()["versions"]
    shown = {version["version"]: version["aliases"] for version in versions}
    assert shown[challenger] == ["challenger"]
    assert len(shown) == 2
    assert unnamed not in shown


@pytest.mark.parametrize("name", ["xyzzy", "SUM", "..%2f..%2fetc", "%00", "x" * 300])
def test_an_unknown_model_is_not_found(service: Service, name: str) -> None:
    """The answer is a problem document with 404, without the name."""
    answer = service.client.get(f"/models/{name}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:problem:not-found"
    assert "xyzzy" not in answer.text


def test_columns_of_every_kind_can_be_shown(service: Service) -> None:
    """Non-ASCII categories are UTF-8 in the answer."""
    service.install(loaded(ConstantPredictor(), signature=KINDS_SIGNATURE))
    answer = service.client.get("/models/sum")
    inputs = answer.json()["versions"][0]["signature"]["inputs"]
    assert [column["kind"] for column in inputs] == [c.kind for c in KINDS_SIGNATURE.inputs]
    assert "gr\xfcn".encode() in answer.content


def test_an_empty_store_shows_no_models(serve: Serve) -> None:
    """The answer is an empty list."""
    with serve([]) as service:
        assert service.client.get("/models").json() == {"models": []}


def test_no_value_of_a_personal_column_is_shown(serve: Serve, new_settings: NewSettings) -> None:
    """Not even of a version that was published before the setting: its ranges, its card."""
    settings = new_settings(log_personal_fields=("a", "total"), log_key="k" * 40)
    with serve(used=settings) as service:
        found = service.client.get("/models/sum").json()["versions"][0]
        document = service.client.get("/openapi.json").json()
        assert service.predict([{"a": 1, "b": 2}]).status_code == 200
    columns = {column["name"]: column for column in found["signature"]["inputs"]}
    assert (columns["a"]["minimum"], columns["a"]["maximum"]) == (None, None)
    assert (columns["b"]["minimum"], columns["b"]["maximum"]) == (0, 4)
    assert found["signature"]["outputs"][0]["maximum"] is None
    assert found["card"].startswith("Not shown")
    operation = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert operation["example"] == [{"a": 0, "b": 2}]
    assert "In training from 0 to 9" not in str(document)
    assert "In training from 0 to 4" in str(document)
