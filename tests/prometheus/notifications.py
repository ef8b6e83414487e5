"""Receivers of notifications in the tests, and the times of the events."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.prometheus.receivers import Receiver
from tests.prometheus.stack_files import ALERTING, substituted, with_urls_in_place

SLACK, WEBHOOK = "/slack", "/webhook"

Say = Callable[[str], None]


def time_line() -> Say:
    """Return a function that prints an event with the seconds since the first event."""
    since: list[float] = []

    def say(event: str) -> None:
        since.append(time.monotonic())
        print(f"{since[-1] - since[0]:7.2f} s  {event}")  # noqa: T201 - the time line

    return say


def alerting(folder: Path, receiver: str, server: Receiver) -> dict[str, Any]:
    """Return Alertmanager's configuration for a receiver, its addresses those of a server."""
    for name, path in (("slack_url", SLACK), ("webhook_url", WEBHOOK)):
        (folder / name).write_text(server.url(path) + "\n", "utf-8")
    places = {
        "/etc/alertmanager/secrets": str(folder),
        "  receiver: none": f"  receiver: {receiver}",
    }
    return with_urls_in_place(substituted(ALERTING, places))
