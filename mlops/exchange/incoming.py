"""What `mlops models import` does: with a bundle, and with a model's own file."""

import os
from pathlib import Path
from typing import NamedTuple

from ml_pipe.runner.run.environment import kernel_environment
from ml_pipe.runner.run.model_name import model_name
from mlops.commands.models import sentences, unserved
from mlops.commands.run_context import run_context
from mlops.console import Exit, agreed, fail, notify, say
from mlops.exchange.files.arrival import adopt
from mlops.exchange.files.parcel import is_parcel, unpack
from mlops.exchange.files.pickled_names import names_in_pickle
from mlops.exchange.files.recognition import Form, Found, recognised
from mlops.exchange.importing import ask
from mlops.exchange.question import Question
from mlops.sealing.approve import signer_of
from model_store.aliases import CHAMPION
from model_store.file_store import FileModelStore
from model_store.names import checked_name
from settings import factories
from settings.settings import Settings


class Wanted(NamedTuple):
    """What a person asks for: the command's options."""

    file: Path
    examples: Path | None
    target: str
    model: str
    task: str
    labels: str
    output: str
    scores: str
    alias: str
    parameters: list[str]
    approve: bool
    accept_guessing: bool


def take_in(settings: Settings, wanted: Wanted) -> None:
    """Store what came from elsewhere, or leave with a sentence."""
    if is_parcel(wanted.file):
        _adopt(settings, wanted.file, wanted.alias)
        return
    with sentences():
        found = recognised(wanted.file)
    question = _question(settings, wanted, found)
    _import(settings, question, wanted.alias, f"imported from {wanted.file.name}")


def _question(settings: Settings, wanted: Wanted, found: Found) -> Question:
    """Return what the process of an import is to do, or leave with a sentence."""
    if wanted.examples is None or not wanted.target:
        fail(
            "Say by which rows to check it, and what it predicts: --examples TABLE --target NAME.",
            Exit.USAGE,
        )
    if not wanted.examples.exists():
        fail(f"There is no {wanted.examples}.", Exit.NOT_FOUND)
    return Question(
        form=found.form,
        file=str(found.path.resolve()),
        types=dict(found.types),
        examples=str(wanted.examples.resolve()),
        target=wanted.target,
        model=wanted.model or model_name(wanted.file),
        task=wanted.task,
        labels=[each.strip() for each in wanted.labels.split(",") if each.strip()],
        output=wanted.output,
        scores=wanted.scores,
        reading=_given(wanted.parameters),
        approved=wanted.approve or (found.form is Form.PICKLE and _agreed(found.path)),
        accept_guessing=wanted.accept_guessing,
        context=run_context(settings),
    )


def _import(settings: Settings, question: Question, alias: str, reason: str) -> None:
    """Let a process of its own publish a model; then seal it and give it its alias, here."""
    with sentences():
        checked_name("model", question.model)
        answer = ask(
            question,
            kernel_environment(os.environ, settings.train_variables)
            | {"LOCAL_DATA": str(settings.local_data.resolve())},
            settings.train_cell_timeout_seconds,
        )
        say(f"{question.model} {answer.version}")
        say(answer.text)
        signer = signer_of(settings) if question.approved and settings.model_seal else None
        store = factories.model_store(settings, signer)
        if signer:
            store.seal(question.model, answer.version, answer.manifest)
        _give_alias(store, question.model, answer.version, alias, reason)


def _agreed(file: Path) -> bool:
    """Ask whether a pickle may run, after showing what it names."""
    say(f"{file} is a pickle, which runs whatever is in it. It names:")
    say(f"  {', '.join(names_in_pickle(file.read_bytes())) or 'nothing that can be shown'}")
    if not agreed("Do you trust whoever made it?", "look at what is shown, and say --approve."):
        fail("Nothing was imported.")
    return True


def _given(parameters: list[str]) -> dict[str, str]:
    if odd := [each for each in parameters if "=" not in each]:
        fail(f"-p {odd[0]}: write NAME=VALUE.", Exit.USAGE)
    return dict(each.split("=", 1) for each in parameters)


def _adopt(settings: Settings, file: Path, alias: str) -> None:
    """Store what was exported elsewhere."""
    store = factories.model_store(settings)
    with sentences():
        parcel = unpack(file)
        is_new = adopt(settings.local_data / "models", store.policy, parcel)
        name, version = parcel.model, parcel.version
        say(f"{name} {version} {'is imported' if is_new else 'was here already'}.")
        _give_alias(store, name, version, alias, f"imported from {file.name}")


def _give_alias(store: FileModelStore, model: str, version: str, alias: str, reason: str) -> None:
    """Let an alias point to a version: the one that is named, or `champion` where there is none."""
    champion = store.aliases(model).current.get(CHAMPION)
    chosen = alias or ("" if champion else CHAMPION)
    if chosen:
        store.promote(model, version, chosen, reason=reason)
        say(f"{chosen} of {model} is {version} now.")
    elif champion != version:
        say(f"{CHAMPION} stays {champion}. To let the new one answer:")
        say(f"  mlops models promote {model} {version}")
    if refusal := unserved(store, model, version):
        notify(f"It is not served before it is sealed. {refusal}")
