"""The service is started as a user does, seen to answer right, and its log is compared."""

from pathlib import Path

import pytest

from benchmarks.bench_models import BenchModel, make_bodies, make_model
from benchmarks.errors import LoadError
from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.target import target

RATE, SECONDS = 200, 0.1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BenchModel:
    """Return the tree."""
    return make_model("tree", tmp_path_factory.mktemp("models") / "tree")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return a plan for the service."""
    return Plan(tmp_path, Cores(None, None), 1, 1, ["service"], lambda _: None)


@pytest.mark.slow  # the service is started
def test_what_the_service_answers_is_counted_and_logged(plan: Plan, model: BenchModel) -> None:
    """All bodies and the load are answered right, and stand in the log at the end."""
    bodies = make_bodies(1)
    with target(plan, "service", model, bodies) as found:
        outcome = found.open_loop(RATE, SECONDS)
        assert outcome.statuses == {200: RATE * SECONDS}
        assert found.answered == 1 + len(bodies) + RATE * SECONDS
        assert found.server.served()["version"] == model.version
    assert not (plan.folder / "run").exists()


@pytest.mark.slow  # the service is started
def test_an_answer_that_is_not_logged_fails_the_comparison(plan: Plan, model: BenchModel) -> None:
    """As if the service had answered once more than its log says."""
    with (
        pytest.raises(LoadError, match="were answered"),
        target(plan, "service", model, make_bodies(1)) as found,
    ):
        found.answered += 1
