"""Slows down the guessing of passwords, for one user name from one address only."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

LIMIT = 10
LEAST = 2
"""A person mistypes now and then, however many workers share the limit."""
WINDOW_SECONDS = 60.0
MAX_REMEMBERED = 10_000


class LoginThrottle:
    """Counts wrong passwords by user and address, in a bounded memory.

    Args:
        clock: Returns the time, in seconds.
        workers: The number of processes that count, each for itself; the limit is divided by it.
    """

    def __init__(self, clock: Callable[[], float], workers: int = 1) -> None:
        self._clock = clock
        self._limit = max(LIMIT // workers, LEAST)
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait_seconds(self, who: Hashable) -> int:
        """Return the seconds that `who` must wait before the next try; 0 if none."""
        count, since = self._failures.get(who, (0, 0.0))
        left = since + WINDOW_SECONDS - self._clock()
        return math.ceil(left) if count >= self._limit and left > 0 else 0

    def failed(self, who: Hashable) -> None:
        """Remember a wrong password."""
        now = self._clock()
        count, since = self._failures.pop(who, (0, now))
        if now - since >= WINDOW_SECONDS:
            count, since = 0, now
        self._failures[who] = (count + 1, since)
        if len(self._failures) > MAX_REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, who: Hashable) -> None:
        """Forget the wrong passwords of `who`."""
        self._failures.pop(who, None)
