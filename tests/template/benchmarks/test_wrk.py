"""What `wrk` prints is read right, and what is no success is no rate."""

import msgspec
import pytest

from benchmarks.errors import LoadError
from benchmarks.wrk import Counts, checked, missing_programs, parse

PRINTED = """Running 1s test @ http://127.0.0.1:8000/predict
  1 threads and 16 connections
Requests/sec:   2000.00

{"requests":3000,"microseconds":1500000,"refused":0,"lost":0,"late":0,"p50":700,"p99":1900}
"""


def test_the_rate_is_made_of_exact_counts() -> None:
    """3,000 answers in 1.5 seconds are 2,000 a second, whatever the lines above say."""
    assert parse(PRINTED).rate == 2000


def test_output_without_counts_is_an_error() -> None:
    """A `wrk` whose script did not run has measured something else."""
    with pytest.raises(LoadError, match="did not end with its counts"):
        parse("Requests/sec:   2000.00\n")


def test_success_is_returned() -> None:
    """Counts of answers alone pass."""
    assert checked(parse(PRINTED)) == parse(PRINTED)


@pytest.mark.parametrize("change", [{"refused": 1}, {"lost": 1}, {"late": 1}, {"requests": 0}])
def test_what_is_no_success_fails_the_comparison(change: dict[str, int]) -> None:
    """One refusal, lost connection or late answer is enough, and so is no answer at all."""
    counts: Counts = msgspec.structs.replace(parse(PRINTED), **change)
    with pytest.raises(LoadError):
        checked(counts)


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without wrk, the error says how to get it."""
    monkeypatch.setenv("PATH", "")
    assert missing_programs() == "First: apt-get install wrk util-linux"
