"""Guessing passwords becomes slow, for the one who guesses."""

import pytest

from api.attempts import LIMIT, MAX_REMEMBERED, WINDOW_SECONDS, Attempts
from tests.api.conftest import Clock


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    """Return a memory without failures."""
    return Attempts(clock)


def fail(attempts: Attempts, who: str, times: int = LIMIT) -> None:
    """Fail some times."""
    for _ in range(times):
        attempts.failed(who)


def test_up_to_the_limit_nobody_waits(attempts: Attempts) -> None:
    """A person mistypes now and then."""
    fail(attempts, "anna", LIMIT - 1)
    assert attempts.wait_seconds("anna") == 0


def test_at_the_limit_one_waits_for_the_rest_of_the_window(
    attempts: Attempts, clock: Clock
) -> None:
    """The window begins with the first failure."""
    fail(attempts, "anna", 1)
    clock.now += 20.5
    fail(attempts, "anna", LIMIT - 1)
    assert attempts.wait_seconds("anna") == 40
    clock.now += 39.5
    assert attempts.wait_seconds("anna") == 0


def test_others_do_not_wait(attempts: Attempts) -> None:
    """Failures count for the one who failed."""
    fail(attempts, "anna")
    assert attempts.wait_seconds("ben") == 0


def test_a_new_window_begins_with_the_next_failure(attempts: Attempts, clock: Clock) -> None:
    """What failed long ago is forgotten."""
    fail(attempts, "anna", LIMIT - 1)
    clock.now += WINDOW_SECONDS
    fail(attempts, "anna", LIMIT - 1)
    assert attempts.wait_seconds("anna") == 0
    fail(attempts, "anna", 1)
    assert attempts.wait_seconds("anna") == WINDOW_SECONDS


def test_a_right_password_makes_good_for_all_wrong_ones(attempts: Attempts) -> None:
    """The count starts anew."""
    fail(attempts, "anna", LIMIT - 1)
    attempts.succeeded("anna")
    fail(attempts, "anna", LIMIT - 1)
    assert attempts.wait_seconds("anna") == 0


def test_the_wait_ends_although_one_goes_on_failing(attempts: Attempts, clock: Clock) -> None:
    """More failures do not make the window longer."""
    fail(attempts, "anna", 3 * LIMIT)
    clock.now += WINDOW_SECONDS
    assert attempts.wait_seconds("anna") == 0


def test_the_memory_is_bounded(attempts: Attempts) -> None:
    """The one who failed longest ago is forgotten first."""
    fail(attempts, "anna")
    for number in range(MAX_REMEMBERED - 1):
        attempts.failed(number)
    assert attempts.wait_seconds("anna") > 0
    attempts.failed("one more")
    assert attempts.wait_seconds("anna") == 0


@pytest.mark.parametrize(("workers", "allowed"), [(1, 10), (2, 5), (3, 3), (5, 2), (64, 2)])
def test_workers_share_the_limit(clock: Clock, workers: int, allowed: int) -> None:
    """Each counts on its own, so each allows a part; but nobody waits for one mistype."""
    attempts = Attempts(clock, workers)
    fail(attempts, "anna", allowed - 1)
    assert attempts.wait_seconds("anna") == 0
    fail(attempts, "anna", 1)
    assert attempts.wait_seconds("anna") > 0
