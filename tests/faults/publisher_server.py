"""Publishers on demand, forked from one process that has imported what they need.

Run as a script: for each line `ACTION<tab>FOLDER` on standard input it prints the process of a
publisher, which is stopped until SIGCONT; for an empty line it waits for all of them
and prints how many did not leave with 0.
"""

import ctypes
import os
import signal
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.model_store.publishers import ACTIONS, forked

_PR_SET_PTRACER = 0x59616D61
_ANY = ctypes.c_ulong(-1)


def publish(action: str, folder: Path) -> None:
    """Wait to be traced, then publish."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    ACTIONS[action](folder)


def main() -> None:
    """Obey the lines of standard input until its end."""
    with TemporaryDirectory() as folder:
        # Imports the rest of what a publisher needs, so that not every one has to.
        ACTIONS["publish"](Path(folder))
    children: list[int] = []
    for line in sys.stdin:
        if not line.strip():
            answer = sum(os.waitpid(child, 0)[1] != 0 for child in children)
            children.clear()
        else:
            action, folder = line.rstrip("\n").split("\t")
            answer = forked(partial(publish, action, Path(folder)))
            os.waitpid(answer, os.WUNTRACED)
            children.append(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
