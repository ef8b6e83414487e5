"""`mlops serve`: from an empty folder, or a table, to a running service in one command."""

import gc
import json
import os
import shlex
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, cast

import typer
from pydantic import SecretStr

from api.server import signals
from api.server.listening import AddressError, listen
from mlops.commands.first_training import (
    Listener,
    Trained,
    begin_anew,
    inherited,
    train_first,
)
from mlops.commands.models import sentences
from mlops.commands.settings import load_settings
from mlops.commands.train import CANNOT_TRAIN, Parameters, can_train
from mlops.console import Exit, fail, notify
from mlops.process.address import local_address
from mlops.process.file_limits import raise_file_limit
from mlops.process.git_revision import with_git_revision
from mlops.process.private_files import close_folders
from mlops.process.publisher_key import ensure_signer, has_keys
from mlops.process.secret_files import copy_secret, ensure_secret
from model_store.errors import ModelStoreError
from settings import factories
from settings.settings import Settings

# The service is imported once there is a model: a training that comes first needs the memory.
if TYPE_CHECKING:
    from api.state import State

STANDARD_OUTPUT = 1
_MOST_SHOWN = 4_000
"""Characters of a row that the welcome shows."""
NOT_STARTED = "The service could not start: see the events above."

Data = Annotated[
    Path | None, typer.Option(help="A table to train on first: a file, or a folder of parts.")
]
Target = Annotated[str, typer.Option(help="The column of the table to predict.")]
Task = Annotated[
    Literal["", "classification", "regression"],
    typer.Option(help="What to train; recognised from the target if left out."),
]


def serve(  # noqa: PLR0913 - the last two are between this program and itself
    data: Data = None,
    target: Target = "",
    task: Task = "",
    parameter: Parameters = None,
    *,
    listener: Listener = None,
    trained: Trained = None,
) -> None:
    """Serve the models of the store; train one first if it is empty, or if a table is given."""
    # Until the server handles them: as process 1 of a container we would not be stopped otherwise.
    ending = tuple(set(signals.STOPPING) - {signal.SIGINT})
    idle = signals.RELOADING + signals.SURVIVED
    signals.handle({ending: lambda *_: sys.exit(Exit.DONE), idle: None})
    settings = load_settings()
    raise_file_limit()
    # The address comes first: who cannot have it shall not wait for a training.
    with _listening(settings) if listener is None else inherited(listener) as address:
        if trained is None and _is_to_train(settings, data, target):
            begin_anew(address, _trained(settings, data, target, task, parameter or []))
        settings = settings.model_copy(update={"model_name": trained or settings.model_name})
        _refuse_ambiguous(settings)
        settings = with_git_revision(with_secrets(settings))
        # Loading a model imports its libraries; see `mlops.__main__`.
        gc.disable()
        run = _run_workers if settings.service_workers > 1 else _run_alone
        if refusal := run(settings, address, address.getsockname()[1]):
            fail(refusal)


def _listening(settings: Settings) -> socket.socket:
    try:
        return listen(settings.service_host, settings.service_port)
    except AddressError as error:
        fail(str(error))


def _run_alone(settings: Settings, listener: socket.socket, port: int) -> str:
    """Serve from this process; return why that could not start, usually an empty text."""
    from api.app import create_app  # noqa: PLC0415
    from api.observe.structured_log import (  # noqa: PLC0415
        BackgroundStream,
        make_structured_log,
    )
    from api.server.server import run as run_server  # noqa: PLC0415

    def ready(state: "State") -> None:
        # What is here now stays, and need not be looked through again.
        gc.freeze()
        gc.enable()
        notify(_welcome(state, port))
        state.reloader.call_when_loaded(lambda: notify(_welcome(state, port)))

    with closing(BackgroundStream(STANDARD_OUTPUT)) as stream:
        events = make_structured_log(settings.service_event_level, cast("BinaryIO", stream))
        app = create_app(settings, events=events)
        ran = run_server(app, listener, settings, events, ready)
    return "" if ran else app.state.refusal or NOT_STARTED


def _run_workers(settings: Settings, listener: socket.socket, port: int) -> str:
    """Serve from several processes; return why that could not start, usually an empty text."""
    # Of no cost where one process does it all.
    from workers.service import run_workers  # noqa: PLC0415

    return run_workers(settings, listener, lambda state: _welcome(state, port), notify)


