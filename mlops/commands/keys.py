"""`mlops keys`: makes, lists and revokes the keys of clients; a running service knows at once."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.auth.key_file import (
    KEY_FILE,
    MAX_KEYS,
    NAME,
    VALID_AT_ONCE,
    Key,
    KeyFileError,
    hash_of,
    id_of,
    new_key_text,
    read_keys,
    write_keys,
)
from api.auth.key_usage import KeyUsage
from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, notify, print_json, print_table, say

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys of clients.")

_SPAN = re.compile(r"([1-9][0-9]{0,5})([dh])")
HEADINGS = ("Id", "Name", "Role", "State", "Last use (UTC)", "Rate", "Rows today")
_HOURS = {"d": 24, "h": 1}

Name = Annotated[str, typer.Argument(help="Whose key it is, as in `shop`.")]


@app.command()
def add(
    name: Name,
    role: Annotated[
        Literal["predict", "metrics", "admin"], typer.Option(help="What the key may do.")
    ],
    expires: Annotated[
        str, typer.Option(help="How long it is valid, as in 90d or 12h; for ever if left out.")
    ] = "",
    requests_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Maximum rate; no limit if left out.")
    ] = None,
    rows_per_day: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of predicted rows a day, in UTC.")
    ] = None,
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    if not NAME.fullmatch(name):
        fail("A name has at most 64 characters: A-Z, a-z, 0-9, _, . and -.", Exit.USAGE)
    now = datetime.now(UTC)
    end = now + _span(expires) if expires else None
    text = new_key_text()
    with _changed() as (path, keys):
        valid = [key for key in keys if key.name == name and key.is_valid(now)]
        if len(valid) >= VALID_AT_ONCE:
            fail(
                f"{name} has {VALID_AT_ONCE} valid keys: revoke one first, with `mlops keys "
                f"revoke {valid[0].id}`."
            )
        # One that opens nothing makes room, the oldest first, and its counts are forgotten.
        gone = sorted((key for key in keys if not key.is_valid(now)), key=lambda key: key.created)
        kept = [key for key in keys if len(keys) < MAX_KEYS or key is not next(iter(gone), None)]
        free = set(range(MAX_KEYS)) - {key.slot for key in kept}
        if not free:
            fail(f"There are {MAX_KEYS} keys, all of them valid: revoke some first.")
        key = Key(
            id=id_of(text),
            name=name,
            role=role,
            hash=hash_of(text),
            slot=min(free),
            created=now,
            expires=end,
            requests_per_second=requests_per_second,
            rows_per_day=rows_per_day,
        )
        write_keys(path, (*kept, key))
    notify(f"The key of {name} for the role {role}, {_validity(key)}. It is not shown again:")
    say(text)
    if role == "predict" and load_settings().predict_is_open:
        notify(
            "/predict was open to callers without credentials. It is closed to them now, unless "
            "PREDICT_OPEN=yes is set."
        )


@app.command("list")
def list_keys(*, as_json: JsonOption = False) -> None:
    """List all keys, with their limits and their last use."""
    settings = load_settings()
    keys = _read(settings.local_data / KEY_FILE)
    usage = KeyUsage(settings.local_data)
    now = datetime.now(UTC)
    rows = []
    for key in keys:
        last = usage.last_use(key)
        rate, rows_today = key.requests_per_second, usage.rows_today(key)
        rows.append(
            {
                "id": key.id,
                "name": key.name,
                "role": key.role,
                "state": _state(key, now),
                "last use (UTC)": f"{last:%Y-%m-%d %H:%M}" if last else "never",
                "rate": f"{rate:g}/s" if rate else "-",
                "rows today": f"{rows_today} of {key.rows_per_day}" if key.rows_per_day else "-",
            }
        )
    usage.close()
    if as_json:
        print_json(rows)
    elif not rows:
        notify("There are no keys: make one with `mlops keys add NAME --role predict`.")
    else:
        print_table(HEADINGS, [[*row.values()] for row in rows])


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="A name, for all its keys, or the id of one key.")],
) -> None:
    """Make keys invalid; a running service refuses them within a second."""
    now = datetime.now(UTC)
    with _changed() as (path, keys):
        chosen = {k.id for k in keys if name in {k.name, k.id} and k.revoked is None}
        if not chosen:
            fail(f"There is no key {name} to revoke: `mlops keys list` shows all.", Exit.NOT_FOUND)
        changed = [
            Key(**{f: getattr(k, f) for f in Key.__struct_fields__} | {"revoked": now})
            if k.id in chosen
            else k
            for k in keys
        ]
        write_keys(path, tuple(changed))
    notify(f"Revoked: {', '.join(sorted(chosen))}.")


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if not found:
        fail("--expires takes a number of days or hours, as in 90d or 12h.", Exit.USAGE)
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def _validity(key: Key) -> str:
    return f"valid until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else "valid for ever"


def _state(key: Key, now: datetime) -> str:
    if key.revoked:
        return f"revoked {key.revoked:%Y-%m-%d}"
    if key.expires:
        return f"{'valid until' if key.is_valid(now) else 'expired'} {key.expires:%Y-%m-%d}"
    return "valid"


def _read(path: Path) -> tuple[Key, ...]:
    try:
        return read_keys(path)
    except KeyFileError as error:
        fail(str(error))


@contextmanager
def _changed() -> Iterator[tuple[Path, tuple[Key, ...]]]:
    """Give the file of keys and what it holds, while nobody else changes it."""
    path = load_settings().local_data / KEY_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(".keys.lock")
        beside.touch(mode=0o600)
        with beside.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path, _read(path)
    except OSError as error:
        fail(f"{path} cannot be written ({error.strerror}): run this as the service's user.")
