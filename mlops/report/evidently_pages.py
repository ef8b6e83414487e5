"""Evidently's own page of each version, beside ours, made in an environment of its own.

Evidently needs an older pandas than the notebooks do, so that one environment cannot hold both. It
compares the rows of the window with the rows that the version was trained on; inputs alone, as
these rows hold true values where a window holds answers.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mlops.report.page.findings import VersionFindings
from mlops.report.page.page import evidently_note
from model_store.manifest import Manifest
from model_store.names import is_name
from monitoring.log.privacy import is_hash
from monitoring.windows.reader import Cursor, WindowReader
from settings.settings import Settings
from settings.sources import PROJECT_ROOT

PYTHON = PROJECT_ROOT / ".evidently" / "bin" / "python"
NOT_INSTALLED = (
    "Evidently is not installed: make its environment with "
    "`requirements/install.sh python3 .evidently evidently` in the project's folder."
)
_SCRIPT = Path(__file__).with_name("evidently_script.py")
_SECONDS = 600.0
# What its page needs and no more: nothing from elsewhere, nothing to elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'"
)


_Rows = Sequence[Mapping[str, Any]]


class EvidentlyError(Exception):
    """Evidently made no page; the sentence says what to do."""


class _Job(NamedTuple):
    """What the script is asked for."""

    reference: str
    current: str
    columns: dict[str, str]
    output: str


def is_installed(python: Path = PYTHON) -> bool:
    """Return whether Evidently's environment was made."""
    return python.exists()


def page_beside(page: Path, found: VersionFindings) -> Path:
    """Return where Evidently's page of a version goes: beside ours, named so that no two clash."""
    return page.with_name(
        f"{page.stem}_evidently_{found.traffic.model}_{found.traffic.version}.html"
    )


def make_page(
    settings: Settings,
    log: Path,
    found: VersionFindings,
    output: Path,
    python: Path = PYTHON,
) -> None:
    """Let Evidently compare a version's newest rows with those that it was trained on.

    A column with too few values for statistics is left out, and the page says so.

    Raises:
        EvidentlyError: it lacks rows, or failed.
        LogUnavailableError: the log cannot be read.
    """
    if found.manifest is None:
        raise EvidentlyError(f"Evidently has no page of {found.name}: it is not in the store.")
    reference = _reference(settings, found.manifest)
    columns = {
        column.name: str(column.kind)
        for column in found.manifest.signature.inputs
        if column.name not in settings.log_personal_fields and column.kind != "array"
    }
    fewest = settings.monitoring_min_rows
    compared, rows = _compared(columns, _rows(settings, log, found), fewest)
    if not compared:
        raise EvidentlyError(
            f"Evidently has no page of {found.name}: none of its inputs has {fewest} values in "
            "clear in the log, the fewest that are published. Try again when more rows are logged "
            "in clear, or for a longer period."
        )
    with tempfile.TemporaryDirectory(prefix="mlops-evidently-") as folder:
        current, job, page = (Path(folder) / name for name in ("rows", "job.json", "page.html"))
        current.write_bytes(msgspec.json.Encoder().encode_lines(rows))
        asked = _Job(str(reference), str(current), compared, str(page))
        job.write_text(json.dumps(asked._asdict()), encoding="utf-8")
        _run(python, job, Path(folder))
        left_out = [name for name in columns if name not in compared]
        _keep(page, output, evidently_note(left_out, fewest) if left_out else "")


def _reference(settings: Settings, manifest: Manifest) -> Path:
    run = manifest.origin.run
    table = settings.local_data / "runs" / run / "development.parquet"
    if not is_name(run) or not table.is_file():
        raise EvidentlyError(
            f"Evidently has no page of {manifest.model} {manifest.version}: it needs the rows that "
            f"the version was trained on, and its run {run or '(unknown)'} is no longer in "
            f"{settings.local_data / 'runs'}. Put its folder back, or train again and keep it."
        )
    return table


def _rows(settings: Settings, log: Path, found: VersionFindings) -> _Rows:
    """Return the inputs of the window's rows."""
    span = found.traffic.span
    look_back = span.last - span.first + 1
    names = (found.traffic.model, found.traffic.version)
    reader = WindowReader(log, *names, look_back=look_back, span=span)
    rows: list[dict[str, Any]] = []
    for request in reader.read(Cursor(), settings.window_rows).requests:
        inputs = msgspec.json.decode(request.inputs)
        rows += inputs if isinstance(inputs, list) else [inputs]
    return rows[-settings.window_rows :]


def _compared(
    columns: Mapping[str, str], rows: _Rows, fewest: int
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the columns with enough values in clear, by name, and the rows without hashes."""
    clear = _with_values(columns, rows, fewest)
    rows = [row for row in rows if not any(is_hash(row.get(name)) for name in clear)]
    # Again, as with a row that is hidden in part its other values went.
    compared = _with_values(clear, rows, fewest)
    return compared, [{name: row.get(name) for name in compared} for row in rows]


def _with_values(columns: Mapping[str, str], rows: _Rows, fewest: int) -> dict[str, str]:
    """Return the columns, with their kinds, of which enough values are present and in clear."""

    def present(name: str) -> int:
        values = (row.get(name) for row in rows)
        return sum(value is not None and not is_hash(value) for value in values)

    return {name: kind for name, kind in columns.items() if present(name) >= fewest}


def _run(python: Path, job: Path, folder: Path) -> None:
    # Of our environment nothing: no credentials, no proxy; and its habit to report home is off.
    environment = {
        "DO_NOT_TRACK": "1",
        "HOME": str(folder),
        "PATH": os.defpath,
        "MPLCONFIGDIR": str(folder),
    }
    command = [str(python), "-I", "-W", "ignore", str(_SCRIPT), str(job)]
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours, with a file that we wrote
            command, env=environment, cwd=folder, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EvidentlyError(f"Evidently took longer than {_SECONDS:g} seconds.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise EvidentlyError(f"Evidently failed: {lines[-1]}")


def _keep(page: Path, output: Path, note: str) -> None:
    """Move a page to its place, with a note, and a policy by which it can load and send nothing."""
    text = page.read_text(encoding="utf-8")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    kept, count = re.subn(r"<head[^>]*>", lambda found: found[0] + meta, text, count=1)
    if not count:
        kept = f"<head>{meta}</head>{text}"
    kept = re.sub(r"<body[^>]*>", lambda found: found[0] + note, kept, count=1)
    output.touch(mode=0o600)
    output.write_text(kept, encoding="utf-8")
