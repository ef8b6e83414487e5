"""Limits the bytes of request bodies in memory, from their first byte to their answer."""

from typing import Self

from api.http.problems import Overloaded


class BodyBudget:
    """Counts the bytes of all bodies that one service holds.

    What counts is what has come, not what was announced: a caller who announces much and sends
    nothing takes no room from others.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count some bytes more.

        Raises:
            Overloaded: there would be too many; none of these is counted.
        """
        if self._bytes + size > self._max_bytes:
            raise Overloaded("Too many bodies are waiting. Send this one again a little later.")
        self._bytes += size

    def give_back(self, size: int) -> None:
        """Count some bytes less."""
        self._bytes -= size

    def share(self) -> "BodyShare":
        """Return the share of one body, which counts nothing yet."""
        return BodyShare(self)


class BodyShare:
    """What one body takes of the budget until the block ends."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.give_back(self._bytes)

    def take(self, size: int) -> None:
        """Count some bytes more, as `BodyBudget.take` does."""
        self._budget.take(size)
        self._bytes += size
