"""A model of pictures, served: asked in two ways, logged in one, watched by four numbers."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from ml_pipe.model_class import build_features
from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from monitoring.statistics import profile
from settings.model_settings import TRUSTED_TYPES
from tests.api.conftest import Service, running, small_settings
from tests.publisher_key import PUBLISHERS, SIGNER

pytestmark = pytest.mark.slow  # publishes a model, and starts a service of it


def pictures(rows: int) -> np.ndarray:
    """Return pictures, `(rows, 6, 5)`: every other one is bright on its left, others right."""
    # Of each set anew, whatever the order of the tests.
    made = np.random.default_rng(rows).integers(0, 60, (rows, 6, 5))
    made[::2, :, 0] += 180
    made[1::2, :, 4] += 180
    return made.astype("uint8")


def sides(rows: int) -> list[str]:
    """Return the labels of `pictures`."""
    return ["left", "right"] * (rows // 2)


def picture_draft() -> Draft:
    """Return a classifier of pictures."""
    frame = pd.DataFrame({"picture": pd.Series([*pictures(400)], dtype=object)})
    labels = pd.DataFrame({"side": sides(400)}).astype("category")
    signature = replace(infer_signature(frame, labels), ignored=("side",))
    table = conform(frame, signature.inputs)
    model = DecisionTreeClassifier(random_state=0)
    estimator = Pipeline([("features", build_features(signature.inputs)), ("model", model)])
    estimator.fit(table, labels["side"].astype(object))
    columns = arrays_of(table, signature.inputs)
    return Draft(
        model="pictures",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, frame),
        reference=json.dumps(profile(columns, {"picture": "array"}, {"picture": "uint8"})).encode(),
        requires=("ml_pipe.model_class",),
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of the classifier."""
    root: Path = tmp_path_factory.mktemp("arrays")
    policy = LoadPolicy(trusted_types=TRUSTED_TYPES, publishers=PUBLISHERS)
    store = FileModelStore(root, policy, signer=SIGNER)
    store.promote("pictures", store.publish(picture_draft()))
    with running(root, small_settings(root, drift_min_rows=100), ["pictures"]) as started:
        yield started


def test_it_is_compiled(service: Service) -> None:
    """A graph takes the bytes of a picture as they are."""
    [model] = service.client.get("/models").json()["models"]
    assert (model["versions"][0]["form"], model["versions"][0]["form_reason"]) == ("compiled", "")
    [column] = model["versions"][0]["signature"]["inputs"]
    assert (column["kind"], column["dtype"], column["shape"]) == ("array", "uint8", [6, 5])


def test_both_ways_get_one_answer_and_the_log_keeps_one(service: Service) -> None:
    """Nested lists and base64, of one row and of many."""
    sent = pictures(20)
    texts = [{"picture": base64.b64encode(each.tobytes()).decode()} for each in sent]
    expected = [{"side": side} for side in sides(20)]
    assert service.predict([{"picture": each.tolist()} for each in sent]).json() == expected
    assert service.predict(texts).json() == expected
    assert service.predict({"picture": sent[0].tolist()}).json() == expected[0]
    assert service.predict(texts[0] | {"side": "left"}).json() == expected[0]
    logged = [request["inputs"] for request in service.logged()[-4:]]
    assert logged == [texts, texts, texts[0], texts[0]]


@pytest.mark.parametrize(
    "value", [[[0] * 5] * 5, [[0] * 6] * 5, [[0] * 5] * 5 + [[0] * 4 + [256]], "AAAA", 0, None]
)
def test_another_shape_is_refused_with_a_sentence(service: Service, value: Any) -> None:
    """By a pointer to the column, and without a value of the caller's."""
    answer = service.predict({"picture": value})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/picture", "not-an-array")
    assert "6 lists of 5 whole numbers from 0 to 255" in error["detail"]


def test_a_window_of_pictures_has_four_columns_and_no_more(service: Service) -> None:
    """Pictures like those of training are none; the same ones upside down in brightness are."""
    # As many as a window holds, so that nothing that was asked before is in it.
    service.predict([{"picture": each.tolist()} for each in pictures(1000)])
    service.state.monitor.update()
    drifted = {
        name: value
        for (_, _, _, side, name), value in service.samples("drift_detected").items()
        if side == "input"
    }
    assert drifted == dict.fromkeys(
        ["picture.mean", "picture.deviation", "picture.distance", "picture.residual"], 0
    )
    service.predict([{"picture": (255 - each).tolist()} for each in pictures(900)])
    service.state.monitor.update()
    assert service.samples("drift_detected")[
        ("drift_detected", "pictures", *_version(service), "input", "picture.residual")
    ]


def _version(service: Service) -> list[str]:
    return [*service.state.reloader.loaded_models.versions["pictures"]]


def test_numbers_beyond_training_are_answered_and_counted(service: Service) -> None:
    """Once for a picture, however many of its pixels are."""
    before = sum(service.samples("predict_out_of_range_rows_total").values())
    assert service.predict({"picture": [[255] * 5] * 6}).status_code == 200
    assert sum(service.samples("predict_out_of_range_rows_total").values()) == before + 1
