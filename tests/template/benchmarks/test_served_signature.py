"""Reading from `GET /models` what to send to `POST /predict`."""

import json
from typing import Any

import msgspec
import pytest

from benchmarks.served_signature import NotServedError, served_signature
from model_store.schema.signature import Column, Kind, Signature


def signature_of(name: str) -> Signature:
    """Return a signature that can be recognised by its only input's name."""
    return Signature(
        inputs=(Column(name=name, kind=Kind.INTEGER, minimum=1, maximum=9),),
        outputs=(Column(name="y", kind=Kind.NUMBER),),
    )


def model(name: str, champion: str | None, *, default: bool) -> dict[str, Any]:
    """Return a model as `GET /models` shows it, with the versions `old` and `new`."""
    versions = [
        {"version": v, "signature": msgspec.to_builtins(signature_of(f"{name} {v}")), "scores": []}
        for v in ("old", "new")
    ]
    aliases = {"champion": champion} if champion else {}
    return {"model": name, "default": default, "aliases": aliases, "versions": versions}


def test_it_is_that_of_the_default_models_champion() -> None:
    """Neither another model nor a newer version is what `POST /predict` answers with."""
    models = [model("other", "new", default=False), model("iris", "old", default=True)]

    found = served_signature(200, json.dumps({"models": models}).encode())

    assert found == signature_of("iris old")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b"", "status 401"),
        (200, b"<html>", "list of models"),
        (200, b"\xff", "list of models"),
        (200, b'{"models": [{}]}', "list of models"),
        (200, b'{"models": []}', "no default model"),
        (200, json.dumps({"models": [model("iris", None, default=True)]}).encode(), "no default"),
        (200, json.dumps({"models": [model("iris", "new", default=False)]}).encode(), "no default"),
    ],
)
def test_where_nothing_is_served_a_sentence_says_so(
    status: int, body: bytes, sentence: str
) -> None:
    """The load test cannot start, and its reader learns why."""
    with pytest.raises(NotServedError, match=sentence):
        served_signature(status, body)
