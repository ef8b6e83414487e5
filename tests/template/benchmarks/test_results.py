"""Medians, ratios and demands."""

import pytest

from benchmarks.results import Demand, Result, Sample

FIVE_PLAINS = Demand(factor=5, against="plain")
HALF_A_LIMIT = Demand(factor=0.5, against="limit")
MEDIANS = {"plain": 100.0, "limit": 1000.0, "service": 500.0}


def result(runs: dict[str, list[float]], *demands: Demand) -> Result:
    """Return a result of some runs."""
    return Result(part="p", title="t", unit="/s", runs=runs, demands=demands)


@pytest.mark.parametrize(
    ("demand", "reached"),
    [
        (FIVE_PLAINS, True),
        (HALF_A_LIMIT, True),
        (Demand(factor=5.1, against="plain"), False),
        (Demand(factor=5, against="plain", at_most=True), True),
        (Demand(factor=4.9, against="plain", at_most=True), False),
        (Demand(factor=499, at_most=True), False),
        (Demand(factor=501, at_most=True), True),
        (Demand(factor=0.2, of="plain", against="service"), True),
        (Demand(factor=2, against="floor"), None),
        (Demand(factor=2, of="floor"), None),
    ],
)
def test_a_demand_knows_whether_it_is_reached(demand: Demand, *, reached: bool | None) -> None:
    """More is better unless `at_most` says otherwise; what was not measured is not judged."""
    assert demand.reached(MEDIANS) is reached


def test_a_demand_reads_as_words() -> None:
    """The report says what was asked for."""
    assert FIVE_PLAINS.text("/s") == "5 x plain"
    assert Demand(factor=5, at_most=True).text("ms") == "at most 5 ms"


def test_one_slow_round_is_no_result() -> None:
    """Medians are compared, so that one round's noise decides nothing."""
    found = result({"plain": [100, 100, 1], "service": [600, 1, 600]}, FIVE_PLAINS)
    assert found.medians == {"plain": 100, "service": 600}
    assert found.ratio("plain") == 6
    assert found.reached is True


def test_one_missed_demand_is_a_miss() -> None:
    """All demands count."""
    runs = {"plain": [100.0], "limit": [2000.0], "service": [600.0]}
    assert result(runs, FIVE_PLAINS, HALF_A_LIMIT).reached is False


def test_a_demand_without_its_measure_leaves_the_verdict_open() -> None:
    """A run of some sides says nothing about the others."""
    found = result({"service": [600.0]}, FIVE_PLAINS)
    assert found.reached is None
    assert found.ratio("plain") is None


def test_json_holds_every_round_and_verdict() -> None:
    """A reader of the JSON needs no other source."""
    sample = Sample(600, 1, 2, 3, 4, "compiled")
    found = Result(
        part="tree-1",
        title="t",
        unit="/s",
        runs={"plain": [100.0], "service": [600.0]},
        demands=(FIVE_PLAINS,),
        samples={"service": [sample]},
    ).as_json()
    assert found["runs"] == {"plain": [100.0], "service": [600.0]}
    assert found["ratios"] == {"plain": 6}
    assert found["demands"] == [
        {"text": "5 x plain", "of": "service", "limit": 500, "reached": True}
    ]
    assert found["forms"] == ["compiled"]
    assert found["samples"]["service"][0]["cpu"] == 3
