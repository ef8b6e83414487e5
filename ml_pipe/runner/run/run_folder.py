"""The folder of a run: where it is, and what one notebook leaves in it for the next."""

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.context import Context, context_by_hand
from ml_pipe.runner.run.outputs import kept_reason
from ml_pipe.runner.run.parameters import Value
from ml_pipe.runner.source.export import PACKAGE
from ml_pipe.runner.summary import Summary

VARIABLE = "ML_PIPE_RUN_FOLDER"
"""The environment variable by which a run hands its folder, and so its `run.json`, to a kernel."""

State = Literal["unfinished", "published", "refused", "failed", "finished"]
"""Refused: by an acceptance test. Finished: published nothing. Unfinished: running or killed."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run."""

    state: State = "unfinished"
    reason: str = ""
    """Why nothing was published, a sentence."""
    version: str = ""
    seconds: float = 0.0
    summary: Summary | None = None
    """None where the run ended before the model was scored."""


DOING = "doing.txt"
"""Holds what a cell is at while a run lasts."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What is run, and what came of it: `run.json` in its folder, written first and last."""

    run: str
    pipeline: str
    notebooks: dict[str, str]
    """SHA-256 of each notebook as git keeps it, by file name."""
    parameters: dict[str, Value]
    context: Context
    outcome: Outcome = Outcome()


@dataclass(frozen=True)
class RunReport:
    """What came of a run."""

    run_id: str
    folder: Path
    model: str
    version: str | None
    """None where the notebooks published nothing."""
    summary: str = ""
    """What was published, how good it is, and what to do next: some sentences."""


def run_in(folder: Path) -> Run:
    """Return what is run in a folder.

    Raises:
        PipelineError: it is no folder of a run.
    """
    try:
        return msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
    except (OSError, msgspec.MsgspecError) as error:
        raise PipelineError(f'"{folder}" is no folder of a run: unset {VARIABLE}.') from error


def is_by_hand() -> bool:
    """Return whether nobody but a person runs this notebook."""
    return not os.environ.get(VARIABLE)


def run_context(*, fresh: bool = False) -> Context:
    """Return the context of this run; fresh: by hand, with what git says now."""
    if is_by_hand():
        return context_by_hand(fresh=fresh)
    return run_in(Path(os.environ[VARIABLE])).context


def current_folder() -> Path:
    """Return the folder of this run, made if need be; by hand each pipeline has one."""
    if is_by_hand():
        here = Path.cwd()
        name = "by-hand" if here == PACKAGE else f"by-hand_{_safe(here.name)}"
        folder = Path(run_context().local_data) / "runs" / name
    else:
        folder = Path(os.environ[VARIABLE])
    make_private(folder)
    return folder


def new_run_folder(local_data: Path, pipeline: str, now: datetime) -> Path:
    """Return a new folder for a run, named by time and pipeline; runs of one second both have one.

    Raises:
        PipelineError: the folder cannot be made.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}_{_safe(pipeline)}"
    number = 1
    while True:
        folder = local_data / "runs" / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            make_private(folder)
        except FileExistsError:
            if not folder.is_dir():
                raise PipelineError(f'"{folder.parent}" is no folder: move it away.') from None
            number += 1
        except OSError as error:
            raise PipelineError(
                f'"{folder}" cannot be made ({error.strerror}): make "{local_data}" writable, or '
                "set LOCAL_DATA to a folder that is."
            ) from error
        else:
            return folder


def make_private(folder: Path) -> None:
    """Make a run's folder what only its user can read: it holds the table in clear.

    From here on, that holds for all that this process writes, whatever a notebook does.
    """
    os.umask(0o077)
    for each in (folder.parent, folder, folder / "figures"):
        each.mkdir(parents=True, exist_ok=True)
        # Made by an earlier version, or where the umask was another one.
        if each.stat().st_mode & 0o777 == 0o755:  # noqa: PLR2004 - the usual mode
            with contextlib.suppress(OSError):
                each.chmod(0o700)


def write_run(folder: Path, run: Run) -> None:
    """Write `run.json`, by replacing it."""
    beside = folder / "run.json.part"
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    beside.replace(folder / "run.json")


@contextlib.contextmanager
def recorded(folder: Path, run: Run) -> Iterator[None]:
    """Write `run.json` now, and once more with what came of the run, also of one that fails."""
    write_run(folder, run)
    began = time.monotonic()
    state: State = "failed"
    reason = "It was stopped."
    try:
        yield
        state, reason = "finished", ""
    except Exception as error:
        reason = str(error)
        state = "refused" if getattr(error, "is_refusal", False) else "failed"
        if state == "failed":
            reason = kept_reason(folder, reason, run.context.personal_fields)
        raise
    finally:
        with contextlib.suppress(OSError):
            # What the last cell was at is of no use any more.
            (folder / DOING).unlink(missing_ok=True)
        version = report_of(folder).version or ""
        outcome = Outcome(
            state="published" if version and state == "finished" else state,
            reason=reason,
            version=version,
            seconds=round(time.monotonic() - began, 1),
            summary=summary_in(folder),
        )
        with contextlib.suppress(OSError):  # a full disk must not hide why the run failed
            write_run(folder, msgspec.structs.replace(run, outcome=outcome))


def keep_summary(folder: Path, summary: Summary) -> None:
    """Keep what a notebook knows of the model so far, for `run.json`."""
    (folder / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))


def summary_in(folder: Path) -> Summary | None:
    """Return what is known of a run's model, None where it was not scored."""
    try:
        return msgspec.json.decode((folder / "summary.json").read_bytes(), type=Summary)
    except (OSError, msgspec.MsgspecError):
        return None


def past_runs(local_data: Path) -> dict[Path, Run]:
    """Return the runs that there are, by folder, the oldest first; none that cannot be read."""
    found = {}
    for path in sorted((local_data / "runs").glob("*/run.json")):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found[path.parent] = msgspec.json.decode(path.read_bytes(), type=Run)
    return found


def report_of(run_folder: Path, remarks: Sequence[str] = ()) -> RunReport:
    """Return what came of a run that succeeded; remarks, sentences, end what is to be shown."""
    published: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError):
        text = (run_folder / "published.json").read_bytes()
        published = msgspec.json.decode(text, type=dict[str, str])
    return RunReport(
        run_folder.name,
        run_folder,
        published.get("model", ""),
        published.get("version"),
        "\n".join(filter(None, [published.get("summary", ""), *remarks])),
    )


def _safe(pipeline: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", pipeline).strip("-.")[:64] or "pipeline"
