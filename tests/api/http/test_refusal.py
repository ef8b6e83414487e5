"""`assert_refused` holds for generated bad requests, and fails for a service that is wrong."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.body_errors import Explainer
from api.http.problems import FieldError, InvalidJson, InvalidRows, Problem
from model_store.schema.row_decoder import RowDecoder, Rows
from monitoring.log.writing.batch import Entry
from tests.api.conftest import KINDS_ROW, KINDS_SIGNATURE, Service
from tests.api.marked_values import MARKED
from tests.api.mutated_bodies import bodies
from tests.api.refusal import VALUE, assert_refused, assert_refused_by_rules, kinds_service

BAD = b'{"number":"xyzzy"}'


@pytest.fixture(scope="module")
def kinds(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service whose model has a column of every kind; all tests share it."""
    folder = tmp_path_factory.mktemp("refusal")
    with kinds_service(published, folder) as service:
        yield service


@pytest.mark.slow  # tries hundreds of bodies
@given(st.data())
def test_a_body_with_a_mutation_is_refused_as_the_rules_say(
    kinds: Service, data: st.DataObject
) -> None:
    """It is answered if the mutation left it valid."""
    assert_refused_by_rules(kinds, data.draw(bodies(KINDS_SIGNATURE, MARKED)))


Sabotage = Callable[[Service], Problem | None]
"""What the service does wrong before it explains a bad body; None: it explains it well."""


@dataclass
class Sabotaged:
    """An explainer that first does something wrong."""

    service: Service
    sabotage: Sabotage
    well: Explainer

    def explain(self, body: bytes, max_rows: int) -> Problem:
        """Return the problem of a body."""
        return self.sabotage(self.service) or self.well.explain(body, max_rows)


def log_a_row(service: Service) -> None:
    """Log the bad request."""
    numbers = {"rows": 1, "seconds": 0.0}
    texts = {"model": "sum", "version": "v1", "inputs": BAD, "outputs": b"{}"}
    now = datetime.now(UTC)
    entry = Entry(request_id="bad", time=now, outcome="answered", **numbers, **texts)  # type: ignore[arg-type]
    service.state.log.write([entry])


def fail(_: Service) -> None:
    """Raise what quotes a value."""
    raise ValueError(VALUE)


def count_as(reason: str) -> Sabotage:
    """Count one rejection more."""
    return lambda service: service.state.metrics.rejected.labels(reason).inc()


def say(text: str) -> Sabotage:
    """Write a line to standard output."""

    def sabotage(service: Service) -> None:
        service.stream.write(text.encode() + b"\n")

    return sabotage


SABOTAGES: dict[str, Sabotage] = {
    "echoes the value": lambda _: InvalidRows(f"This is not good: {VALUE}"),
    "points with the value": lambda _: InvalidRows("", errors=[FieldError(f"/{VALUE}", "c", "d")]),
    "chooses another status": lambda _: InvalidJson("This is not good."),
    "raises": fail,
    "says something else, too": say('{"event":"bad"}'),
    "says the value": say(f'{{"event":"bad","value":"{VALUE}"}}'),
    "prints a traceback": say("Traceback (most recent call last):"),
    "counts twice": count_as("invalid-rows"),
    "makes a series of a value": count_as("of-a-value"),
    "logs the request": log_a_row,
}


def change(service: Service, **parts: Any) -> None:
    """Put something else in the place of parts of the model that is served."""
    loaded_models = service.state.reloader.loaded_models
    served = loaded_models.resolve()
    versions = {"sum": {served.manifest.version: replace(served, **parts)}}
    service.state.reloader.loaded_models = replace(loaded_models, versions=versions)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_service_that_does_one_thing_wrong_is_caught(
    published: Path, tmp_path: Path, name: str
) -> None:
    """One example is a handler that repeats values."""
    with kinds_service(published, tmp_path) as service:
        assert_refused(service, lambda: service.predict(BAD), 422)
        well = service.state.reloader.loaded_models.resolve().explainer
        change(service, explainer=Sabotaged(service, SABOTAGES[name], well))
        with pytest.raises(AssertionError):
            assert_refused(service, lambda: service.predict(BAD), 422)


def test_a_service_that_takes_true_for_a_number_is_caught(published: Path, tmp_path: Path) -> None:
    """In Python, True equals 1."""
    body = json.dumps(KINDS_ROW | {"number": True}).encode()
    strict = RowDecoder(KINDS_SIGNATURE)

    def decode(body: bytes) -> Rows:
        return strict.decode(body.replace(b'"number": true', b'"number": 1'))

    with kinds_service(published, tmp_path) as service:
        assert_refused(service, lambda: service.predict(body), 422)
        change(service, decoder=SimpleNamespace(decode=decode, columns=strict.columns))
        with pytest.raises(AssertionError):
            assert_refused(service, lambda: service.predict(body), 422)
