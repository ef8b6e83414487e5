"""A model that may say that it does not know: its answer, its log, its metric, its label queue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from msgspec.structs import replace

from api.models.loaded_models import ServedModel
from model_store.checks.manifest_check import check_manifest
from model_store.errors import RefusedError
from model_store.schema.deciding.decision import Decision
from model_store.schema.prediction import Prediction
from model_store.schema.signature import Column, Kind, Signature
from model_store.store import LoadedModel
from monitoring.feedback.label_queue import candidates
from monitoring.log.timestamps import utc_now
from tests.api.conftest import ConstantPredictor, Service, loaded, running, small_settings

ADMIN = ("admin", "admin-secret")
FRUIT = Signature(
    inputs=(Column(name="sure", kind=Kind.NUMBER),),
    outputs=(Column(name="fruit", kind=Kind.CATEGORY, categories=("Melon", "Plum")),),
)


class Plums(ConstantPredictor):
    """Calls everything a Plum, as surely as its input says."""

    classes = ("Melon", "Plum")  # type: ignore[assignment]

    def predict(self, columns: dict[str, np.ndarray], *, probabilities: bool = False) -> Prediction:
        """Return plums."""
        sure = columns["sure"]
        labels = np.array(["Plum"] * len(sure), dtype=object)
        return Prediction((labels,), np.stack([1 - sure, sure], axis=1) if probabilities else None)


def plums(decision: Decision, signature: Signature = FRUIT) -> LoadedModel:
    """Return the model with a decision."""
    model = loaded(Plums(), signature=signature, model="sum")
    manifest = replace(model.manifest, task="classification", decision=decision)
    return _with(model, manifest)


def _with(model: LoadedModel, manifest: Any) -> LoadedModel:
    return LoadedModel(manifest, model.decoder, model.predictor, model.card)


@pytest.fixture(scope="module")
def service(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of the model, which is unsure below 0.75 and names both labels."""
    used = small_settings(tmp_path_factory.mktemp("decisions"), admin_password="admin-secret")
    with running(published, used, ["sum"]) as started:
        started.install(plums(Decision(least_confidence=0.75, top=2, calibrated="temperature")))
        yield started


def test_an_unsure_answer_is_null(service: Service) -> None:
    """And whoever asks sees why; the others are answered as ever."""
    found = service.predict([{"sure": 0.8}, {"sure": 0.7}]).json()
    top = [{"label": "Plum", "probability": 0.7}, {"label": "Melon", "probability": 0.3}]
    assert found[0] == {"fruit": "Plum", "top": found[0]["top"]}
    assert found[1]["fruit"] is None
    assert [each["label"] for each in found[1]["top"]] == [each["label"] for each in top]
    assert found[1]["probabilities"] == pytest.approx({"Melon": 0.3, "Plum": 0.7})
    asked = service.client.post("/predict?probabilities=true", json={"sure": 0.8}).json()
    assert set(asked) == {"fruit", "top", "probabilities"}


def test_it_is_counted_logged_and_given_out_to_be_labelled(service: Service) -> None:
    """An unsure row is the first that a person is asked about."""
    before = sum(service.samples("predict_unsure_rows_total").values())
    rows = [{"sure": 0.9}] * 9 + [{"sure": 0.6 + place / 1000} for place in range(20)]
    answer = service.predict(rows)
    assert sum(service.samples("predict_unsure_rows_total").values()) == before + 20
    assert service.logged()[-1]["outputs"] == answer.json()
    free = candidates(service.state.log.path, "sum", utc_now())
    assert sum(row.is_unanswered for row in free) >= 20
    queue = service.client.post("/feedback/queue?rows=1", auth=ADMIN).json()
    assert queue["rows"][0]["reason"] == "not answered"
    assert queue["rows"][0]["answer"]["fruit"] is None


def test_the_documents_know_it(service: Service) -> None:
    """The answer's schema, and what is said of the version."""
    document = service.client.get("/openapi.json", auth=ADMIN).json()
    schema = document["paths"]["/predict"]["post"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]
    answer = service.predict([{"sure": 0.8}, {"sure": 0.7}]).json()
    jsonschema.Draft202012Validator(schema).validate(answer)
    [model] = service.client.get("/models").json()["models"]
    assert model["versions"][0]["decision"] == {
        "least_confidence": 0.75,
        "top": 2,
        "calibrated": "temperature",
    }


@pytest.mark.parametrize(
    "decision",
    [
        Decision(least_confidence=1.0),
        Decision(least_confidence=-0.1),
        Decision(least_confidence=float("nan")),
        Decision(top=-1),
        Decision(top=10**9),
        Decision(calibrated="a\nb"),
    ],
)
def test_a_manifest_has_no_other_decision(decision: Decision) -> None:
    """A bundle may come from anywhere."""
    with pytest.raises(RefusedError):
        check_manifest(plums(decision).manifest)


def test_an_output_is_not_named_as_the_likeliest_labels_are() -> None:
    """Or an answer would hold both under one key."""
    top = replace(FRUIT, outputs=(replace(FRUIT.outputs[0], name="top"),))
    check_manifest(plums(Decision(), top).manifest)
    with pytest.raises(RefusedError, match='output named "top"'):
        check_manifest(plums(Decision(top=1), top).manifest)


def test_a_model_without_probabilities_decides_nothing() -> None:
    """Rather than answering what it was told not to."""
    model = loaded(ConstantPredictor(), signature=FRUIT)
    manifest = replace(model.manifest, decision=Decision(least_confidence=0.5))
    with pytest.raises(RefusedError, match="decides by probabilities and has none"):
        ServedModel.of(_with(model, manifest), max_string=100)
