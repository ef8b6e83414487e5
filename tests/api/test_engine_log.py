"""What becomes of answers that cannot be logged."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.engine import Answer, Engine
from api.problems import LogUnavailable, ModelFailed
from api.settings import Settings
from tests.api.conftest import Estimator, NewSettings, loaded, served
from tests.api.engine_bench import (
    Bench,
    break_log,
    mend_log,
    new_job,
    outcomes,
    refuse_negative,
)


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    """Return an engine's bench."""
    made = Bench(settings)
    yield made
    made.log.close()


def test_an_answer_that_cannot_be_logged_is_not_given(bench: Bench) -> None:
    """503 `log-unavailable`; once the log can be written again, all is well by itself."""
    model = served(loaded(Estimator()))

    async def scenario(engine: Engine) -> None:
        break_log(bench)
        for outcome in await outcomes(engine, new_job(model, 1), new_job(model, 2)):
            assert isinstance(outcome, LogUnavailable)
            assert outcome.response().headers["retry-after"] == "1"
        assert "is no file" in engine.log_failure
        mend_log(bench)
        assert (await engine.predict(new_job(model, 3))).logged
        assert engine.log_failure == ""

    bench.run(scenario)
    assert bench.sample("prediction_log_failures_total") == 1
    assert bench.said.count('"event":"log-unavailable"') == 1
    assert bench.totals == {"answered": (1, 1)}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, '"inputs":"[{\\"a\\":271828,\\"b\\":1}]"'),
        ({"keep": "none"}, '"inputs":null'),
        ({"keep": "hashed", "key": b"0123456789abcdef"}, "hmac:"),
        ({"personal_fields": frozenset({"a"}), "key": b"0123456789abcdef"}, "hmac:"),
    ],
    ids=str,
)
def test_an_answer_may_be_given_unlogged_and_is_told_as_an_event(
    new_settings: NewSettings, options: dict[str, Any], kept: str
) -> None:
    """Marked as not logged; the event keeps what the log would have kept, and no more."""
    bench = Bench(new_settings(log_on_failure="serve"), **options)
    model = served(loaded(Estimator()))

    async def scenario(engine: Engine) -> None:
        break_log(bench)
        answer = await engine.predict(new_job(model, 271828))
        assert answer == Answer(b'[{"total":271830.0}]', logged=False)
        assert "is no file" in engine.log_failure
        mend_log(bench)
        assert (await engine.predict(new_job(model, 3))).logged

    bench.run(scenario)
    bench.log.close()
    (line,) = [line for line in bench.said.splitlines() if "unlogged-prediction" in line]
    assert kept in line
    # The id of the request says 271828 too, as an id may.
    clear = [part for part in line.split(",") if "271828" in part and "request_id" not in part]
    assert bool(clear) is (not options)
    assert bench.sample("prediction_log_failures_total") == 1


def test_a_failure_of_the_model_is_told_although_the_log_fails_too(bench: Bench) -> None:
    """The caller learns what would fail again, not what may pass."""
    model = served(loaded(Estimator(refuse_negative)))

    async def scenario(engine: Engine) -> None:
        break_log(bench)
        (outcome,) = await outcomes(engine, new_job(model, -1))
        assert isinstance(outcome, ModelFailed)

    bench.run(scenario)
