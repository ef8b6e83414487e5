"""Loads the versions that the aliases of the store name, and swaps them in, in one step."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from api.models.background_loads import BackgroundLoads, Names
from api.models.loaded_models import LoadedModels, Refusal, ServedModel
from api.observe.audit_log import AuditLog
from api.observe.metrics import Metrics
from model_store.errors import ModelStoreError
from model_store.store import ModelStore
from monitoring.log.errors import LogUnavailableError
from settings.settings import Settings

RETRY_SECONDS = 60.0
"""Interval between tries of a refused version that has not changed."""
START_SECONDS = 5.0
"""How long the start waits for versions that take long; the others are served meanwhile."""


class ModelReloader:
    """Follows the store. Whatever fails, the versions that answer go on answering."""

    def __init__(
        self,
        store: ModelStore,
        settings: Settings,
        *,
        metrics: Metrics,
        audit_log: AuditLog,
        on_swap: Callable[[LoadedModels], None],
    ) -> None:
        self.loaded_models = LoadedModels(default=settings.model_name)
        self._store = store
        self._settings = settings
        self._metrics = metrics
        self._audit_log = audit_log
        self._on_swap = on_swap
        self._seen: object = None
        self._trouble = ""
        self._wanted = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._when_loaded: list[Callable[[], None]] = []
        self._loads: BackgroundLoads[ServedModel | Refusal] = BackgroundLoads(self._load)

    def refresh(self, seconds: float | None = None) -> None:
        """Load what the aliases name now, and swap if anything changed.

        Blocks for so many seconds at most, if given: what takes longer is swapped in by a later
        call.
        """
        try:
            fingerprint = self._store.fingerprint()
            if (fingerprint, self._refused_state()) == self._seen and not self._loads.has_ended:
                return
            loaded_models = self._read(seconds)
        except (ModelStoreError, OSError) as error:
            self._warn("store-unreadable", str(error))
            return
        self._trouble = ""
        self._record_moves(loaded_models)
        self.loaded_models = loaded_models
        # The aliases as they were before they were read: a move since then is seen next time.
        self._seen = (fingerprint, self._refused_state())
        try:
            self._on_swap(loaded_models)
        except (LogUnavailableError, ValueError) as error:
            self._warn("views-not-made", str(error))

    def loading_seconds(self) -> Mapping[Names, float]:
        """Return how long each version has been loading that is not served yet."""
        return self._loads.seconds()

    def close(self) -> None:
        """End what is being loaded."""
        self._store.close()
        self._loads.close()

    async def run(self) -> None:
        """Refresh for ever, in a thread, as to read the store may take long."""
        while True:
            await self._pause()
            try:
                await asyncio.to_thread(self.refresh, self._settings.model_poll_seconds)
            except Exception as error:  # noqa: BLE001 - the reloader must outlive whatever it meets
                self._warn("reload-failed", type(error).__name__)
            while self._when_loaded and not self.loaded_models.loading:
                self._when_loaded.pop()()

    def call_when_loaded(self, callback: Callable[[], None]) -> None:
        """Call back, once nothing loads any more; not at all if nothing loads now."""
        if self.loaded_models.loading:
            self._when_loaded.append(callback)

    def look_now(self) -> None:
        """Have `run` look at the store at once, and try refused versions again. From any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wanted.set)

    async def _pause(self) -> None:
        self._loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self._settings.model_poll_seconds)
            self._wanted.clear()
            self._seen = None
            self._audit_log.record("reload-requested")

    def _refused_state(self) -> object:
        """Return a value that changes when a refused version should be tried again.

        That is when its bundle has changed, and once in RETRY_SECONDS: the cause may have passed.
        """
        refused = [(refusal.model, refusal.version) for refusal in self.loaded_models.refusals]
        bundles = [self._store.bundle_fingerprint(*names) for names in refused]
        return bundles, time.monotonic() // RETRY_SECONDS if refused else 0

    def _warn(self, kind: str, reason: str) -> None:
        # Once for each reason: the store is checked every second.
        if reason != self._trouble:
            self._trouble = reason
            self._audit_log.record(kind, level="error", reason=reason)

    def _record_moves(self, loaded_models: LoadedModels) -> None:
        for model, aliases in loaded_models.aliases.items():
            before = self.loaded_models.aliases.get(model, {})
            for alias, version in aliases.items():
                if before.get(alias) != version:
                    self._audit_log.record(
                        "model-swapped",
                        model=model,
                        alias=alias,
                        source=before.get(alias, ""),
                        target=version,
                    )

    def _read(self, seconds: float | None) -> LoadedModels:
        versions: dict[str, Mapping[str, ServedModel]] = {}
        aliases: dict[str, Mapping[str, str]] = {}
        refusals: list[Refusal] = []
        wanted = {model: self._aliases(model, refusals) for model in self._store.models()}
        found = self._found(wanted, seconds)
        refusals += [refusal for refusal in found.values() if isinstance(refusal, Refusal)]
        for model, named in wanted.items():
            served: dict[str, ServedModel] = {}
            names: dict[str, str] = {}
            for alias, version in named.items():
                one = found.get((model, version))
                # A version that is refused, or not yet loaded, leaves its alias as it was.
                one = one if isinstance(one, ServedModel) else self._previous(model, alias)
                if one:
                    served[one.manifest.version] = one
                    names[alias] = one.manifest.version
            if served:
                versions[model], aliases[model] = served, names
        for model in self.loaded_models.versions.keys() - versions.keys():
            # Gone from the store, which nobody does on purpose while it answers.
            reason = (
                f"The model {model} has no alias in the store any more: promote a version of it."
            )
            versions[model] = self.loaded_models.versions[model]
            aliases[model] = self.loaded_models.aliases[model]
            if model not in {refusal.model for refusal in refusals}:
                refusals.append(Refusal(model, "", reason))
                self._refused(refusals[-1])
        loading = tuple(self._loads.seconds())
        models = versions.keys() | {model for model, _ in loading}
        only = next(iter(versions)) if len(models) == len(versions) == 1 else ""
        default = self.loaded_models.default or only
        return LoadedModels(default, versions, aliases, tuple(refusals), loading)

    def _found(
        self, wanted: Mapping[str, Mapping[str, str]], seconds: float | None
    ) -> dict[Names, ServedModel | Refusal]:
        """Return what is known of the versions that aliases name; nothing of what still loads."""
        names = [(model, version) for model in wanted for version in wanted[model].values()]
        found: dict[Names, ServedModel | Refusal] = {}
        for model, version in names:
            if known := self.loaded_models.versions.get(model, {}).get(version):
                found[model, version] = known
        found |= self._loads.take()
        self._loads.forget_waiting(set(names))
        # Those that answered so far first, so that nobody's new ones hold them up.
        names.sort(key=lambda names: names[0] not in self.loaded_models.versions)
        for each in names:
            if each not in found:
                self._loads.start(*each)
        self._loads.wait(seconds)
        found |= self._loads.take()
        for refusal in self.loaded_models.refusals:
            # Until the next try has ended, the last one's reason stands.
            found.setdefault((refusal.model, refusal.version), refusal)
        return {each: found[each] for each in dict.fromkeys(names) if each in found}

    def _aliases(self, model: str, refusals: list[Refusal]) -> Mapping[str, str]:
        try:
            return self._store.aliases(model).current
        except ModelStoreError as error:
            refusals.append(Refusal(model, "", str(error)))
            self._refused(refusals[-1])
            return self.loaded_models.aliases.get(model, {})

    def _load(self, model: str, version: str) -> ServedModel | Refusal:
        try:
            served = ServedModel.of(
                self._store.load(model, version),
                max_string=self._settings.predict_max_string_characters,
                personal=self._settings.log_personal_fields,
            )
        except ModelStoreError as error:
            refusal = Refusal(model, version, str(error))
        except Exception as error:  # noqa: BLE001 - one odd bundle must not hold up all others
            reason = f"Version {version} of {model} cannot be served: {type(error).__name__}."
            refusal = Refusal(model, version, reason)
        else:
            self._metrics.reloads.labels(model, version, "loaded").inc()
            form, why = served.loaded.form, served.loaded.form_reason
            self._audit_log.record("model-loaded", model=model, version=version, form=form, why=why)
            return served
        self._refused(refusal)
        return refusal

    def _previous(self, model: str, alias: str) -> ServedModel | None:
        version = self.loaded_models.aliases.get(model, {}).get(alias, "")
        return self.loaded_models.versions.get(model, {}).get(version)

    def _refused(self, refusal: Refusal) -> None:
        self._metrics.reloads.labels(refusal.model, refusal.version, "refused").inc()
        if refusal in self.loaded_models.refusals:
            # It was tried again, and nothing is new.
            return
        self._audit_log.record(
            "model-refused",
            level="error",
            model=refusal.model,
            version=refusal.version,
            reason=refusal.reason,
        )
