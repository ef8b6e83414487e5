"""What every part of the comparison shares: rounds, sides, cores and the command line."""

import os
from pathlib import Path

import pytest

from benchmarks.bench import PARTS, parse_options
from benchmarks.machine import Cores, Others, busy_seconds
from benchmarks.plan import Plan


def plan(shown: list[str]) -> Plan:
    """Return a plan of two rounds for two sides."""
    return Plan(Path(), Cores(None, None), 1, 2, ["plain", "service"], shown.append)


def test_rounds_are_interleaved() -> None:
    """Each side once, then each again, back and forth: a slow minute meets them all."""
    order: list[str] = []

    def measure(side: str) -> float:
        order.append(side)
        return float(len(order))

    shown: list[str] = []
    found = plan(shown).interleaved("part", ["plain", "service"], measure)
    assert order == ["plain", "service", "service", "plain"]
    assert found == {"plain": [1, 4], "service": [2, 3]}
    assert shown[0] == "part, round 1, plain: 1"


def test_a_part_may_ask_for_more_rounds() -> None:
    """As starts do."""
    found = plan([]).interleaved("part", ["plain"], lambda _: 1.0, rounds=5)
    assert found == {"plain": [1.0] * 5}


def test_only_the_sides_asked_for_are_measured() -> None:
    """A part that compares three sides leaves out those that nobody wants."""
    assert plan([]).some("plain", "limit", "service") == ["plain", "service"]


def test_server_and_load_have_a_core_each() -> None:
    """The last of the usable cores serves, the first one sends; one alone is shared."""
    assert Cores.of({0, 1}) == Cores(server=1, load=0)
    assert Cores.of({2, 5, 7}) == Cores(server=7, load=2)
    assert Cores.of({3}) == Cores(None, None)


def test_work_is_all_but_idling_and_waiting() -> None:
    """Of two of three cores: user, nice, system, both interrupts, and what was stolen."""
    statistics = (
        "cpu  9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 100 200 300 5000 6000 400 500 600 0 0\n"
        "cpu1 7 7 7 7 7 7 7 7 7 7\n"
        "cpu10 0 0 100 5000 6000 0 0 0 0 0\n"
        "intr 1 2 3\n"
    )
    assert busy_seconds(statistics, {0, 10}) == 2200 / os.sysconf("SC_CLK_TCK")


def test_a_share_is_between_none_and_all() -> None:
    """However the machine is used while this runs."""
    others = Others(os.sched_getaffinity(0))
    assert sum(range(1_000_000))
    assert 0 <= others.share() <= 1


def test_without_arguments_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make bench BENCH_ROUNDS=5` reaches the command as a variable."""
    for name in ("BENCH_PARTS", "BENCH_SECONDS", "BENCH_ROUNDS"):
        monkeypatch.delenv(name, raising=False)
    options = parse_options([])
    assert (options.seconds, options.rounds, options.parts) == (5, 3, list(PARTS))
    monkeypatch.setenv("BENCH_ROUNDS", "5")
    monkeypatch.setenv("BENCH_PARTS", "start,log")
    options = parse_options(["--seconds", "0.5"])
    assert (options.seconds, options.rounds, options.parts) == (0.5, 5, ["start", "log"])


def test_all_is_more_than_the_default() -> None:
    """What takes gigabytes is run on demand only."""
    tables = {f"training-{table}" for table in ("mixed", "wide", "texts", "labels")}
    more = set(parse_options(["--parts", "all"]).parts) - set(PARTS)
    assert more == {"log-10m", "training", *tables}


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the pen does not measure nothing."""
    with pytest.raises(SystemExit):
        parse_options(["--parts", "tree-1,tree-2"])
    assert "tree-2: choose from tree-1," in capsys.readouterr().err
