"""What a kernel ran, beside what the notebook's file holds: by hand the two come apart."""

# A cell can be run and not saved, or saved and not run. What is published must be what the files
# hold: other notebooks, `mlops train` and whoever reads a version's origin know only those.

import ast
import contextlib
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.source.notebook_file import exported_cells, is_exported

_NOTE = (
    "This cell is not saved: the next notebook and `mlops train` use what the file holds. Save "
    "the notebook (Ctrl+S)."
)


def shell() -> Any | None:
    """Return IPython's shell if this process is a notebook's kernel."""
    # Who has not imported it is none.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def ran() -> list[str]:
    """Return the sources of the exported cells that this kernel ran, the oldest first."""
    kernel = shell()
    history = kernel.history_manager.input_hist_raw if kernel else []
    return [source.strip() for source in history if is_exported(source)]


def own_notebook(folder: Path) -> Path | None:
    """Return the notebook of a folder whose cells this kernel ran; None where there is none."""
    sources = set(ran())
    alike = {
        path: len(sources.intersection(exported_cells(path)))
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    }
    best = max(alike, key=lambda path: alike[path], default=None)
    return best if best and alike[best] else None


def definitions(sources: list[str]) -> dict[str, str]:
    """Return for each name that cells define, in order, the SHA-256 of the last cell that does.

    A cell that defines nothing, as one of imports, stands under its first line.
    """
    return {name: _hash(source) for source in sources for name in _names(source)}


def not_run(notebook: Path, known: Mapping[str, str]) -> list[str]:
    """Return the names that a notebook's exported cells define otherwise than those known ran."""
    now = definitions(exported_cells(notebook))
    return [name for name, found in now.items() if known.get(name) != found]


def check_saved(notebook: Path) -> None:
    """Check that this kernel ran each exported cell of its notebook as the file holds it.

    Raises:
        PipelineError: it did not; the sentence names the cells.
    """
    if names := not_run(notebook, definitions(ran())):
        raise PipelineError(
            f"{notebook.name} holds another {', '.join(names)} than this kernel ran: save the "
            "notebook and run all of its cells."
        )


def note_unsaved(folder: Path) -> None:
    """From now on, say so below each exported cell that is run as its file does not hold it."""
    kernel = shell()
    if kernel is None or hasattr(kernel, "_ml_pipe_note"):
        return

    def note(result: Any) -> None:
        source = (result.info.raw_cell or "").strip()
        own = own_notebook(folder) if is_exported(source) else None
        if own and source not in exported_cells(own):
            print(_NOTE)  # noqa: T201 - it is seen below the cell

    kernel._ml_pipe_note = note  # noqa: SLF001 - once a kernel
    kernel.events.register("post_run_cell", note)


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _names(source: str) -> list[str]:
    """Return the functions, classes and constants that a cell defines, else its first line."""
    names: list[str] = []
    with contextlib.suppress(SyntaxError):
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                names.append(statement.name)
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                )
                names += [target.id for target in targets if isinstance(target, ast.Name)]
    lines = [line for line in source.splitlines() if line.strip() and not line.startswith("#")]
    return names or [f"`{lines[0].strip()}`" if lines else "empty cell"]
