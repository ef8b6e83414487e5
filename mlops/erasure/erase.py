"""`mlops log erase`: a person leaves the log, feedback and run folders; versions are named."""

from typing import Annotated, Any, NamedTuple

import typer

from mlops.commands.models import open_store, sentences
from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, agreed, fail, notify, on_one_line, print_json, say
from mlops.erasure.copies import copies_with
from mlops.erasure.runs import RunsErased, erase_from_runs
from mlops.erasure.versions import HoldingVersion, versions_with
from monitoring.log.errors import LogFormatError, LogUnavailableError
from monitoring.log.options import LogOptions
from monitoring.log.timestamps import utc_now, utc_text
from monitoring.log.writing import erasure
from monitoring.log.writing.erasure import Erased, Finder, Where
from settings import factories
from settings.settings import Settings

_UNASKED = "say --dry-run first, then --yes."


class _Left(NamedTuple):
    """What may still hold the person, to be dealt with by hand."""

    versions: list[HoldingVersion]
    runs: list[str]
    copies: list[str]


def erase(
    where: Annotated[
        list[str], typer.Option(help="Whose rows, as customer=4711; repeated, all must hold.")
    ],
    *,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a person: from log, feedback and runs; the service may run meanwhile.

    Counts stay as they are. The exit code is 1 if something is left to do: versions that hold the
    person are named, to be trained again.
    """
    wheres = _wheres(where)
    settings = load_settings()
    options = _options(settings)
    finder = Finder([Where(*pair) for pair in wheres.items()], options)
    shown = on_one_line(" and ".join(f"{name}={value}" for name, value in wheres.items()))
    if not (dry_run or yes or agreed(f"Erase {shown} for good?", _UNASKED)):
        fail("Nothing was erased.")
    with sentences():
        versions = versions_with(open_store(), finder, wheres)
    try:
        erased = _from_log(settings, finder, wheres, dry=dry_run)
        runs = erase_from_runs(settings.local_data, wheres, dry=dry_run)
        copies = copies_with(settings.local_data, wheres.values())
    except (LogUnavailableError, LogFormatError) as error:
        fail(f"Not all was erased. {error}")
    except (OSError, ValueError) as error:
        fail(f"Not all was erased ({error}): mend that, and erase again.")
    left = _Left(versions, runs.left, copies)
    _show(erased, runs, left, dry=dry_run, as_json=as_json)
    if any(left) or erased.unreadable or not erased.is_purged:
        raise typer.Exit(Exit.FAILED)


def _wheres(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    wheres = {column.strip(): value for column, equals, value in pairs if equals}
    if len(wheres) < len(given) or not all(wheres) or not all(wheres.values()):
        fail("Say whose rows, a column and its value: --where customer=4711.", Exit.USAGE)
    return wheres


def _options(settings: Settings) -> LogOptions:
    """Return the log's options, with the key by which personal values were hashed."""
    hides = bool(settings.log_personal_fields) or settings.log_predictions == "hashed"
    if hides and not settings.log_key.get_secret_value():
        fail(
            "The log hides values by a key that is not here (LOG_KEY, or secrets/log_key): without "
            "it the person cannot be found."
        )
    return factories.log_options(settings)


def _from_log(settings: Settings, finder: Finder, wheres: dict[str, str], *, dry: bool) -> Erased:
    path = factories.log_path(settings)
    if not path.exists():
        return Erased()
    if dry:
        return erasure.count(path, finder)
    detail: dict[str, Any] = {"columns": sorted(wheres)}
    return erasure.erase(path, finder, detail, lambda: utc_text(utc_now()))


def _show(erased: Erased, runs: RunsErased, left: _Left, *, dry: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dry_run": dry,
                "requests": erased.requests,
                "rows": erased.rows,
                "feedback": erased.feedback,
                "purged": erased.is_purged,
                "unreadable_requests": erased.unreadable,
                "run_rows": runs.rows,
                "runs": runs.cleaned,
                "runs_left": left.runs,
                "versions_left": [version._asdict() for version in left.versions],
                "copies_left": left.copies,
            }
        )
        return
    verb = "Would erase" if dry else "Erased"
    say(
        f"{verb} {erased.rows} rows of {erased.requests} requests in the log, "
        f"{erased.feedback} true values, {runs.rows} rows of run folders."
    )
    if runs.cleaned:
        say(f"Outputs and figures of these runs go with them: {', '.join(runs.cleaned)}.")
    if not erased.is_purged:
        notify(
            "A reader keeps the write-ahead log, which still holds what was erased: end it (a "
            "report, an export), and erase again."
        )
    if erased.unreadable:
        notify(f"{erased.unreadable} requests of the log are no JSON: look at them yourself.")
    if left.runs:
        notify(
            "These runs may hold the person where no column tells: remove their folders below "
            f"local_data/runs: {', '.join(left.runs)}."
        )
    for version in left.versions:
        notify(
            f"{version.model} {version.version} holds the person ({version.where}): train again "
            "without them, promote the new version, and remove this one's folder."
        )
    if left.copies:
        notify(f"These may hold the person, remove them: {', '.join(left.copies)}.")
    if not dry:
        say("Backups and exports made before are not reached.")