def _is_to_train(settings: Settings, data: Path | None, target: str) -> bool:
    """Return whether a training comes first: of a table, or because nothing is there to serve."""
    if bool(data) != bool(target):
        fail("A table and its target go together: DATA=table.csv TARGET=column.", Exit.USAGE)
    if data:
        return True
    with sentences():
        if factories.model_store(settings).models() or settings.train_if_empty in {"", "none"}:
            return False
    if not can_train():
        notify(f"The model store is empty. {CANNOT_TRAIN} Publish one into {settings.local_data}.")
        return False
    return True


def _trained(
    settings: Settings, data: Path | None, target: str, task: str, given: list[str]
) -> str:
    """Return the name of a model that is there now; empty where the store's own name is enough."""
    if data:
        return train_first(settings, data, target, task, given)
    notify(f"The model store is empty: training {settings.train_if_empty} first.")
    try:
        train_first(settings, data, target, task, given)
    except typer.Exit:
        # It said why. Ending here, a container that restarts would train again without end.
        notify(
            "The training failed, see above. The next start trains again; a model that is "
            "published meanwhile is served at once."
        )
    return ""


def with_secrets(settings: Settings) -> Settings:
    """Return the settings with the passwords that nobody chose, made and kept in files."""
    wanted = ["metrics_password", "admin_password"]
    if settings.log_personal_fields or settings.log_predictions == "hashed":
        wanted.append("log_key")
    folder = settings.local_data / "secrets"
    made: dict[str, SecretStr] = {}
    for name in wanted:
        if getattr(settings, name).get_secret_value():
            continue
        try:
            made[name] = SecretStr(ensure_secret(folder, name))
        except OSError as error:
            # Without a password its role stays closed, which is safe; without a key nothing is.
            if name == "log_key":
                fail(f"{folder} cannot be written ({error.strerror}): set LOG_KEY to a secret.")
            notify(f"{folder} cannot be written ({error.strerror}): {name.upper()} stays unset.")
    settings = settings.model_copy(update=made)
    ensure_publisher(settings)
    close_folders(settings.local_data)
    if copy := settings.metrics_password_copy:
        try:
            copy_secret(settings.metrics_password.get_secret_value(), copy)
        except OSError as error:
            notify(f"{copy} cannot be written ({error.strerror}): Prometheus will be refused.")
    return settings


def ensure_publisher(settings: Settings) -> None:
    """Make the key that seals what is published here, unless it is there or others seal."""
    folder = settings.local_data / "secrets"
    if not settings.model_seal or has_keys(folder):
        return
    try:
        ensure_signer(folder)
    except (OSError, ModelStoreError) as error:
        notify(f"The publisher's key in {folder} cannot be used ({error}): nothing is sealed here.")


def _refuse_ambiguous(settings: Settings) -> None:
    with sentences():
        models = factories.model_store(settings).models()
    if settings.model_name or len(models) < 2:  # noqa: PLR2004 - which of two?
        return
    fail(
        f"The store holds {', '.join(models)}. Say which one /predict answers with: "
        f"MODEL_NAME={models[0]} make serve.",
        Exit.USAGE,
    )


def _welcome(state: "State", port: int) -> str:
    """Return the text on where the service is, with a request to try."""
    from api.openapi import example_rows  # noqa: PLC0415

    settings, loaded_models = state.settings, state.reloader.loaded_models
    address = local_address(settings.service_host, port)
    if missing := loaded_models.missing():
        return f"Serving on {address}, but nothing can be predicted yet. {missing}"
    served = loaded_models.resolve()
    manifest = served.manifest
    rows = json.dumps(example_rows(served.shown), ensure_ascii=False)
    if len(rows) > _MOST_SHOWN:
        # As of a picture: nobody would copy it.
        rows = "@rows.json"
    predict = f"curl {address}/predict"
    if not settings.predict_is_open:
        predict = f"curl -u {settings.predict_username} {address}/predict"
        if not settings.predict_password.get_secret_value():
            predict = f"(closed: set PREDICT_PASSWORD)  {predict}"
    show = f"cat {shlex.quote(str(settings.local_data / 'secrets' / 'metrics_password'))}"
    if settings.mode == "api":
        show = "docker-compose exec -T service cat local_data/secrets/metrics_password"
    # A password that somebody chose is theirs to know; it is not shown, and nor is where it is.
    password = "" if "METRICS_PASSWORD" in os.environ else f":$({show})"
    return (
        f"\nServing {manifest.model} {manifest.version}\n\n"
        f"  address   {address}\n"
        f"  docs      {address}/docs\n"
        f"  metrics   curl -u {settings.metrics_username}{password} {address}/metrics\n"
        f"  predict   {predict} -H 'Content-Type: application/json' -d {shlex.quote(rows)}\n"
        f"  stop      Ctrl-C\n"
    )
