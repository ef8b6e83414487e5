"""`mlops models`: what is in the model store, and which version answers."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, NamedTuple

import msgspec
import typer

from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, notify, on_one_line, print_json, print_table, say
from model_store.errors import ModelStoreError, NotFoundError, RefusedError
from model_store.file_store import FileModelStore
from model_store.manifest import measured, shown
from model_store.seals import seal
from model_store.store import ModelStore
from settings import factories

app = typer.Typer(no_args_is_help=True, help="List, show, check, promote and roll back models.")

Model = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[str, typer.Argument(help="The version's id, or an alias such as champion.")]
Alias = Annotated[str, typer.Option(help="The alias to move; `champion` answers.")]
Reason = Annotated[str, typer.Option(help="The reason; it is stored in the alias's history.")]


class VersionRow(NamedTuple):
    """A version, as it is listed."""

    model: str
    version: str
    aliases: list[str]
    created: str
    scores: dict[str, float]
    """On test data, by metric."""
    compiled: bool
    sealed: str
    """Who sealed it, and when; empty: nobody."""
    refused: str
    """Why its manifest cannot be read; usually empty."""


def open_store() -> FileModelStore:
    """Return the store that the settings name."""
    return factories.model_store(load_settings())


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the store's errors into a sentence and an exit code."""
    try:
        yield
    except NotFoundError as error:
        fail(str(error), Exit.NOT_FOUND)
    except ModelStoreError as error:
        fail(str(error))
    except UnicodeEncodeError:
        fail("Names and reasons must be UTF-8 text.", Exit.USAGE)
    except OSError as error:
        fail(f"The model store cannot be read or written ({error}).")


@app.command("list")
def list_models(*, as_json: JsonOption = False) -> None:
    """List every version of every model, the newest last, with the score that decides."""
    store = open_store()
    with sentences():
        rows = [
            _version_row(store, model, version)
            for model in store.models()
            for version in store.versions(model)
        ]
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    # A table for each model: with its name in a column, the table would be too wide for a terminal.
    for name, versions in itertools.groupby(rows, key=lambda row: row.model):
        print_table(
            ["Version", "Aliases", "Form", "Test score"],
            [
                (
                    f"{row.version}\n{_sealed_shortly(row.sealed)}",
                    "\n".join(row.aliases),
                    "compiled" if row.compiled else "estimator",
                    row.refused or _deciding(row.scores),
                )
                for row in versions
            ],
            title=name,
        )


@app.command()
def show(model: Model, version: Version = "champion", *, as_json: JsonOption = False) -> None:
    """Show a version: its manifest with --json, else its card and the moves of its aliases."""
    store = open_store()
    with sentences():
        version = decide_version(store, model, version)
        manifest = store.manifest(model, version)
        if as_json:
            print_json(msgspec.to_builtins(manifest))
            return
        say(store.card(model, version))
        if manifest.not_compiled:
            say(f"It has no compiled form. {manifest.not_compiled}")
        # Two ids and a reason beside each other are too wide for a terminal.
        say(f"\nSealed by: {sealed_by(store, model, version) or 'nobody'}")
        say("\nMoves of the aliases")
        for move in store.aliases(model).history:
            say(f"  {move.time}  {move.alias} to {move.target}")
            before = f"before: {move.source}" if move.source else ""
            by = f"by {move.who}" if move.who else ""
            for line in filter(None, [before, by, move.reason]):
                say(f"    {on_one_line(line)}")


@app.command()
def promote(
    model: Model, version: Version, *, alias: Alias = "champion", reason: Reason = ""
) -> None:
    """Give an alias to a version. The running service follows within seconds."""
    store = open_store()
    with sentences():
        version = decide_version(store, model, version)
        store.promote(model, version, alias=alias, reason=reason)
        refusal = unserved(store, model, version)
    say(f"{alias} of {model} is {version} now.")
    if refusal:
        notify(f"It is not served before it is sealed. {refusal}")


@app.command()
def rollback(model: Model, *, alias: Alias = "champion", reason: Reason = "") -> None:
    """Give an alias back to the version that had it before."""
    store = open_store()
    with sentences():
        store.rollback(model, alias=alias, reason=reason)
        version = store.aliases(model).current[alias]
    say(f"{alias} of {model} is {version} again.")


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="One model; all, if left out.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Load each form of every version with every check. The exit code is 1 if one is refused."""
    store = open_store()
    with sentences():
        findings = [
            {"model": name, "version": version, "refused": _refusal(store, name, version)}
            for name in ([model] if model else store.models())
            for version in store.versions(name)
        ]
    if as_json:
        print_json(findings)
    else:
        rows = [(f["model"], f["version"], f["refused"] or "verified") for f in findings]
        print_table(["Model", "Version", "Verdict"], rows)
    if any(finding["refused"] for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _deciding(scores: Mapping[str, float]) -> str:
    """Return the first score, which decides; `show` has the others."""
    for name, score in scores.items():
        return f"{shown(name, 0)[0].replace('_', ' ')}\n{measured(name, score)}"
    return ""


def decide_version(store: ModelStore, model: str, version: str) -> str:
    """Return the version that is named by its id or by an alias."""
    return store.aliases(model).current.get(version, version)


def _refusal(store: ModelStore, model: str, version: str) -> str:
    try:
        store.verify(model, version)
    except ModelStoreError as error:
        return str(error)
    return ""


def sealed_by(store: FileModelStore, model: str, version: str) -> str:
    """Return who sealed a version, a phrase; empty where nobody did."""
    return seal.state(store.version_folder(model, version), store.policy.publishers)


def _sealed_shortly(sealed: str) -> str:
    """Return who sealed a version and on which day; `show` has the rest."""
    who, time, *_ = [*sealed.split(", "), ""]
    return f"sealed by {who or 'nobody'} {time[:10]}".rstrip()


def unserved(store: FileModelStore, model: str, version: str) -> str:
    """Return why a version is not served before somebody seals it, sentences; usually empty."""
    manifest = store.manifest(model, version)
    if manifest.compiled:
        return ""
    try:
        seal.check(store.version_folder(model, version), manifest, store.policy.publishers)
    except RefusedError as error:
        return str(error)
    return ""


def _version_row(store: FileModelStore, model: str, version: str) -> VersionRow:
    aliases: list[str] = []
    try:
        aliases += [a for a, v in store.aliases(model).current.items() if v == version]
        manifest = store.manifest(model, version)
    except ModelStoreError as error:
        return VersionRow(
            model, version, aliases, "", {}, compiled=False, sealed="", refused=str(error)
        )
    scores = {s.metric: s.value for s in manifest.scores if s.split == "test"}
    is_compiled = manifest.compiled is not None
    return VersionRow(
        model,
        version,
        aliases,
        manifest.created,
        scores,
        compiled=is_compiled,
        sealed=sealed_by(store, model, version),
        refused="",
    )
