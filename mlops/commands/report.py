"""`mlops report`: a period of the prediction log as one HTML page that needs no network."""

import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from mlops.commands.settings import load_settings
from mlops.console import Exit, fail, notify, say
from mlops.report.evidently_pages import (
    NOT_INSTALLED,
    EvidentlyError,
    is_installed,
    make_page,
    page_beside,
)
from mlops.report.page.findings import Asked, Findings, Limits
from mlops.report.page.page import report_page
from mlops.report.version_findings import FindingsReader
from model_store.errors import ModelStoreError
from model_store.store import ModelStore
from monitoring.criteria import thresholds
from monitoring.log.errors import LogUnavailableError
from monitoring.log.reading.reader import LogReader, Total
from monitoring.log.reading.traffic import read_traffic
from monitoring.log.timestamps import utc_now
from monitoring.report_folder import ReportFolder
from settings import factories
from settings.settings import Settings

MOST_VERSIONS = 10
"""Maximum number of versions with a section, those that answered last: a page stays readable."""

Since = Annotated[
    str,
    typer.Option(help="Start of the period: 2026-11-21 or 2026-11-21T14:00, in UTC by default."),
]
Until = Annotated[str, typer.Option(help="End of the period, exclusive, in the format of --since.")]
Version = Annotated[str, typer.Option(help="Report on one version, by its id or an alias.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write. Default: <LOCAL_DATA>/reports/<time>.html, which GET /monitoring "
        "shows, or <time>_part.html if an option limits the report.",
    ),
]
WorstRows = Annotated[
    int, typer.Option(min=0, max=100, help="Maximum number of single rows in each table.")
]
Evidently = Annotated[
    bool, typer.Option("--evidently", help="Also write a page of Evidently for each version.")
]


def report(  # noqa: PLR0913 - one parameter for each of the verb's options
    *,
    since: Since = "",
    until: Until = "",
    model: Annotated[str, typer.Option(help="Report on one model. Default: all.")] = "",
    version: Version = "",
    output: Output = None,
    worst_rows: WorstRows = 5,
    evidently: Evidently = False,
) -> None:
    """Write a page on traffic, drift, live scores and the worst rows of a period."""
    settings = load_settings()
    store = factories.model_store(settings)
    asked = Asked(_moment(since), _moment(until), model, version)
    whole = asked == Asked()
    page = output or ReportFolder(settings.local_data).new(utc_now(), whole=whole)
    if evidently and _is_special(page):
        fail(f"{page} is no file: Evidently's pages have no place beside it.", Exit.USAGE)
    try:
        found = find(settings, store, asked, worst_rows)
        write(page, report_page(found))
        say(str(page))
        if evidently and not _with_evidently(settings, found, page):
            raise typer.Exit(Exit.FAILED)
    except LogUnavailableError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{page} cannot be written ({error.strerror}).")


def find(settings: Settings, store: ModelStore, asked: Asked, worst_rows: int) -> Findings:
    """Return what the log and the store hold of what was asked for.

    Raises:
        LogUnavailableError: there is no readable log.
    """
    began, log = time.monotonic(), factories.log_path(settings)
    ledger = LogReader(log).totals()
    versions = _versions(store, ledger, asked)
    traffic = read_traffic(log, asked.since, asked.until, model=asked.model, versions=versions)
    reader = FindingsReader(settings, store, log, worst_rows)
    answered = traffic.versions if traffic else []
    totals = [
        total
        for total in ledger
        if asked.model in {"", total.model} and (not versions or total.version in versions)
    ]
    return Findings(
        made=utc_now(),
        asked=asked,
        limits=Limits(
            drift=thresholds(settings),
            window_rows=settings.window_rows,
            monitoring_rows=settings.monitoring_min_rows,
            personal=frozenset(settings.log_personal_fields),
        ),
        keeps=settings.log_predictions,
        traffic=traffic,
        totals=totals,
        versions=[reader.read(version) for version in answered[:MOST_VERSIONS]],
        more_versions=answered[MOST_VERSIONS:],
        took=timedelta(seconds=time.monotonic() - began),
    )


def write(path: Path, page: str) -> None:
    """Write a page so that nobody finds a half of it, for its owner alone: it shows single rows."""
    # A lone surrogate, which JSON can hold, has no UTF-8.
    content = page.encode(errors="backslashreplace")
    if _is_special(path):
        # A device or a pipe is written to: it must not become a file.
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".report-", delete=False) as beside:
        try:
            beside.write(content)
            beside.close()
            Path(beside.name).replace(path)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise


def _is_special(path: Path) -> bool:
    """Return whether something is there that is no file, as a device, a pipe or a folder."""
    return path.exists() and not path.is_file()


def _with_evidently(settings: Settings, found: Findings, page: Path) -> bool:
    """Write Evidently's pages beside ours; return whether every version has one."""
    if not is_installed():
        notify(f"mlops: {NOT_INSTALLED}")
        return False
    complete = True
    for version in found.versions:
        beside = page_beside(page, version)
        try:
            make_page(settings, factories.log_path(settings), version, beside)
            say(str(beside))
        except EvidentlyError as error:
            notify(f"mlops: {error}")
            complete = False
    return complete


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(f"{text!r} is not a time: write 2026-11-21 or 2026-11-21T14:00.", Exit.USAGE)


def _versions(store: ModelStore, ledger: list[Total], asked: Asked) -> frozenset[str]:
    """Return the versions that a version's id or an alias may stand for; none: all.

    Leaves with a sentence where neither the store nor the log knows what was asked for.
    """
    models = {total.model for total in ledger}
    with contextlib.suppress(ModelStoreError):
        models.update(store.models())
    if asked.model not in {"", *models}:
        fail(f"There is no model {asked.model}; known: {_names(models)}.", Exit.NOT_FOUND)
    if not asked.version:
        return frozenset()
    wanted = models if not asked.model else {asked.model}
    known = {total.version for total in ledger if total.model in wanted}
    found: set[str] = set()
    for model in wanted:
        with contextlib.suppress(ModelStoreError):
            known.update(store.versions(model))
            current = store.aliases(model).current
            known.update(current)
            found.update(filter(None, [current.get(asked.version)]))
    if asked.version not in known:
        fail(f"There is no version {asked.version}; known: {_names(known)}.", Exit.NOT_FOUND)
    return frozenset(found | {asked.version})


def _names(known: set[str]) -> str:
    return ", ".join(sorted(known)) or "none"
