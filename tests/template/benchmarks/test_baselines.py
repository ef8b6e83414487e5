"""The baselines answer what the estimator answers: nobody is faster by being wrong."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp

from benchmarks.baselines import floor, limit, plain, plain_mixed
from benchmarks.bench_models import BenchModel, Rows, check_answers, make_bodies, make_model
from benchmarks.errors import LoadError
from benchmarks.mixed_model import make_mixed_bodies, make_mixed_model
from model_store.file_store import FileModelStore
from model_store.schema.prediction import answers
from model_store.store import LoadPolicy

BODIES = [*make_bodies(1)[:10], *make_bodies(30)[:3]]


@pytest.fixture(scope="module", params=["tree", "forest"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BenchModel:
    """Return each of the models, in all its forms."""
    return make_model(request.param, tmp_path_factory.mktemp("models") / "model")


def asked(app: ASGIApp, bodies: Sequence[Rows] = BODIES) -> list[bytes]:
    """Return an app's answers to some bodies, sent at once."""

    async def ask() -> list[bytes]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            client.headers["Content-Type"] = "application/json"
            posts = (client.post("/predict", content=msgspec.json.encode(rows)) for rows in bodies)
            answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {200}
        return [answer.content for answer in answers]

    return asyncio.run(ask())


def test_plain_answers_right(model: BenchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The joblib model answers as the estimator."""
    monkeypatch.setenv("BENCH_MODEL", str(model.joblib))
    check_answers(model, BODIES, asked(plain.create_app()))


def test_limit_answers_right(model: BenchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ONNX model answers as the estimator, each request of a batch its own rows."""
    monkeypatch.setenv("BENCH_MODEL", str(model.onnx))
    check_answers(model, BODIES, asked(limit.create_app()))


def test_limit_reads_a_body_in_parts(model: BenchModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of more than one message is whole before it is decoded."""
    monkeypatch.setenv("BENCH_MODEL", str(model.onnx))
    text = msgspec.json.encode(BODIES[0])
    parts = [
        {"type": "http.request", "body": text[:10], "more_body": True},
        {"type": "http.request", "body": text[10:], "more_body": False},
    ]
    said: list[bytes] = []

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        said.append(message.get("body", b""))

    asyncio.run(limit.create_app()({}, receive, send))
    check_answers(model, BODIES[:1], [b"".join(said)])


def test_floor_answers_the_same_to_all() -> None:
    """It reads the body and looks away."""
    assert set(asked(floor.create_app())) == {floor.ANSWER}


def test_a_wrong_answer_is_noticed(model: BenchModel) -> None:
    """The floor does not pass for a model."""
    with pytest.raises(LoadError, match="A wrong answer"):
        check_answers(model, BODIES, asked(floor.create_app()))


def test_the_store_has_the_same_model(model: BenchModel) -> None:
    """The service is given what the others are given: bodies in range, and one champion."""
    manifest = msgspec.json.decode(
        (Path(model.models) / model.name / model.version / "manifest.json").read_bytes()
    )
    ranges = {
        column["name"]: (column["minimum"], column["maximum"])
        for column in manifest["signature"]["inputs"]
    }
    rows = [row for rows in BODIES for row in rows]
    assert all(ranges[name][0] <= v <= ranges[name][1] for row in rows for name, v in row.items())


def test_bodies_differ() -> None:
    """Nobody can answer from memory."""
    assert len({msgspec.json.encode(rows) for rows in make_bodies(1)}) == 100


def test_plain_answers_a_mixed_table_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does the compiled model, on the way of a request."""
    model = make_mixed_model(tmp_path / "mixed")
    bodies = [*make_mixed_bodies(1)[:20], make_mixed_bodies(50)[0]]
    monkeypatch.setenv("BENCH_MODEL", str(model.joblib))
    check_answers(model, bodies, asked(plain_mixed.create_app(), bodies))
    store = FileModelStore(model.models, LoadPolicy())
    loaded = store.load("mixed", model.version)
    assert loaded.form == "compiled"
    answered = [
        answers(loaded.predictor.predict(loaded.decoder.columns([rows])), loaded.manifest.signature)
        for rows in (loaded.decoder.decode(msgspec.json.encode(body)) for body in bodies)
    ]
    assert answered == [model.answers(body) for body in bodies]
