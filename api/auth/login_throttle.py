"""Slows down the guessing of passwords, by user name and by address, and locks nobody out.

A name with many wrong passwords is locked for the rest of a minute, whoever sent them; so is an
address. While locked, a password is still compared now and then: so the right one gets in, and a
guesser gets no more than these tries. For a caller that has logged in from its address, only what
comes under its name from there counts: neither others who use the name elsewhere nor others who
share the address lock it.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from itertools import islice

LIMIT = 10
ADDRESS_LIMIT = 30
"""More than for a name: many callers may share an address."""
LEAST = 2
"""A person mistypes now and then, however many workers share the limit."""
WINDOW_SECONDS = 60.0
TRY_SECONDS = 1.0
"""How often a password is compared while a name or an address is locked."""
MAX_REMEMBERED = 10_000
_BUCKETS = 1024
_LOOKED_AT = 16


class Failures:
    """The wrong passwords of one name or address, in the current window."""

    __slots__ = ("count", "next_try", "since", "sources")

    def __init__(self, now: float) -> None:
        self.since = now
        self.count = 0
        self.next_try = 0.0
        self.sources: set[Hashable] = set()
        """Where they came from; two at most, as it only matters whether there is one."""


class FailureTable:
    """Failures by name or by address, in a bounded memory that forgets nothing that is locked.

    Args:
        limit: How many lock.
        known: Those that have an entry of their own in any case; others than these share one with
            some others where there are too many.
    """

    def __init__(self, limit: int, known: Iterable[Hashable] = ()) -> None:
        self._limit = limit
        self._known = frozenset(known)
        self._failures: OrderedDict[Hashable, Failures] = OrderedDict()

    def locked(self, who: Hashable, now: float) -> Failures | None:
        """Return the failures of one that is locked."""
        for key in (who, self._bucket(who)):
            found = self._failures.get(key)
            if found and self._is_locked(found, now):
                return found
        return None

    def add(self, who: Hashable, source: Hashable, now: float) -> None:
        """Count a wrong password."""
        found = self._entry(who, now)
        if len(found.sources) < 2:  # noqa: PLR2004 - one, or several
            found.sources.add(source)
        found.count += 1
        if found.count == self._limit:
            found.next_try = now + TRY_SECONDS

    def forgive(self, who: Hashable, source: Hashable, now: float) -> None:
        """Forget the failures of one that is not locked, if all came from this source."""
        found = self._failures.get(who)
        if found and found.sources <= {source} and not self._is_locked(found, now):
            del self._failures[who]

    def __len__(self) -> int:
        return len(self._failures)

    def _is_locked(self, found: Failures, now: float) -> bool:
        return found.count >= self._limit and now - found.since < WINDOW_SECONDS

    def _entry(self, who: Hashable, now: float) -> Failures:
        found = self._failures.get(who)
        if found is None or now - found.since >= WINDOW_SECONDS:
            self._failures.pop(who, None)
            if who not in self._known and not self._make_room(now):
                # All are locked: a newcomer shares an entry with some others.
                return self._shared_entry(who, now)
            self._failures[who] = found = Failures(now)
        return found

    def _shared_entry(self, who: Hashable, now: float) -> Failures:
        key = self._bucket(who)
        found = self._failures.get(key)
        if found is None or now - found.since >= WINDOW_SECONDS:
            self._failures[key] = found = Failures(now)
        return found

    def _make_room(self, now: float) -> bool:
        """Drop the oldest that is not locked, if there is need to; return whether there is room."""
        if len(self._failures) < MAX_REMEMBERED:
            return True
        for key, found in list(islice(self._failures.items(), _LOOKED_AT)):
            if not self._is_locked(found, now):
                del self._failures[key]
                return True
            # The next time others are looked at.
            self._failures.move_to_end(key)
        return False

    def _bucket(self, who: Hashable) -> Hashable:
        return ("bucket", hash(who) % _BUCKETS)


class LoginThrottle:
    """Counts wrong passwords by name and by address.

    Args:
        clock: Returns the time, in seconds.
        workers: The number of processes that count, each for itself; limits are divided by it.
        names: The user names that exist.
    """

    def __init__(
        self, clock: Callable[[], float], workers: int = 1, names: Iterable[Hashable] = ()
    ) -> None:
        self._clock = clock
        self._names = FailureTable(max(LIMIT // workers, LEAST), names)
        self._addresses = FailureTable(max(ADDRESS_LIMIT // workers, LEAST))
        self._pairs = FailureTable(max(LIMIT // workers, LEAST))
        self._known: OrderedDict[tuple[Hashable, Hashable], None] = OrderedDict()
        """Who has logged in, and where."""

    def wait_seconds(self, name: Hashable, address: str) -> int:
        """Return the seconds to wait before a password is compared; 0: it may be now."""
        now, place = self._clock(), network_of(address)
        if (name, place) in self._known:
            locked = [self._pairs.locked((name, place), now)]
        else:
            locked = [self._names.locked(name, now), self._addresses.locked(place, now)]
        waits = [found.next_try - now for found in locked if found]
        if waits and max(waits) > 0:
            return math.ceil(max(waits))
        for found in filter(None, locked):
            found.next_try = now + TRY_SECONDS
        return 0

    def failed(self, name: Hashable, address: str) -> None:
        """Remember a wrong password."""
        now, place = self._clock(), network_of(address)
        self._names.add(name, place, now)
        self._addresses.add(place, place, now)
        if (name, place) in self._known:
            self._pairs.add((name, place), place, now)

    def succeeded(self, name: Hashable, address: str) -> None:
        """Remember that a caller has logged in; what it mistyped before is forgotten."""
        now, place = self._clock(), network_of(address)
        self._names.forgive(name, place, now)
        self._pairs.forgive((name, place), place, now)
        self._known[name, place] = None
        self._known.move_to_end((name, place))
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network, as each caller has a whole one."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
