"""`mlops publishers`: the keys whose seals count here, and this machine's own."""

from pathlib import Path
from typing import Annotated

import typer

from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, print_json, print_table, say
from mlops.process.publisher_key import ensure_signer, rotate, trust
from model_store import files
from model_store.errors import ModelStoreError
from model_store.seals.keys import PublicKey
from settings import factories

app = typer.Typer(no_args_is_help=True, help="List, add, rotate and revoke publishers' keys.")

KeyId = Annotated[str, typer.Argument(help="A key's id, as `mlops publishers list` shows it.")]


@app.command("list")
def list_publishers(*, as_json: JsonOption = False) -> None:
    """List the keys whose seals count here; the one that seals here is made if there is none."""
    settings = load_settings()
    try:
        own = ensure_signer(settings.local_data / "secrets").key.public.id
    except (OSError, ModelStoreError):
        # A service may hold public halves alone.
        own = ""
    rows = [
        {"key": key_id, "own": key_id == own} for key_id in factories.publishers(settings).all()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(["Key", "Seals here"], [(str(r["key"]), "yes" if r["own"] else "") for r in rows])


@app.command()
def show(key: KeyId) -> None:
    """Print the public half of a key in PEM, for other services."""
    found = factories.publishers(load_settings()).find(key)
    if found is None:
        fail(f"The key {key} is not known here.", Exit.NOT_FOUND)
    say(found.text().rstrip())


@app.command("trust")
def trust_key(
    file: Annotated[Path, typer.Argument(help="The public half of a publisher's key, in PEM.")],
) -> None:
    """Let the seals of another publisher count here; a running service follows at once."""
    try:
        key = PublicKey.of_text(files.read(file))
        trust(load_settings().local_data / "secrets", key)
    except (OSError, ModelStoreError) as error:
        fail(f"{file} cannot be added: {error}")
    say(f"Seals by key {key.id} count now.")


@app.command("rotate")
def rotate_key() -> None:
    """Make a new key that seals here from now on; what the old one sealed stays valid."""
    secrets = load_settings().local_data / "secrets"
    try:
        signer = rotate(secrets)
    except OSError as error:
        fail(f"{secrets} cannot be written ({error.strerror}).")
    say(f"Key {signer.key.public.id} seals here from now on. The one before is known until you")
    say("revoke it: `mlops publishers revoke KEY`.")


@app.command()
def revoke(key: KeyId) -> None:
    """Let the seals of a key count no more. What a running service has loaded, answers on."""
    settings = load_settings()
    known = factories.publishers(settings)
    if known.find(key) is None:
        fail(f"The key {key} is not known here.", Exit.NOT_FOUND)
    try:
        for path in known.paths():
            if PublicKey.of_text(files.read(path)).id == key:
                path.unlink()
    except (OSError, ModelStoreError) as error:
        fail(f"{known.folder} cannot be changed: {error}")
    say(f"Seals by key {key} count no more. Restart a running service: it keeps what it loaded.")
