"""The login throttle slows down whoever guesses passwords, and nobody else."""

import pytest

from api.auth.login_throttle import LIMIT, MAX_REMEMBERED, WINDOW_SECONDS, LoginThrottle
from tests.api.conftest import Clock


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    """Return a login throttle without failures."""
    return LoginThrottle(clock)


def fail(throttle: LoginThrottle, user: str, times: int = LIMIT) -> None:
    """Fail some times."""
    for _ in range(times):
        throttle.failed(user)


def test_up_to_the_limit_nobody_waits(throttle: LoginThrottle) -> None:
    """A person may mistype now and then."""
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
    """Failures count for the one user failed."""
    fail(throttle, "anna")
    assert throttle.wait_seconds("ben") == 0


def test_a_new_window_begins_with_the_next_failure(throttle: LoginThrottle, clock: Clock) -> None:
    """Old failures are forgotten."""
    fail(throttle, "anna", LIMIT - 1)
    clock.now += WINDOW_SECONDS
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 0
    fail(throttle, "anna", 1)
    assert throttle.wait_seconds("anna") == WINDOW_SECONDS


def test_a_right_password_resets_the_count(throttle: LoginThrottle) -> None:
    """The failures before it no longer count."""
    fail(throttle, "anna", LIMIT - 1)
    throttle.succeeded("anna")
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna") == 0


def test_further_failures_do_not_prolong_the_wait(throttle: LoginThrottle, clock: Clock) -> None:
    """The window has a fixed length."""
    fail(throttle, "anna", 3 * LIMIT)
    clock.now += WINDOW_SECONDS
    assert throttle.wait_seconds("anna") == 0


def test_the_memory_is_bounded(throttle: LoginThrottle) -> None:
    """The user user failed longest ago is forgotten first."""
    fail(throttle, "anna")
    for number in range(MAX_REMEMBERED - 1):
        throttle.failed(number)
    assert throttle.wait_seconds("anna") > 0
    throttle.failed("one more")
    assert throttle.wait_seconds("anna") == 0


@pytest.mark.parametrize(("workers", "allowed"), [(1, 10), (2, 5), (3, 3), (5, 2), (64, 2)])
def test_workers_share_the_limit(clock: Clock, workers: int, allowed: int) -> None:
    """Each worker counts on its own and allows its part, which is at least one failure."""
    throttle = LoginThrottle(clock, workers)
    fail(throttle, "anna", allowed - 1)
    assert throttle.wait_seconds("anna") == 0
    fail(throttle, "anna", 1)
    assert throttle.wait_seconds("anna") > 0
