"""What each signal means to the service: stop, look at the store at once, or nothing.

By default most signals end a process at once, without an answer to who waits for one.
"""

import signal
from collections.abc import Callable, Iterable
from typing import Any

Handler = Callable[..., object] | int | None


def _known(*names: str) -> tuple[int, ...]:
    """Return those that this system has."""
    return tuple(int(getattr(signal, name)) for name in names if hasattr(signal, name))


STOPPING = _known("SIGINT", "SIGTERM", "SIGQUIT", "SIGPWR", "SIGXCPU")
"""Requests in flight are answered, then the service ends."""
RELOADING = _known("SIGHUP")
"""The store is looked at at once, and refused versions are tried again."""
SURVIVED = (
    *_known("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGSTKFLT"),
    *range(getattr(signal, "SIGRTMIN", 0), getattr(signal, "SIGRTMAX", -1) + 1),
)
"""They mean nothing to the service, which goes on."""


def handle(handlers: dict[Iterable[int], Handler]) -> dict[int, Any]:
    """Set handlers of groups of signals; return those that were set before, for `restore`.

    None handles a signal that means nothing; a program that is started would inherit SIG_IGN.
    """
    return {
        number: signal.signal(number, (lambda *_: None) if handler is None else handler)
        for numbers, handler in handlers.items()
        for number in numbers
    }


def restore(before: dict[int, Any]) -> None:
    """Set the handlers that `handle` replaced."""
    for number, handler in before.items():
        # None: it was not set by Python.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
