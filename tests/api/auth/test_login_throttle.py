"""The login throttle slows down whoever guesses passwords, and locks nobody out."""

import pytest

from api.auth import login_throttle
from api.auth.login_throttle import (
    ADDRESS_LIMIT,
    LIMIT,
    TRY_SECONDS,
    WINDOW_SECONDS,
    LoginThrottle,
    network_of,
)
from tests.api.conftest import Clock

FEW = 500
"""So many entries fill the memory of a test."""
HOME, AWAY = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    """Return a login throttle without failures; the user anna exists."""
    return LoginThrottle(clock, names=["anna"])


def fail(throttle: LoginThrottle, user: str, times: int = LIMIT, address: str = HOME) -> None:
    """Fail some times."""
    for _ in range(times):
        throttle.failed(user, address)


def test_up_to_the_limit_nobody_waits(throttle: LoginThrottle) -> None:
    """A person may mistype now and then."""
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna", HOME) == 0


def test_at_the_limit_one_password_a_second_is_compared(
    throttle: LoginThrottle, clock: Clock
) -> None:
    """So the right one gets in, and a guesser gets no more than these."""
    fail(throttle, "anna")
    compared = 0
    for _ in range(100):
        compared += throttle.wait_seconds("anna", HOME) == 0
        clock.now += TRY_SECONDS / 10
    assert compared == 9
    clock.now += WINDOW_SECONDS
    assert [throttle.wait_seconds("anna", HOME) for _ in range(3)] == [0, 0, 0]


def test_a_name_is_locked_wherever_the_guesses_come_from(throttle: LoginThrottle) -> None:
    """A guesser of many addresses has as few tries as one of a single address."""
    for number in range(LIMIT):
        fail(throttle, "anna", 1, f"198.51.100.{number}")
    assert throttle.wait_seconds("anna", AWAY) > 0
    assert throttle.wait_seconds("ben", AWAY) == 0


def test_an_address_is_locked_whatever_names_it_tries(throttle: LoginThrottle) -> None:
    """A guesser of many names has as few tries; other addresses do not wait."""
    for number in range(ADDRESS_LIMIT):
        fail(throttle, f"name {number}", 1)
    assert throttle.wait_seconds("anna", HOME) > 0
    assert throttle.wait_seconds("anna", AWAY) == 0


def test_who_has_logged_in_is_locked_by_nobody_else(throttle: LoginThrottle) -> None:
    """Neither under the same name from elsewhere nor under other names from the same address."""
    throttle.succeeded("anna", HOME)
    fail(throttle, "anna", 100, AWAY)
    fail(throttle, "ben", 100, HOME)
    assert throttle.wait_seconds("anna", HOME) == 0
    fail(throttle, "anna", LIMIT, HOME)
    assert throttle.wait_seconds("anna", HOME) > 0


def test_a_right_password_forgives_what_its_own_caller_mistyped(throttle: LoginThrottle) -> None:
    """It does not forgive a guesser elsewhere, whose tries would begin anew each time."""
    fail(throttle, "anna", LIMIT - 1)
    throttle.succeeded("anna", HOME)
    fail(throttle, "anna", LIMIT - 1)
    assert throttle.wait_seconds("anna", HOME) == 0

    fail(throttle, "anna", LIMIT, AWAY)
    throttle.succeeded("anna", HOME)
    assert throttle.wait_seconds("anna", AWAY) > 0


def test_a_locked_name_is_never_forgotten_for_invented_ones(
    throttle: LoginThrottle, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory is bounded all the same, even where every invented name is locked as well."""
    monkeypatch.setattr(login_throttle, "MAX_REMEMBERED", FEW)
    fail(throttle, "anna")
    for number in range(4 * FEW):
        fail(throttle, f"invented {number}", LIMIT, f"2001:db8:{number:x}::1")
    assert throttle.wait_seconds("anna", AWAY) > 0
    assert len(throttle._names) <= FEW + 1 + login_throttle._BUCKETS  # noqa: SLF001
    assert len(throttle._addresses) <= FEW + 1 + login_throttle._BUCKETS  # noqa: SLF001

    # A real name that failed nothing until then has an entry of its own.
    clock.now += WINDOW_SECONDS
    fail(throttle, "anna", LIMIT - 1, AWAY)
    assert throttle.wait_seconds("anna", AWAY) == 0


def test_where_all_are_locked_the_next_ones_are_locked_too(
    throttle: LoginThrottle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share entries: who comes last must not have more tries than who came first."""
    monkeypatch.setattr(login_throttle, "MAX_REMEMBERED", FEW)
    for number in range(FEW):
        fail(throttle, f"invented {number}", LIMIT, f"2001:db8:{number:x}::1")
    fail(throttle, "last", LIMIT, AWAY)
    assert throttle.wait_seconds("last", AWAY) > 0


@pytest.mark.parametrize(("workers", "allowed"), [(1, 10), (2, 5), (3, 3), (5, 2), (64, 2)])
def test_workers_share_the_limit(clock: Clock, workers: int, allowed: int) -> None:
    """Each worker counts on its own and allows its part, which is at least one failure."""
    throttle = LoginThrottle(clock, workers)
    fail(throttle, "anna", allowed - 1)
    assert throttle.wait_seconds("anna", HOME) == 0
    fail(throttle, "anna", 1)
    assert throttle.wait_seconds("anna", HOME) > 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (HOME, HOME),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", HOME),
        ("testclient", "testclient"),
        ("a:b", "a:b"),
    ],
)
def test_an_ipv6_caller_counts_by_its_network(address: str, network: str) -> None:
    """It has more addresses than anybody can count."""
    assert network_of(address) == network
