"""The closed loop: `wrk` sends over some connections, each its next request once it is answered."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.errors import LoadError

SCRIPT = Path(__file__).with_name("rotate.lua")
ANSWER_SECONDS = 30
"""What takes longer is counted as late."""


class Counts(msgspec.Struct, frozen=True):
    """What `wrk` counted."""

    requests: int
    """Answers, of any status."""
    microseconds: int
    """How long it took."""
    refused: int
    """Answers with a status of 400 or more."""
    lost: int
    """Connections that were not made, or broke."""
    late: int
    p50: float
    """The median time from request to answer, in microseconds."""
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.microseconds * 1e6


@dataclass(frozen=True)
class Wrk:
    """How to send: from which core, the lines of which file."""

    bodies: Path
    core: int | None
    """None: from any."""
    connections: int = 16
    path: str = "/predict"

    def send(self, port: int, seconds: float) -> Counts:
        """Send for a while and return what was answered.

        Raises:
            LoadError: `wrk` failed, or an answer was no success.
        """
        # wrk knows whole seconds only.
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{max(1, round(seconds))}s"]
        command += [f"--timeout={ANSWER_SECONDS}s", f"--script={SCRIPT}"]
        command += [f"http://127.0.0.1:{port}{self.path}", "--", str(self.bodies)]
        if self.core is not None:
            command = ["taskset", "--cpu-list", str(self.core), *command]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if ran.returncode:
            raise LoadError(f"wrk failed: {ran.stderr.strip() or ran.stdout.strip()}")
        return checked(parse(ran.stdout))


def parse(output: str) -> Counts:
    """Return the counts on the last line of what `wrk` printed.

    Raises:
        LoadError: they are not there.
    """
    try:
        return msgspec.json.decode(output.rstrip().rpartition("\n")[2], type=Counts)
    except msgspec.MsgspecError as error:
        raise LoadError(f"wrk did not end with its counts ({error}): {output[-500:]}") from error


def checked(counts: Counts) -> Counts:
    """Return the counts if every request was answered with success.

    Raises:
        LoadError: some were not: a rate of refusals is no rate of answers.
    """
    if not counts.requests or counts.refused or counts.lost or counts.late:
        raise LoadError(
            f"Of {counts.requests} answers {counts.refused} were refusals; {counts.lost} "
            f"connections were lost and {counts.late} answers late. See the server's output."
        )
    return counts


def missing_programs() -> str:
    """Return a sentence on what has to be installed first; empty when nothing has."""
    packages = {"wrk": "wrk", "taskset": "util-linux"}
    wanted = [package for program, package in packages.items() if not shutil.which(program)]
    return f"First: apt-get install {' '.join(wanted)}" if wanted else ""
