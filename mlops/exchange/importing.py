"""Asks the process of an import, waits for it, and says what became of it."""

import os
import subprocess
import sys

import msgspec

from mlops.exchange.question import Answer, Question
from model_store.errors import RefusedError
from settings.sources import PROJECT_ROOT

_COMMAND = [sys.executable, "-m", "mlops.exchange.child"]
_MODULES = 60
"""Seconds that the start of the process may take."""


def ask(question: Question, environment: dict[str, str], seconds: float) -> Answer:
    """Return what came of an import; the process gets the environment, and no more.

    Raises:
        RefusedError: the process crashed, or took too long.
        OSError: it cannot be started.
    """
    with subprocess.Popen(  # noqa: S603 - our own module
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        env=environment | {"PYTHONPATH": os.pathsep.join(_path())},
    ) as process:
        try:
            text, _ = process.communicate(msgspec.json.encode(question), timeout=seconds + _MODULES)
        except subprocess.TimeoutExpired:
            raise RefusedError(f"It took more than {seconds:.0f} s.") from None
        finally:
            process.kill()
    if process.returncode:
        how = f"by signal {-process.returncode}" if process.returncode < 0 else "with an error"
        raise RefusedError(f"The process that read it ended {how}: nothing was imported.")
    try:
        answer = msgspec.json.decode(text, type=Answer)
    except msgspec.MsgspecError as error:
        raise RefusedError("The process that read it ended without an answer.") from error
    if answer.reason:
        raise RefusedError(answer.reason)
    return answer


def _path() -> list[str]:
    # The project first, then what this process was given.
    return [str(PROJECT_ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
