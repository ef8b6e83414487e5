"""Guessing passwords becomes slow, for the one who guesses."""

import pytest

from api.auth.login_throttle import LIMIT, MAX_REMEMBERED, WINDOW_SECONDS, LoginThrottle
from tests.api.conftest import Clock


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    """Return a memory without failures."""
    return LoginThrottle(clock)


def fail(throttle: LoginThrottle, who: str, times: int = LIMIT) -> None:
    """Fail some times."""
    for _ in range(times):
        throttle.failed(who)


def test_up_to_the_limit_nobody_waits(throttle: LoginThrottle) -> None:
    """A person mistypes now and then."""
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 0


def test_at_the_limit_one_waits_for_the_rest_of_the_window(
    throttle: LoginThrottle, clock: Clock
) -> None:
    """The window begins with the first failure."""
    fail(throttle, "anna", 1)
    clock.now += 20.5
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 40
    clock.now += 39.5
    assert throttle.wait_seconds("anna") == 0


def test_others_do_not_wait(throttle: LoginThrottle) -> None:
    """Failures count for the one who failed."""
    fail(throttle, "anna")
    assert throttle.wait_seconds("ben") == 0


def test_a_new_window_begins_with_the_next_failure(throttle: LoginThrottle, clock: Clock) -> None:
    """What failed long ago is forgotten."""
    fail(throttle, "anna", LIMIT - 1)
    clock.now += WINDOW_SECONDS
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 0
    fail(throttle, "anna", 1)
    assert throttle.wait_seconds("anna") == WINDOW_SECONDS


def test_a_right_password_makes_good_for_all_wrong_ones(throttle: LoginThrottle) -> None:
    """The count starts anew."""
    fail(throttle, "anna", LIMIT - 1)
    throttle.succeeded("anna")
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 0


def test_the_wait_ends_although_one_goes_on_failing(throttle: LoginThrottle, clock: Clock) -> None:
    """More failures do not make the window longer."""
    fail(throttle, "anna", 3 * LIMIT)
    clock.now += WINDOW_SECONDS
    assert throttle.wait_seconds("anna") == 0


def test_the_memory_is_bounded(throttle: LoginThrottle) -> None:
    """The one who failed longest ago is forgotten first."""
    fail(throttle, "anna")
    for number in range(MAX_REMEMBERED - 1):
        throttle.failed(number)
    assert throttle.wait_seconds("anna") > 0
    throttle.failed("one more")
    assert throttle.wait_seconds("anna") == 0


@pytest.mark.parametrize(("workers", "allowed"), [(1, 10), (2, 5), (3, 3), (5, 2), (64, 2)])
def test_workers_share_the_limit(clock: Clock, workers: int, allowed: int) -> None:
    """Each counts on its own, so each allows a part; but nobody waits for one mistype."""
    throttle = LoginThrottle(clock, workers)
    fail(throttle, "anna", allowed - 1)
    assert throttle.wait_seconds("anna") == 0
    fail(throttle, "anna", 1)
    assert throttle.wait_seconds("anna") > 0
