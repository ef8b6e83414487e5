"""Keeps the catalog true to the store: loads what aliases name, and swaps in one step."""

import asyncio
import time
from collections.abc import Callable, Mapping

from api.catalog import Catalog, Refusal, ServedModel
from api.journal import Journal
from api.metrics import Metrics
from api.settings import Settings
from model_store.errors import ModelStoreError
from model_store.store import ModelStore
from monitoring.log.errors import LogUnavailableError

RETRY_SECONDS = 60.0
"""How often a refused version is tried again that has not changed."""


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
        self._trouble = ""

    def refresh(self) -> None:
        """Load what the aliases name now, and swap the catalog if anything changed. Blocks."""
        try:
            fingerprint = self._store.fingerprint()
            if (fingerprint, self._refused_state()) == self._seen:
                return
            catalog = self._read()
        except (ModelStoreError, OSError) as error:
            self._warn("store-unreadable", str(error))
            return
        self._trouble = ""
        self._tell_moves(catalog)
        self.catalog = catalog
        # The aliases as they were before they were read: a move since then is seen next time.
        self._seen = (fingerprint, self._refused_state())
        try:
            self._on_swap(catalog)
        except (LogUnavailableError, ValueError) as error:
            self._warn("views-not-made", str(error))

    async def watch(self) -> None:
        """Refresh for ever, in a thread, as loading may take long."""
        while True:
            await asyncio.sleep(self._settings.model_poll_seconds)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception as error:  # noqa: BLE001 - the watch must outlive whatever it meets
                self._warn("watch-failed", type(error).__name__)

    def _refused_state(self) -> object:
        """Return what differs as soon as a refused version is worth another try.

        That is once it was mended, and from time to time, as the cause may have been a passing one.
        """
        refused = [(refusal.model, refusal.version) for refusal in self.catalog.refusals]
        bundles = [self._store.bundle_fingerprint(*names) for names in refused]
        return bundles, time.monotonic() // RETRY_SECONDS if refused else 0

    def _warn(self, kind: str, reason: str) -> None:
        # Once for each reason: this is asked every second.
        if reason != self._trouble:
            self._trouble = reason
            self._journal.tell(kind, level="error", reason=reason)

    def _tell_moves(self, catalog: Catalog) -> None:
        for model, aliases in catalog.aliases.items():
            before = self.catalog.aliases.get(model, {})
            for alias, version in aliases.items():
                if before.get(alias) != version:
                    self._journal.tell(
                        "model-swapped",
                        model=model,
                        alias=alias,
                        source=before.get(alias, ""),
                        target=version,
                    )

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
        for model in self.catalog.versions.keys() - versions.keys():
            # Gone from the store, which nobody does on purpose while it answers.
            reason = (
                f"The model {model} has no alias in the store any more: promote a version of it."
            )
            versions[model] = self.catalog.versions[model]
            aliases[model] = self.catalog.aliases[model]
            if model not in {refusal.model for refusal in refusals}:
                refusals.append(Refusal(model, "", reason))
                self._refused(refusals[-1])
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
        limit = self._settings.predict_max_string_characters
        try:
            served = ServedModel.of(self._store.load(model, version), max_string=limit)
        except ModelStoreError as error:
            refusals.append(Refusal(model, version, str(error)))
        except Exception as error:  # noqa: BLE001 - one odd bundle must not hold up all others
            reason = f"Version {version} of {model} cannot be served: {type(error).__name__}."
            refusals.append(Refusal(model, version, reason))
        else:
            self._metrics.reloads.labels(model, version, "loaded").inc()
            form, why = served.loaded.form, served.loaded.form_reason
            self._journal.tell("model-loaded", model=model, version=version, form=form, why=why)
            return served
        self._refused(refusals[-1])
        return None

    def _previous(self, model: str, alias: str) -> ServedModel | None:
        version = self.catalog.aliases.get(model, {}).get(alias, "")
        return self.catalog.versions.get(model, {}).get(version)

    def _refused(self, refusal: Refusal) -> None:
        self._metrics.reloads.labels(refusal.model, refusal.version, "refused").inc()
        self._journal.tell(
            "model-refused",
            level="error",
            model=refusal.model,
            version=refusal.version,
            reason=refusal.reason,
        )
