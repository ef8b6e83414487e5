"""`mlops backup` and `mlops restore`: a service's log, models and secrets in one file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mlops.backup.archive import BackupError, Contents, make
from mlops.backup.restoring import damaged_versions
from mlops.backup.restoring import restore as restore_backup
from mlops.commands.models import open_store, sentences
from mlops.commands.settings import load_settings
from mlops.console import JsonOption, fail, notify, print_json, say


def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Write log, models and secrets into one file, verified; the service may run meanwhile.

    The file holds passwords, keys and personal data: keep it as safe as the service itself.
    """
    settings = load_settings()
    with sentences():
        damaged = damaged_versions(open_store())
    try:
        contents = make(settings.local_data, file, _now())
    except BackupError as error:
        fail(str(error))
    if not contents.files:
        file.unlink()
        fail(
            f"{settings.local_data} holds nothing to back up: set LOCAL_DATA to a service's folder."
        )
    _show(f"Backed up and verified in {file}", contents, as_json=as_json)
    if damaged:
        fail(
            f"These versions were damaged before they were backed up: {', '.join(damaged)}. "
            "`mlops restore` refuses them: remove or mend them, and back up again."
        )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `mlops backup` made.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move what is there into a folder beside, first.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore log, models and secrets from a backup, verified; the service must be stopped.

    All of it is restored, or nothing is changed.
    """
    settings = load_settings()
    try:
        contents, kept = restore_backup(
            file, settings.local_data, stamp=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", replace=replace
        )
    except BackupError as error:
        fail(str(error))
    _show(f"Restored into {settings.local_data}", contents, as_json=as_json)
    if kept:
        notify(f"What was there before is in {kept}.")


def _show(what: str, contents: Contents, *, as_json: bool) -> None:
    size = sum(entry.size for entry in contents.files)
    if as_json:
        print_json({"created": contents.created, "files": len(contents.files), "bytes": size})
        return
    say(f"{what}: {len(contents.files)} files, {size:,} bytes, as of {contents.created}.")


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
