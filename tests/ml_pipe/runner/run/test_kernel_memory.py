"""What the kernels of a run do not hold."""

from pathlib import Path

from ml_pipe.runner.run.notebook_run import run_notebook
from tests.ml_pipe.conftest import WriteNotebook


def test_what_a_cell_shows_is_let_go(write_notebook: WriteNotebook, tmp_path: Path) -> None:
    """One cell later what a cell showed is gone; a large freed block goes to the system."""
    notebook = write_notebook(
        "00_shown.ipynb",
        "import gc\nimport weakref\nclass Shown:\n    pass\nkept = Shown()\n"
        "seen = weakref.ref(kept)\nkept",
        "del kept",
        "gc.collect()\nassert seen() is None",
        "import pyarrow\nassert pyarrow.default_memory_pool().backend_name == 'system'",
    )
    executed = tmp_path / "executed.ipynb"
    phases: list[str] = []
    run_notebook(notebook, executed, {}, cell_timeout_seconds=60, on_phase=phases.append)
    assert "__main__.Shown" in executed.read_text("utf-8")
