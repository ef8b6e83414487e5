"""Keeps the catalog true to the store: loads what aliases name, and swaps in one step."""

import asyncio
from collections.abc import Callable, Mapping

from api.catalog import Catalog, Refusal, ServedModel
from api.journal import Journal
from api.metrics import Metrics
from api.settings import Settings
from model_store.errors import ModelStoreError
from model_store.store import ModelStore
from monitoring.errors import LogUnavailableError


class ModelWatcher:
    """Watches the store. Whatever fails, the versions that answer go on answering."""

    def __init__(
        self,
        store: ModelStore,
        settings: Settings,
        *,
        metrics: Metrics,
        journal: Journal,
        on_swap: Callable[[Catalog], None],
    ) -> None:
        self.catalog = Catalog(default=settings.model_name)
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._journal = journal
        self._on_swap = on_swap
        self._seen: object = None

    def refresh(self) -> None:
        """Load what the aliases name now, and swap the catalog if anything changed. Blocks."""
        try:
            fingerprint = self._store.fingerprint()
            if fingerprint == self._seen:
                return
            catalog = self._read()
        except (ModelStoreError, OSError) as error:
            # Unseen, so that the next poll tries again.
            self._journal.tell("store-unreadable", level="error", reason=str(error))
            return
        self._seen = fingerprint
        self.catalog = catalog
        try:
            self._on_swap(catalog)
        except LogUnavailableError as error:
            self._journal.tell("views-not-made", level="warning", reason=str(error))

    async def watch(self) -> None:
        """Refresh for ever, in a thread, as loading may take long."""
        while True:
            await asyncio.sleep(self._settings.model_poll_seconds)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception as error:  # noqa: BLE001 - the watch must outlive any bad bundle
                self._journal.tell("watch-failed", level="error", reason=type(error).__name__)

    def _read(self) -> Catalog:
        versions: dict[str, Mapping[str, ServedModel]] = {}
        aliases: dict[str, Mapping[str, str]] = {}
        refusals: list[Refusal] = []
        for model in self._store.models():
            wanted = self._aliases(model, refusals)
            served: dict[str, ServedModel] = {}
            names: dict[str, str] = {}
            for alias, version in wanted.items():
                found = served.get(version) or self._served(model, version, refusals)
                # A refused version leaves its alias with the version that had it before.
                found = found or self._previous(model, alias)
                if found:
                    served[found.manifest.version] = found
                    names[alias] = found.manifest.version
            if served:
                versions[model], aliases[model] = served, names
        default = self.catalog.default or (next(iter(versions)) if len(versions) == 1 else "")
        return Catalog(default, versions, aliases, tuple(refusals))

    def _aliases(self, model: str, refusals: list[Refusal]) -> Mapping[str, str]:
        try:
            return self._store.aliases(model).current
        except ModelStoreError as error:
            refusals.append(Refusal(model, "", str(error)))
            self._refused(refusals[-1])
            return self.catalog.aliases.get(model, {})

    def _served(self, model: str, version: str, refusals: list[Refusal]) -> ServedModel | None:
        known = self.catalog.versions.get(model, {}).get(version)
        if known:
            return known
        try:
            loaded = self._store.load(model, version)
        except (ModelStoreError, OSError, MemoryError) as error:
            refusals.append(Refusal(model, version, str(error) or type(error).__name__))
            self._refused(refusals[-1])
            return None
        self._metrics.reloads.labels(model, "loaded").inc()
        self._journal.tell("model-loaded", model=model, version=version)
        return ServedModel.of(loaded, max_string=self._settings.predict_max_string_characters)

    def _previous(self, model: str, alias: str) -> ServedModel | None:
        version = self.catalog.aliases.get(model, {}).get(alias, "")
        return self.catalog.versions.get(model, {}).get(version)

    def _refused(self, refusal: Refusal) -> None:
        self._metrics.reloads.labels(refusal.model, "refused").inc()
        self._journal.tell(
            "model-refused",
            level="error",
            model=refusal.model,
            version=refusal.version,
            reason=refusal.reason,
        )
