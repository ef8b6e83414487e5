"""The file of a notebook, and the cells in it that are exported."""

from pathlib import Path
from typing import Any

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.source.slim_import import without

# It would import a grammar of addresses: 20 MB and a second in each process of a training.
with without("rfc3987_syntax"):
    import nbformat


def read_notebook(path: Path) -> Any:
    """Return a notebook, as nbformat's nodes.

    Raises:
        PipelineError: the file is unreadable, or no notebook.
    """
    read: Any = nbformat.read  # it has no types
    try:
        return read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise PipelineError(f'"{path}" cannot be read as a notebook: {error}.') from error


def exported_cells(path: Path) -> list[str]:
    """Return the sources of the cells that a notebook exports, in order.

    Raises:
        PipelineError: the file is unreadable, or no notebook.
    """
    sources = [cell["source"].strip() for cell in read_notebook(path)["cells"]]
    return [source for source in sources if is_exported(source)]


def is_exported(source: str) -> bool:
    """Return whether a cell's first line says that it is exported."""
    return source.lstrip().startswith(("#| export", "#|export"))
