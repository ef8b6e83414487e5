"""The publishers that a service knows: public keys, never of the store's own choice."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from model_store.errors import ModelStoreError
from model_store.seals.keys import PublicKey

SUFFIX = ".pem"
FOLDER = "publishers"
"""Their public keys, in the folder of secrets."""
_MOST_BYTES = 4096


class Publishers(Protocol):
    """Whose seals count."""

    def find(self, key_id: str) -> PublicKey | None:
        """Return the known key of this id, None if there is none."""
        ...

    def state(self) -> Hashable:
        """Return what differs when other keys are known. It costs next to nothing."""
        ...


@dataclass(frozen=True)
class KnownPublishers:
    """The publishers of a list; of none, unless some are given."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    """By their ids."""

    def find(self, key_id: str) -> PublicKey | None:
        """Return the known key of this id, None if there is none."""
        return self.keys.get(key_id)

    def state(self) -> Hashable:
        """Return the ids."""
        return tuple(self.keys)


NOBODY = KnownPublishers()


@dataclass(frozen=True)
class PublisherFolder:
    """The publishers whose public keys are in a folder: a file each, `<id>.pem`.

    The folder is read whenever it matters, so that a running service knows a new key at once.
    """

    folder: Path

    def find(self, key_id: str) -> PublicKey | None:
        """Return the known key of this id, None if there is none."""
        return self.all().get(key_id)

    def all(self) -> dict[str, PublicKey]:
        """Return every known key by its id; what is no public key is none."""
        found = {}
        for path in self.paths():
            # The folder is as trusted as the settings, and may hold links, as mounted secrets do.
            try:
                with path.open("rb") as file:
                    key = PublicKey.of_text(file.read(_MOST_BYTES))
            except (ModelStoreError, OSError):
                continue
            found[key.id] = key
        return found

    def paths(self) -> list[Path]:
        """Return the files of the folder that are to hold a key."""
        return sorted(self.folder.glob(f"[!.]*{SUFFIX}"))

    def state(self) -> Hashable:
        """Return when a key last came or went."""
        try:
            status = self.folder.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
