"""What a model store does, whatever keeps the models."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, Protocol

from model_store.aliases import Aliases
from model_store.bundle import Draft
from model_store.manifest import Manifest
from model_store.predictor import Predictor
from model_store.schema.row_decoder import RowDecoder
from model_store.seals.publishers import NOBODY, Publishers


@dataclass(frozen=True)
class LoadPolicy:
    """What may be loaded. It comes from the settings, never from what is loaded."""

    formats: frozenset[str] = frozenset({"skops"})
    trusted_types: tuple[str, ...] = ()
    """Full names of types that a skops file may hold besides those of sealed packages."""
    publishers: Publishers = NOBODY
    """Whose seals count: without one of them, no estimator is loaded; nobody's by default."""


@dataclass(frozen=True)
class LoadedModel:
    """A version that passed every check, ready to answer."""

    manifest: Manifest
    decoder: RowDecoder
    predictor: Predictor
    card: str
    form: Literal["compiled", "estimator"] = "estimator"
    """What answers."""
    form_reason: str = ""
    """Why it is not the compiled form, a sentence."""
    reference: bytes = b"{}"
    """The reference profile, JSON: how each column was distributed in training."""


class ModelStore(Protocol):
    """Versions of models, and the aliases that point to them.

    Every method raises `InvalidNameError` for a name that is not safe, `NotFoundError` for one that
    is not there, and `RefusedError` for what is there and damaged or not allowed.
    """

    def models(self) -> list[str]:
        """Return the names of all models, sorted."""
        ...

    def versions(self, model: str) -> list[str]:
        """Return the ids of a model's versions, the oldest first."""
        ...

    def manifest(self, model: str, version: str) -> Manifest:
        """Return a version's manifest, without loading the version."""
        ...

    def card(self, model: str, version: str) -> str:
        """Return a version's model card, in Markdown."""
        ...

    def reference(self, model: str, version: str) -> bytes:
        """Return a version's reference profile, JSON, without loading the version."""
        ...

    def aliases(self, model: str) -> Aliases:
        """Return a model's aliases and their history; empty where none was ever given."""
        ...

    def publish(self, draft: Draft) -> str:
        """Store a new version, seen to load with every check, and return its id.

        No alias moves. A failure, or a crash, leaves nothing that a reader sees.
        """
        ...

    def promote(self, model: str, version: str, alias: str = "champion", reason: str = "") -> None:
        """Let an alias point to an undamaged version; one that does already stays, unrecorded."""
        ...

    def rollback(self, model: str, alias: str = "champion", reason: str = "") -> None:
        """Let an alias point to the version that it had before; again, to the one before that."""
        ...

    def load(self, model: str, version: str) -> LoadedModel:
        """Load a version with every check."""
        ...

    def verify(self, model: str, version: str) -> None:
        """Load each form of a version with every check, and forget it."""
        ...

    def close(self) -> None:
        """End what is being loaded in other processes."""
        ...

    def bundle_fingerprint(self, model: str, version: str) -> Hashable:
        """Return what differs when a version's files have changed. It costs next to nothing."""
        ...

    def fingerprint(self) -> Hashable:
        """Return what differs whenever an alias has moved. It costs next to nothing."""
        ...
