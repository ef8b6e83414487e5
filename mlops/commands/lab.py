"""`mlops lab`: JupyterLab on the notebooks, whose kernel has what a run has."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import SecretStr

from api.server.listening import AddressError, listen
from mlops.commands.settings import load_settings
from mlops.console import fail, notify
from mlops.process.address import local_address
from mlops.process.git_filter import install_git_filter
from mlops.process.private_files import as_given
from mlops.process.secret_files import ensure_secret
from mlops.process.threads import threads_for_training
from settings.settings import Settings
from settings.sources import PROJECT_ROOT

TOKEN = "jupyter_token"  # noqa: S105 - the name of a file

ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]


def lab(host: Host = "127.0.0.1", port: Port = 8888) -> None:
    """Work in the notebooks, in JupyterLab; its token is made at the first start."""
    settings = load_settings()
    if find_spec("jupyterlab") is None:
        fail("JupyterLab is not installed here: use `make lab`, or the image of all modes.")
    try:
        # Jupyter would report a taken port on ten lines.
        with listen(host, port) as listener:
            port = listener.getsockname()[1]
    except AddressError:
        fail(f"Cannot listen on {host}:{port}. Stop what uses the port, or say another: --port.")
    secrets = settings.local_data / "secrets"
    try:
        token = ensure_secret(secrets, TOKEN)
    except OSError as error:
        fail(f"{secrets} cannot be written ({error.strerror}): set LOCAL_DATA to another folder.")
    _ask_for_no_news(settings.local_data)
    # What is saved here belongs to the checkout; kernels make a run's files private themselves.
    as_given()
    install_git_filter()
    notify(_welcome(host, port, secrets / TOKEN))
    with threads_for_training():
        _become([sys.executable, "-m", "jupyterlab", *options(host, port)], settings, token)


def _ask_for_no_news(local_data: Path) -> None:
    """Let JupyterLab not even ask whether to fetch news."""
    page = local_data / "jupyter" / "labconfig" / "page_config.json"
    if not page.exists():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(json.dumps({"disabledExtensions": {ANNOUNCEMENTS: True}}), "utf-8")


def options(host: str, port: int) -> list[str]:
    """Return JupyterLab's options."""
    values = {
        "ServerApp.ip": host,
        "ServerApp.port": port,
        # Another port would not be the one that was shown.
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        # It only warns of root, whose choice that was.
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": PROJECT_ROOT,
        "ContentsManager.allow_hidden": False,
        "KernelSpecManager.allowed_kernelspecs": "python3",
        "LabApp.default_url": "/lab/tree/ml_pipe",
        # Nothing is fetched: neither news, nor what is newest, nor lists of extensions.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    return [f"--{name}={value}" for name, value in values.items()]


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of JupyterLab, and so of its kernels: that of a run's kernels.

    But for `MPLBACKEND`: who works here wants to see a figure that a run has no screen for.
    """
    # Somebody's own Jupyter may have other kernels, another password, or no token.
    own = {k: v for k, v in _given(settings).items() if not k.startswith("JUPYTER")}
    jupyter = str(settings.local_data.resolve() / "jupyter")
    return {
        **own,
        "JUPYTER_CONFIG_DIR": jupyter,
        "JUPYTER_DATA_DIR": jupyter,
        # A path from here would be another one from the notebooks' folder.
        "LOCAL_DATA": str(settings.local_data.resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), own.get("PYTHONPATH")])),
    }


def _given(settings: Settings) -> dict[str, str]:
    """Return what of this environment a notebook may have: the settings among it, no secret."""
    from ml_pipe.runner.run.environment import kernel_environment  # noqa: PLC0415 - only this needs it

    fields = type(settings).model_fields.items()
    public = {name.upper() for name, field in fields if field.annotation is not SecretStr}
    return kernel_environment(os.environ, {*public, *settings.train_variables})


def _become(command: list[str], settings: Settings, token: str) -> NoReturn:
    """Replace this process by Jupyter, which reads its token from a pipe.

    Kernels inherit the environment, and one day a notebook that shows it is published.
    """
    reading, writing = os.pipe()
    os.write(writing, token.encode())
    os.close(writing)
    os.set_inheritable(reading, True)
    variables = environment(settings) | {"JUPYTER_TOKEN_FILE": f"/dev/fd/{reading}"}
    os.execvpe(command[0], command, variables)  # noqa: S606 - our own interpreter and words


def _welcome(host: str, port: int, token: Path) -> str:
    """Return the text on where the notebooks are, and where the token is."""
    return (
        "\nJupyterLab on the notebooks of ml_pipe\n\n"
        f"  address   {local_address(host, port)}/lab/tree/ml_pipe\n"
        f"  token     cat {token}\n"
        "  stop      Ctrl-C, twice\n"
    )
