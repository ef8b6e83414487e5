"""The smallest world of the service: a model whose answer the reader can compute, and one app.

The model `sum` answers `total = a + 2 * b`. The model `fruit` calls a weight of up to 100 g a Plum,
and one above it a Melon.
"""

import io
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from starlette.testclient import TestClient
from starlette.types import Message

from api.app import create_app
from api.models.loaded_models import LoadedModels, ServedModel
from api.observe.structured_log import make_structured_log
from api.state import State
from model_store.aliases import CHAMPION
from model_store.bundle import Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.manifest import Manifest, Score
from model_store.predictor import EstimatorPredictor
from model_store.schema.infer_signature import infer_signature
from model_store.schema.prediction import Prediction
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Column, Kind, Signature
from model_store.store import LoadedModel, LoadPolicy
from monitoring.log.reading.reader import LogReader
from settings.settings import Settings
from tests.publisher_key import PUBLISHERS, SIGNER, trust_tests

SUM_ROW = {"a": 1, "b": 2}
POLICY = LoadPolicy(publishers=PUBLISHERS)
SUM_SIGNATURE = Signature(
    inputs=(Column(name="a", kind=Kind.NUMBER), Column(name="b", kind=Kind.NUMBER)),
    outputs=(Column(name="total", kind=Kind.NUMBER),),
)

KINDS_SIGNATURE = Signature(
    inputs=(
        Column(name="number", kind=Kind.NUMBER),
        Column(name="integer", kind=Kind.INTEGER),
        Column(name="flag", kind=Kind.BOOLEAN),
        Column(name="text", kind=Kind.STRING),
        Column(name="color", kind=Kind.CATEGORY, categories=("red", "gr\u00fcn")),
        Column(name="when", kind=Kind.DATETIME),
        Column(name="maybe", kind=Kind.NUMBER, nullable=True),
    ),
    outputs=(Column(name="zero", kind=Kind.NUMBER),),
)
KINDS_ROW = {
    "number": 1.5,
    "integer": 7,
    "flag": True,
    "text": "some",
    "color": "red",
    "when": "2026-01-01T00:00:00Z",
    "maybe": None,
}


