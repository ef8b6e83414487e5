"""Very many bodies with one mutation get the verdict of the rules and leave no trace."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import KINDS_SIGNATURE
from tests.api.marked_values import MARKED
from tests.api.mutated_bodies import bodies, signatures
from tests.api.refusal import assert_refused_by_rules, kinds_service
from tests.api.verdicts import assert_one_verdict
from tests.faults.conftest import NewFault, Sums
from tests.faults.report import Fault

FEW = 50
"""So many examples in one round, as `tests.api` has some too."""
VERDICTS, REFUSALS = 1_000, 250
"""So many examples in each of several rounds."""


def examples(rounds: int, each: int) -> settings:
    """Return how many bodies hypothesis draws."""
    return settings(
        max_examples=FEW if rounds == 1 else rounds * each,
        suppress_health_check=list(HealthCheck),
    )


def count(fault: Fault, rounds: int, statuses: Counter[int]) -> None:
    """Count the bodies by their status."""
    fault.rounds = rounds
    for status, number in sorted(statuses.items()):
        fault.count(f"bodies that get {status}", number)


@pytest.mark.slow  # very many examples
def test_decoder_and_explainer_agree_with_the_rules(rounds: int, new_fault: NewFault) -> None:
    """They agree on bodies of all signatures."""
    statuses: Counter[int] = Counter()

    @examples(rounds, VERDICTS)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        signature = data.draw(signatures())
        statuses[assert_one_verdict(signature, data.draw(bodies(signature)))] += 1

    fault = new_fault("a body with one mutation: decoder, explainer and rules agree")
    try:
        check()
    finally:
        count(fault, rounds, statuses)


@pytest.mark.slow  # very many examples
def test_a_bad_body_is_refused_without_a_trace(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """All that `tests.api.refusal` asserts holds for it."""
    statuses: Counter[int] = Counter()
    with kinds_service(sums.root, tmp_path) as service:

        @examples(rounds, REFUSALS)
        @given(bodies(KINDS_SIGNATURE, MARKED))
        def check(body: bytes) -> None:
            statuses[assert_refused_by_rules(service, body)] += 1

        fault = new_fault("a body with one mutation: what holds for every bad request")
        try:
            check()
        finally:
            count(fault, rounds, statuses)
