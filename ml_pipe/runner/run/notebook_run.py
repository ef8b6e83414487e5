"""One notebook, executed by papermill in a kernel of its own; a failure becomes a sentence."""

import logging
import math
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

from ml_pipe.runner.errors import AcceptanceError, PipelineError, TableError
from ml_pipe.runner.run.environment import kernel_environment
from ml_pipe.runner.run.slim_papermill import (
    CellTimeoutError,
    DeadKernelError,
    PapermillExecutionError,
    papermill,
)
from ml_pipe.runner.source.notebook_file import read_notebook
from model_store.errors import InvalidNameError, RefusedError, SignatureError

KERNEL_START_SECONDS = 60

# The tags of cells that papermill adds.
_INSERTED = frozenset({"injected-parameters", "papermill-error-cell-tag"})

_SENTENCES = frozenset(
    error.__name__
    for error in (
        AcceptanceError,
        TableError,
        PipelineError,
        SignatureError,
        InvalidNameError,
        RefusedError,
    )
)
"""Errors whose text is for the user, who need not know where it was found out."""


class CellError(PipelineError):
    """A cell of a notebook failed, took too long or lost its kernel."""

    def __init__(  # noqa: PLR0913 - where it was, and why
        self, notebook: str, cell: int, line: str, reason: str, executed: Path, *, error: str = ""
    ) -> None:
        self.notebook = notebook
        self.cell = cell
        """Counted from 1, from the top of the notebook."""
        self.line = line
        """The first line of code in the cell."""
        self.reason = reason
        """What the exception says, or what happened to the cell."""
        self.error = error
        """The name of the exception; empty: the cell raised none."""
        self.executed = executed
        self.is_refusal = error == AcceptanceError.__name__
        said, copy = reason.rstrip("."), f"executed copy is {executed}"
        if error in _SENTENCES:
            text = f"{said}. ({notebook}, cell {cell}, `{line}`; its {copy}.)"
        else:
            said = f"{error}: {said}" if error else said
            text = f"{notebook} failed in cell {cell}, `{line}`: {said}. The {copy}."
        super().__init__(text)


class OwnKernelManager(AsyncKernelManager):
    """Starts kernels of this very interpreter, which import what it imports."""

    variables: ClassVar[Mapping[str, str]] = {}
    """What the environment of its kernels has besides; a run names its folder there."""
    more: ClassVar[Collection[str]] = ()
    """The names of variables of this process that its kernels get as well."""

    @default("kernel_spec_manager")
    def _only_this_interpreter(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])

    async def _async_start_kernel(self, **options: Any) -> None:
        project = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, [project, os.environ.get("PYTHONPATH")]))
        options["transport_encryption"] = "auto"
        # What a cell shows is kept in `Out` otherwise, and with a few rows the table they are of.
        options["extra_arguments"] = [
            *options.get("extra_arguments", []),
            "--InteractiveShell.cache_size=0",
        ]
        # Threads that wait for each other by spinning make a fit twenty times as long where
        # another process has a core: they shall sleep.
        threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        # Large blocks go back to the system when they are freed: else what a section of a notebook
        # let go lies beside what the next one takes.
        memory = {
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "MALLOC_MMAP_THRESHOLD_": "1000000",
            "MALLOC_TRIM_THRESHOLD_": "1000000",
        }
        own = {"PYTHONPATH": path, "MPLBACKEND": "Agg", **self.variables}
        given = kernel_environment(os.environ, self.more)
        options["env"] = {**threads, **memory, **given, **own}
        await super()._async_start_kernel(**options)

    start_kernel = _async_start_kernel


def run_notebook(  # noqa: PLR0913 - what a run of a notebook is made of
    notebook: Path,
    executed: Path,
    parameters: Mapping[str, object],
    *,
    cell_timeout_seconds: float,
    on_phase: Callable[[str], None],
    variables: Mapping[str, str] | None = None,
    more: Collection[str] = (),
) -> None:
    """Run a notebook in its own folder, keep the executed copy, and report each phase.

    Args:
        notebook: it is read, and not changed.
        executed: where the copy is written, also of a run that fails.
        parameters: values for its cell tagged `parameters`.
        cell_timeout_seconds: how long one cell may take.
        on_phase: is called before each cell, with the notebook and the heading above the cell.
        variables: what the environment of its kernel has besides.
        more: the names of variables of this process that its kernel gets as well.

    Raises:
        CellError: a cell raised, took longer than allowed, or lost its kernel.
        PipelineError: there was no kernel to be had.
    """
    # It takes some of our annotations for no parameters; what fails is raised as an error.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    source = read_notebook(notebook)
    phases = phases_of(notebook.stem, source)
    on_phase(f"{notebook.stem}: starting its kernel")

    def on_cell_start(cell: Mapping[str, Any], **_: object) -> None:
        # The cell of parameters that papermill adds belongs to what was before it.
        if phase := phases.get(cell["id"]):
            on_phase(phase)

    try:
        papermill.execute_notebook(
            source,
            # papermill formats paths, so that a folder's braces would be taken for a field.
            str(executed).replace("{", "{{").replace("}", "}}"),
            dict(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=KERNEL_START_SECONDS,
            execution_timeout=max(1, math.ceil(cell_timeout_seconds)),
            kernel_manager_class=type(
                "RunKernelManager",
                (OwnKernelManager,),
                {"variables": variables or {}, "more": more},
            ),
            # Nothing is left to say to a kernel that hangs.
            shutdown_kernel="immediate",
            resources={"metadata": {"path": str(notebook.parent)}},
            on_cell_start=on_cell_start,
        )
    except PapermillExecutionError as error:
        _fail(notebook, executed, error.evalue, error, error.ename)
    except CellTimeoutError as error:
        _fail(notebook, executed, f"it took longer than {cell_timeout_seconds:g} seconds", error)
    except DeadKernelError as error:
        _fail(notebook, executed, "its kernel died (was it killed, or out of memory?)", error)
    except RuntimeError as error:
        raise PipelineError(
            f"{notebook.name} found no kernel ({error}): does `{sys.executable} -m ipykernel "
            "--version` work?"
        ) from error


def phases_of(name: str, notebook: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each cell's id, the notebook's name and the heading above the cell."""
    phase, phases = name, {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            headings = [line for line in cell["source"].splitlines() if line.startswith("## ")]
            phase = f"{name}: {headings[-1].strip('# ')}" if headings else phase
        phases[cell.get("id", "")] = phase
    return phases


def _fail(
    notebook: Path, executed: Path, reason: str, error: Exception, name: str = ""
) -> NoReturn:
    """Raise a `CellError` for the last cell that the executed copy saw start."""
    cells = read_notebook(executed)["cells"]
    own = [cell for cell in cells if not _INSERTED & set(cell["metadata"].get("tags", []))]
    started = [
        (place, cell)
        for place, cell in enumerate(own, start=1)
        if cell["cell_type"] == "code" and cell["metadata"]["papermill"].get("start_time")
    ]
    place, cell = started[-1]
    lines = [line for line in cell["source"].splitlines() if line and not line.startswith("#")]
    line = lines[0] if lines else ""
    raise CellError(notebook.name, place, line, reason, executed, error=name) from error
