"""A model store in a folder: `<root>/<model>/<version>/`, and `<root>/<model>/aliases.json`."""

import hashlib
import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from model_store import bundle, files, formats, loading
from model_store.aliases import Aliases
from model_store.boosters import storing
from model_store.bundle import Draft
from model_store.compile import compiling
from model_store.errors import RefusedError
from model_store.first_load import verdicts
from model_store.first_load.first_loads import FirstLoads
from model_store.manifest import Manifest
from model_store.model_process.model_processes import ModelProcesses
from model_store.names import checked_name, is_name
from model_store.seals import seal
from model_store.seals.account import account
from model_store.seals.seal import SEAL, Signer
from model_store.staging import model_lock, staged
from model_store.store import LoadedModel, LoadPolicy
from model_store.versions import new_version

_ALIASES = "aliases.json"


def _now() -> datetime:
    return datetime.now(UTC)


class Published(NamedTuple):
    """A version that was published, and the SHA-256 of its manifest's text."""

    version: str
    manifest: str


class FileModelStore:
    """The model store of a folder, which need not exist before something is published.

    Args:
        root: the folder.
        policy: what may be loaded.
        clock: returns the time, aware, for version ids and the history of aliases.
        signer: who seals what is published; None: nobody does.
        only_known: whether a version is refused that nobody has loaded yet: see `FirstLoads`.
        processes: where estimators answer that are loaded; None: in this process.
    """

    def __init__(  # noqa: PLR0913 - what it may do, and what it does it with
        self,
        root: Path,
        policy: LoadPolicy,
        clock: Callable[[], datetime] = _now,
        signer: Signer | None = None,
        *,
        only_known: bool = False,
        processes: ModelProcesses | None = None,
    ) -> None:
        self._root = root
        self.policy = policy
        self._clock = clock
        self._first_loads = FirstLoads(verdicts.folder_beside(root), only_known=only_known)
        self._signer = signer
        self._processes = processes

    def models(self) -> list[str]:
        """Return the names of all models, sorted: of those with a version or with aliases."""
        return [name for name in files.folder_names(self._root) if _is_model(self._root / name)]

    def versions(self, model: str) -> list[str]:
        """Return the ids of a model's versions, the oldest first.

        Raises:
            NotFoundError: there is no such model.
        """
        folder = self._model_folder(model)
        # Ids begin with their time.
        return [name for name in files.folder_names(folder) if _is_bundle(folder / name)]

    def manifest(self, model: str, version: str) -> Manifest:
        """Return a version's manifest, without loading the version."""
        with _named(model, version):
            return bundle.read_manifest(self.version_folder(model, version), model, version)

    def card(self, model: str, version: str) -> str:
        """Return a version's model card, in Markdown."""
        manifest = self.manifest(model, version)
        with _named(model, version):
            return bundle.read_card(self.version_folder(model, version), manifest)

    def reference(self, model: str, version: str) -> bytes:
        """Return a version's reference profile, JSON, without loading the version."""
        manifest = self.manifest(model, version)
        with _named(model, version):
            return bundle.read_reference(self.version_folder(model, version), manifest)

    def aliases(self, model: str) -> Aliases:
        """Return a model's aliases and their history; empty where none was ever given."""
        try:
            text = files.read(self._model_folder(model) / _ALIASES)
        except FileNotFoundError:
            return Aliases()
        return Aliases.of_text(text)

    def publish(self, draft: Draft) -> str:
        """Store a new version, as `publish_noted` does, and return its id."""
        return self.publish_noted(draft).version

    def publish_noted(self, draft: Draft) -> Published:
        """Store a new version, seen to load with every check and sealed by whoever signs here.

        No alias moves. A failure, or a crash, leaves nothing that a reader sees.

        Raises:
            InvalidNameError: the model's name is not safe.
            RefusedError: the version would not load from the store.
        """
        model_folder = self._root / checked_name("model", draft.model)
        estimator, boosters = storing.taken_apart(draft.estimator)
        contents = boosters | {
            bundle.ESTIMATOR_FILES[draft.format]: formats.dump(estimator, draft.format),
            bundle.GOLDEN: msgspec.json.encode(draft.golden),
            bundle.REFERENCE: draft.reference,
            bundle.CARD: draft.card.encode(),
        }
        compilation = draft.compilation or compiling.compile_estimator(
            draft.estimator, draft.signature, draft.golden
        )
        if compilation.compiled:
            contents[bundle.COMPILED] = compilation.graph
        now = self._clock()
        origin = draft.origin
        version = new_version(now, origin.git_branch, origin.git_head, origin.setup)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        model_folder.mkdir(mode=0o700, exist_ok=True)
        with staged(model_folder, version) as stage:
            manifest = bundle.manifest_of(draft, compilation, stage.version, _rfc3339(now))
            text = bundle.write(stage.folder, manifest, contents)
            names = draft.model, stage.version
            with _named(*names):
                loading.verify(stage.folder, *names, self.policy, self._first_loads)
            if self._signer:
                files.write(stage.folder / SEAL, self._signer.seal(text, _rfc3339(now)))
                files.sync_folder(stage.folder)
            stage.publish()
        files.sync_folder(self._root)
        return Published(stage.version, hashlib.sha256(text).hexdigest())

    def seal(self, model: str, version: str, manifest: str = "") -> None:
        """Seal an undamaged version, in place of whoever sealed it before.

        `manifest` is the SHA-256 of its manifest's text, as it was when somebody looked at it.

        Raises:
            NotFoundError: there is no such version.
            RefusedError: it is damaged, or is not what was looked at; or nobody signs here.
        """
        if self._signer is None:
            raise RefusedError("There is no publisher's key here: nothing can be sealed.")
        with _named(model, version), model_lock(self._model_folder(model)):
            folder = self.version_folder(model, version)
            seal.put(folder, model, version, self._signer, time=self._time(), expected=manifest)

    def promote(self, model: str, version: str, alias: str = "champion", reason: str = "") -> None:
        """Let an alias point to an undamaged version; one that does already stays, unrecorded.

        Raises:
            NotFoundError: there is no such version.
            RefusedError: the version or the model's `aliases.json` is damaged.
        """
        checked_name("alias", alias)
        self._check_undamaged(model, version)
        with model_lock(self._model_folder(model)):
            aliases = self.aliases(model)
            if aliases.current.get(alias) != version:
                moved = aliases.promoted(
                    alias, version, time=self._time(), reason=reason, who=account()
                )
                files.replace(self._model_folder(model) / _ALIASES, moved.text())

    def rollback(self, model: str, alias: str = "champion", reason: str = "") -> None:
        """Let an alias point to the version that it had before; again, to the one before that.

        Raises:
            NotFoundError: it had none before, or that version is gone.
            RefusedError: that version or the model's `aliases.json` is damaged.
        """
        checked_name("alias", alias)
        with model_lock(self._model_folder(model)):
            moved = self.aliases(model).rolled_back(
                alias, time=self._time(), reason=reason, who=account()
            )
            self._check_undamaged(model, moved.current[alias])
            files.replace(self._model_folder(model) / _ALIASES, moved.text())

    def load(self, model: str, version: str) -> LoadedModel:
        """Load a version with every check.

        Raises:
            NotFoundError: there is no such version.
            RefusedError: it failed a check.
        """
        with _named(model, version):
            folder = self.version_folder(model, version)
            return loading.load(
                folder, model, version, self.policy, self._first_loads, processes=self._processes
            )

    def verify(self, model: str, version: str) -> None:
        """Load both forms of a version with every check, and forget them; `load` needs one."""
        manifest = self.manifest(model, version)
        with _named(model, version):
            folder = self.version_folder(model, version)
            seal.check(folder, manifest, self.policy.publishers)
            loading.verify(folder, model, version, self.policy, self._first_loads)

    def close(self) -> None:
        """End what is being loaded in other processes."""
        self._first_loads.close()

    def fingerprint(self) -> Hashable:
        """Return what differs whenever an alias of any model has moved; it reads no file."""
        return tuple(
            (name, files.stamp(self._root / name / _ALIASES))
            for name in files.folder_names(self._root)
        )

    def bundle_fingerprint(self, model: str, version: str) -> Hashable:
        """Return what differs when a version's files have changed; it reads no file."""
        if not (is_name(model) and is_name(version)):
            return None
        folder = self._root / model / version
        files_of_model = (*bundle.ESTIMATOR_FILES.values(), bundle.COMPILED)
        others = (bundle.MANIFEST, bundle.GOLDEN, bundle.REFERENCE, bundle.CARD, SEAL)
        stamps = tuple(files.stamp(folder / name) for name in (*files_of_model, *others))
        # Another key may be known that sealed it.
        return stamps, self.policy.publishers.state()

    def _check_undamaged(self, model: str, version: str) -> None:
        with _named(model, version):
            folder = self.version_folder(model, version)
            bundle.read_files(folder, bundle.read_manifest(folder, model, version))

    def _model_folder(self, model: str) -> Path:
        return files.real_folder(
            self._root / checked_name("model", model), f"The model store has no {model}"
        )

    def version_folder(self, model: str, version: str) -> Path:
        """Return the folder of a version."""
        path = self._model_folder(model) / checked_name("version", version)
        return files.real_folder(path, f"The model {model} has no version {version}")

    def _time(self) -> str:
        return _rfc3339(self._clock())


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _is_bundle(folder: Path) -> bool:
    return os.path.lexists(folder / bundle.MANIFEST)


def _is_model(folder: Path) -> bool:
    is_aliased = os.path.lexists(folder / _ALIASES)
    return is_aliased or any(_is_bundle(folder / name) for name in files.folder_names(folder))


@contextmanager
def _named(model: str, version: str) -> Iterator[None]:
    """Let a refusal say what was refused."""
    try:
        yield
    except RefusedError as error:
        raise RefusedError(f"Version {version} of {model} is refused. {error}") from error
