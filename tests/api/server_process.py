"""The service in a process of its own, for tests that need a real server."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settings.settings import Settings
from tests.publisher_key import trust_tests

# With a model, or without one that would still come.
SERVES = re.compile(r"(?:address +|Serving on )http://[^ ,]+:(\d+)(?!.* is being loaded: )")
PATIENCE_SECONDS = 120
"""How long a test waits for an event that comes at once, or never."""


@dataclass
class Server:
    """A service in a process of its own, started as a user starts it."""

    process: "subprocess.Popen[str]"
    port: int
    """0 if it did not start."""
    said: str
    """The standard error until then."""

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and the standard error since."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, said


@contextmanager
def process_of(
    folder: Path, published: Path, *, prefix: Sequence[str] = (), **variables: str
) -> Iterator[Server]:
    """Serve both published models from a process, `fruit` by default, on a free port.

    `prefix` is a command that ends by running the service's, as `strace -D` does.
    """
    if not (folder / "models").exists():
        (folder / "models").symlink_to(published, target_is_directory=True)
    (folder / "settings.ini").touch()
    trust_tests(folder)
    own = {
        "LOCAL_DATA": str(folder),
        "SETTINGS_FILE": str(folder / "settings.ini"),
        "SERVICE_HOST": "127.0.0.1",
        "SERVICE_PORT": "0",
        # Tests read until the connection closes.
        "SERVICE_KEEP_ALIVE_SECONDS": "5",
        "MODEL_NAME": "fruit",
        "METRICS_PASSWORD": "metrics-secret",
    }
    others = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
    with (folder / "events").open("ab") as events:
        process = subprocess.Popen(
            [*prefix, Path(sys.executable).with_name("mlops"), "serve"],
            env=others | own | variables,
            stdout=events,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert process.stderr
    try:
        said, port = "", None
        while not port and (line := process.stderr.readline()):
            said += line
            port = SERVES.search(line)
        yield Server(process, int(port[1]) if port else 0, said)
    finally:
        process.kill()
        process.communicate()
