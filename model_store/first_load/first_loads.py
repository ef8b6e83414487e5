"""The door: a version is loaded here only after it was loaded in a process of its own."""

import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from model_store.checks.graph_check import CHECK_NUMBER
from model_store.errors import RefusedError
from model_store.first_load import limits, verdicts
from model_store.first_load.child import Form, Question
from model_store.first_load.process import EndedError, Processes
from model_store.first_load.verdicts import Verdict
from model_store.manifest import Manifest
from model_store.store import LoadPolicy

RETRY_SECONDS = 3600.0
"""After so long, a version that hung or crashed is tried again: the machine may have been busy."""
_PACKAGES: dict[Form, tuple[str, ...]] = {
    "compiled": ("numpy", "onnxruntime"),
    "estimator": ("numpy", "scikit-learn", "skops"),
}


class UnknownError(RefusedError):
    """Nobody has loaded a version yet, and those alone that somebody has are wanted."""


class FirstLoads:
    """First loads, and the verdicts on them.

    Args:
        folder: where verdicts are remembered, out of reach of who writes to the store. A folder
            that cannot be written is none: each process then judges for itself.
        only_known: whether a version without a verdict is refused instead of judged.
    """

    def __init__(self, folder: Path, *, only_known: bool = False) -> None:
        self._folder = folder
        self._only_known = only_known
        self._processes = Processes()
        self._verdicts: dict[str, Verdict] = {}

    def see(self, folder: Path, manifest: Manifest, form: Form, policy: LoadPolicy) -> None:
        """See that a form of the bundle in a folder can be loaded without harm.

        Raises:
            UnknownError: nobody has loaded it yet.
            RefusedError: it cannot; the sentence says why.
            OSError: no process can be started.
        """
        # The checksum stands for the manifest, which has that of each file.
        key = f"{manifest.checksum}-{form}"
        known = self._verdicts.get(key) or verdicts.known(self._folder, key)
        if known is None or not _holds(known, form):
            if self._only_known:
                raise UnknownError("Nobody has loaded it yet.")
            with verdicts.locked(self._folder, key) as file:
                known = file.read()
                if known is None or not _holds(known, form):
                    known = self._judged(folder, manifest, form, policy)
                    file.write(known)
        self._verdicts[key] = known
        if known.reason:
            raise RefusedError(known.reason)

    def close(self) -> None:
        """End the processes of first loads that run now."""
        self._processes.close()

    def _judged(self, folder: Path, manifest: Manifest, form: Form, policy: LoadPolicy) -> Verdict:
        """Return a verdict to remember: all is well, or the process did not survive.

        Raises:
            RefusedError: it is refused for a reason that a new setting or package may mend.
        """
        size = sum(file.size for file in manifest.files)
        question = Question(
            folder=str(folder.absolute()),
            model=manifest.model,
            version=manifest.version,
            checksum=manifest.checksum,
            form=form,
            formats=sorted(policy.formats),
            trusted_types=list(policy.trusted_types),
            seconds=limits.seconds_for(size),
            memory_bytes=limits.memory_for(size),
        )
        reason = ""
        try:
            answer = self._processes.ask(question)
        except EndedError as error:
            if self._processes.closed:
                # That is no verdict on the version.
                raise RefusedError("It was being loaded when the service stopped.") from error
            reason = (
                f"To load it was tried in a process of its own, and {error}: publish another "
                f"version. It is tried again in {RETRY_SECONDS / 60:.0f} minutes at the earliest."
            )
        else:
            if answer.reason:
                raise RefusedError(answer.reason)
            if answer.checksum != manifest.checksum:
                raise RefusedError("It changed while it was loaded: publish again.")
        return Verdict(checked_by=_checked_by(form), time=time.time(), reason=reason)


def _holds(verdict: Verdict, form: Form) -> bool:
    age = time.time() - verdict.time
    is_recent = 0 <= age < RETRY_SECONDS
    return verdict.checked_by == _checked_by(form) and (not verdict.reason or is_recent)


def _checked_by(form: Form) -> dict[str, str]:
    found = {"check": str(CHECK_NUMBER), "python": platform.python_version()}
    return found | {name: _version(name) for name in _PACKAGES[form]}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
