"""`mlops models approve`: a person seals what came from elsewhere, after having looked at it."""

import hashlib
from typing import Annotated, NamedTuple

import typer

from mlops.commands.models import decide_version, sealed_by, sentences
from mlops.commands.settings import load_settings
from mlops.console import Exit, agreed, fail, notify, say
from mlops.process.publisher_key import ensure_signer
from mlops.sealing.contents import modules_held, types_held
from model_store import bundle
from model_store.errors import ModelStoreError
from model_store.file_store import FileModelStore
from model_store.manifest import Manifest, measured, shown
from model_store.seals import seal
from model_store.seals.seal import Signer
from settings import factories
from settings.settings import Settings


class Looked(NamedTuple):
    """A version as it was shown, by the SHA-256 of its manifest's text."""

    model: str
    version: str
    digest: str


def approve(
    model: Annotated[str, typer.Argument(help="The model's name.")] = "",
    version: Annotated[str, typer.Argument(help="The version's id, or an alias.")] = "",
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every version that no known publisher has sealed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Seal versions that came from elsewhere, after showing what they hold.

    A seal lets a service run the version's estimator, and so all that whoever made it put in.
    """
    if everything == bool(model) or bool(model) != bool(version):
        fail("Say which version: mlops models approve MODEL VERSION, or --all.", Exit.USAGE)
    settings = load_settings()
    signer = signer_of(settings)
    store = factories.model_store(settings, signer)
    with sentences():
        wanted = (
            _unsealed(store) if everything else [(model, decide_version(store, model, version))]
        )
        looked = [_show(store, settings, *names) for names in wanted]
    if not looked:
        notify("Every version is sealed by a publisher that is known here.")
        return
    what = "this version" if len(looked) == 1 else f"these {len(looked)} versions"
    if not yes and not agreed(f"Seal {what}?", "look at what is shown, and say --yes."):
        fail("Nothing was sealed.")
    failed = False
    for each in looked:
        try:
            store.seal(*each)
        except (ModelStoreError, OSError) as error:
            notify(f"mlops: {error}")
            failed = True
        else:
            say(f"Sealed {each.model} {each.version} by key {signer.key.public.id}.")
    if failed:
        raise typer.Exit(Exit.FAILED)


def signer_of(settings: Settings) -> Signer:
    """Return who seals here, or leave with a sentence."""
    secrets = settings.local_data / "secrets"
    try:
        signer = ensure_signer(secrets)
    except (OSError, ModelStoreError) as error:
        fail(f"The publisher's key in {secrets} cannot be used: {error}")
    if factories.publishers(settings).find(signer.key.public.id) is None:
        fail(
            f"The key in {secrets} was revoked, and no service would accept its seals: make a new "
            "one with `mlops publishers rotate`."
        )
    return signer


def _unsealed(store: FileModelStore) -> list[tuple[str, str]]:
    return [
        (model, version)
        for model in store.models()
        for version in store.versions(model)
        if not seal.counts(store.version_folder(model, version), store.policy.publishers)
    ]


def _show(store: FileModelStore, settings: Settings, model: str, version: str) -> Looked:
    """Show what a version holds; what is shown here is what is sealed later."""
    folder = store.version_folder(model, version)
    manifest, contents, digest = bundle.read_all(folder, model, version)
    stored = contents[bundle.ESTIMATOR_FILES[manifest.estimator]]
    types = types_held(stored, manifest.estimator)
    facts = {
        "sealed by": sealed_by(store, model, version) or "nobody known",
        "created": f"{manifest.created}, run {manifest.origin.run or 'unknown'}",
        "format": manifest.estimator,
        "types": ", ".join(types) or "only such as skops trusts",
        "modules": ", ".join(manifest.requires) or "none of yours",
        "compiled": "yes" if manifest.compiled else f"no. {manifest.not_compiled}",
        "scores": _scores(manifest),
        "estimator": f"{len(stored):,} bytes, SHA-256 {hashlib.sha256(stored).hexdigest()}",
    }
    say(f"{model} {version}")
    for name, fact in facts.items():
        say(f"  {name:<10} {fact}")
    if manifest.estimator == "pickle":
        say("  A pickle runs whatever is in it: only its maker can vouch for it.")
    foreign = set(modules_held(types)) - set(settings.model_trusted_types)
    if foreign and manifest.estimator == "skops":
        say("  Beside the seal, MODEL_TRUSTED_TYPES must name those of other packages.")
    return Looked(model, version, digest)


def _scores(manifest: Manifest) -> str:
    found = [
        f"{shown(s.metric, 0)[0]} {measured(s.metric, s.value)}"
        for s in manifest.scores
        if s.split == "test"
    ]
    return ", ".join(found) or "none"