class Estimator:
    """Sums `a` and `2 * b`, after `before(frame)` had its say; remembers its calls' sizes."""

    def __init__(self, before: Callable[[pd.DataFrame], Any] = lambda _: None) -> None:
        self.calls: list[int] = []
        self._before = before

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return what `before` returned, or the sums."""
        self.calls.append(len(frame))
        instead = self._before(frame)
        return (frame["a"] + 2 * frame["b"]).to_numpy() if instead is None else instead


class GoneStream(io.BytesIO):
    """A stream whose reader has left, as in `mlops serve | head`, or whose disk is full."""

    def write(self, _: object) -> int:
        """Fail."""
        raise BrokenPipeError

    def flush(self) -> None:
        """Fail."""
        raise BrokenPipeError


class ConstantPredictor:
    """Answers one value to every row of any signature."""

    classes = ()

    def predict(
        self,
        columns: dict[str, np.ndarray],
        *,
        probabilities: bool = False,
    ) -> Prediction:
        """Return zeros."""
        return Prediction((np.zeros(len(next(iter(columns.values())))),), None)


def loaded(
    estimator: Any, *, signature: Signature = SUM_SIGNATURE, version: str = "v1", model: str = "sum"
) -> LoadedModel:
    """Return an estimator, or a predictor, as the store would load it."""
    manifest = Manifest(
        model=model,
        version=version,
        created="2026-11-21T12:00:00Z",
        task="regression",
        estimator="skops",
        signature=signature,
        python="3.11",
        packages={},
    )
    predictor = (
        estimator if hasattr(estimator, "classes") else EstimatorPredictor(estimator, signature)
    )
    return LoadedModel(manifest, RowDecoder(signature), predictor, "")


def served(model: LoadedModel) -> ServedModel:
    """Return a loaded model as the service holds it."""
    return ServedModel.of(model, max_string=100)


def loaded_models_of(*models: LoadedModel) -> LoadedModels:
    """Return these models as loaded, each its own champion; the first one is the default."""
    return LoadedModels(
        models[0].manifest.model,
        {m.manifest.model: {m.manifest.version: served(m)} for m in models},
        {m.manifest.model: {CHAMPION: m.manifest.version} for m in models},
    )


@dataclass
class Service:
    """A running app, its settings, its client and its events."""

    app: FastAPI
    settings: Settings
    client: TestClient
    stream: io.BytesIO = field(default_factory=io.BytesIO)

    @property
    def state(self) -> State:
        """Return what the app holds."""
        state: State = self.client.app_state["service"]
        return state

    def install(self, *models: LoadedModel) -> None:
        """Serve these models, whatever the store holds."""
        self.state.reloader.loaded_models = loaded_models_of(*models)

    def predict(self, body: Any, path: str = "/predict", **more: Any) -> Any:
        """Send a JSON document, or bytes that are declared to be one."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        return self.client.post(path, content=content, headers=headers, **more)

    def exchange(self, *received: Message) -> list[Message]:
        """Send one prediction as these messages of a server; return those of the service.

        A service that asks for more than these answers 500.
        """
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/predict",
            "root_path": "",
            "query_string": b"",
            "headers": headers,
            "client": ("192.0.2.1", 50000),
            "state": dict(self.client.app_state),
        }
        incoming, sent = deque(received), list[Message]()

        async def receive() -> Message:
            return incoming.popleft()

        async def send(message: Message) -> None:
            sent.append(message)

        assert self.client.portal
        self.client.portal.call(self.app, scope, receive, send)
        return sent

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the events so far, of one kind or all."""
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if kind in (None, line["event"])]

    def metrics_text(self) -> str:
        """Return what Prometheus would scrape."""
        answer = self.client.get("/metrics", auth=("metrics", "metrics-secret"))
        assert answer.status_code == 200
        return str(answer.text)

    def samples(self, *names: str) -> dict[tuple[str, ...], float]:
        """Return the samples of some metrics: by name, then by label values as they are ordered."""
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in self.state.metrics.registry.collect()
            for sample in family.samples
            if sample.name in names
        }

    def logged(self) -> list[dict[str, Any]]:
        """Return the requests in the prediction log."""
        return [json.loads(line) for line in LogReader(self.state.log.path).export()]


Serve = Callable[..., AbstractContextManager[Service]]
NewSettings = Callable[..., Settings]


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


def small_settings(folder: Path, **changes: Any) -> Settings:
    """Make settings; the store is reloaded once an hour only, so that tests decide when."""
    values: dict[str, Any] = {
        "local_data": folder / "local_data",
        "metrics_password": "metrics-secret",
        "model_poll_seconds": 3600,
    }
    return Settings(**(values | changes))


@pytest.fixture
def new_settings(tmp_path: Path) -> NewSettings:
    """Make settings of the smallest world, with some changes."""
    return partial(small_settings, tmp_path)


@pytest.fixture
def settings(new_settings: NewSettings) -> Settings:
    """Return the settings of the smallest world."""
    return new_settings()


def sum_draft(factor: float = 2, model: str = "sum") -> Draft:
    """Return a regression: total = a + factor * b, seen on a from 0 to 9 and b from 0 to 4."""
    inputs = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) % 5})
    total = inputs["a"] + factor * inputs["b"]
    estimator = LinearRegression().fit(inputs, total)
    signature = infer_signature(inputs, pd.DataFrame({"total": total}))
    return Draft(
        model=model,
        task="regression",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
        scores=[Score(metric="r2", split="test", value=0.75)],
        card="# Sums",
    )


def fruit_draft() -> Draft:
    """Return a classifier: Plum up to 100 g, Melon above."""
    inputs = pd.DataFrame({"weight": [50.0, 100.0, 102.0, 3000.0]})
    labels = pd.DataFrame({"fruit": ["Plum", "Plum", "Melon", "Melon"]})
    estimator = DecisionTreeClassifier(random_state=0).fit(inputs, labels["fruit"])
    signature = infer_signature(inputs, labels)
    return Draft(
        model="fruit",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
    )


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two models with a champion each, made once and only copied."""
    root = tmp_path_factory.mktemp("published")
    store = FileModelStore(root, POLICY, signer=SIGNER)
    for draft in (sum_draft(), fruit_draft()):
        store.promote(draft.model, store.publish(draft))
    return root


@pytest.fixture
def store(settings: Settings) -> FileModelStore:
    """Return the store of the service under test, to publish more."""
    return FileModelStore(settings.local_data / "models", POLICY, signer=SIGNER)


@contextmanager
def running(
    published: Path, used: Settings, models: Sequence[str], stream: BinaryIO | None = None
) -> Iterator[Service]:
    """Start a service with copies of some published models."""
    trust_tests(used.local_data)
    for model in models:
        folder = used.local_data / "models" / model
        if not folder.exists():
            shutil.copytree(published / model, folder)
    written = io.BytesIO()
    app = create_app(used, events=make_structured_log("debug", stream or written))
    with TestClient(app, follow_redirects=False) as client:
        yield Service(app, used, client, written)


@pytest.fixture
def serve(published: Path, settings: Settings) -> Serve:
    """Start a service with some of the published models; none is in the store otherwise."""

    def run(
        models: Sequence[str] = ("sum",), used: Settings = settings, **more: Any
    ) -> AbstractContextManager[Service]:
        return running(published, used, models, **more)

    return run


@pytest.fixture
def service(serve: Serve) -> Iterator[Service]:
    """Return a running service of the model `sum`."""
    with serve() as running:
        yield running


@pytest.fixture
def client(service: Service) -> TestClient:
    """Return a client of that service."""
    return service.client
