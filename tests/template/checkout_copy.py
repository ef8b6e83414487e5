"""A copy of the project to edit notebooks in, and kernels in which a person runs their cells."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager

from settings.settings import Settings
from settings.sources import PROJECT_ROOT

PACKAGES = ("api", "ml_pipe", "mlops", "model_store", "monitoring", "settings", "workers")
PATIENCE_SECONDS = 300


class Project:
    """A copy of the project, a checkout of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local_data = root / "local_data"
        for name in (*PACKAGES, "examples"):
            shutil.copytree(PROJECT_ROOT / name, root / name)
        for name in ("pyproject.toml", "settings.ini", ".gitattributes", ".gitignore"):
            shutil.copy(PROJECT_ROOT / name, root)
        self.git("init", "--quiet", "--initial-branch=mine")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=All")

    @property
    def environment(self) -> dict[str, str]:
        """The shell's, without settings, importing from this copy."""
        own = {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}
        return own | {"PYTHONPATH": str(self.root), "LOCAL_DATA": str(self.local_data)}

    def git(self, *arguments: str) -> str:
        """Return what git prints."""
        person = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        command = ["git", *person, *arguments]
        done = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def notebook(self, number: str) -> Path:
        """Return the notebook with a number."""
        (path,) = (self.root / "ml_pipe").glob(f"{number}_*.ipynb")
        return path

    def edit(self, number: str, *changes: tuple[str, str]) -> None:
        """Change the text of a notebook's cells, and save it."""
        path = self.notebook(number)
        notebook = nbformat.read(path, as_version=4)
        for old, new in changes:
            cells = [cell for cell in notebook["cells"] if old in cell["source"]]
            assert cells, old
            for cell in cells:
                cell["source"] = cell["source"].replace(old, new)
        nbformat.write(notebook, path)

    def manifests(self, model: str = "iris") -> list[dict[str, Any]]:
        """Return the manifests of a model's versions, the oldest first."""
        paths = sorted((self.local_data / "models" / model).glob("2*/manifest.json"))
        return [json.loads(path.read_text()) for path in paths]

    @contextmanager
    def kernel(self, number: str) -> Iterator["Kernel"]:
        """Start a kernel for a notebook, as JupyterLab does."""
        manager = KernelManager(kernel_name="python3")
        path = self.notebook(number)
        manager.start_kernel(env=self.environment, cwd=str(path.parent))
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=PATIENCE_SECONDS)
            yield Kernel(client, path)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


class Kernel:
    """Runs cells; each call returns what a person sees below them, the error included."""

    def __init__(self, client: Any, notebook: Path) -> None:
        self.client = client
        self.notebook = notebook

    def cells(self) -> list[str]:
        """Return the code that the file holds now."""
        cells = nbformat.read(self.notebook, as_version=4)["cells"]
        return [cell["source"] for cell in cells if cell["cell_type"] == "code"]

    def cell(self, text: str) -> str:
        """Return the source of the cell with this text in it."""
        (source,) = (source for source in self.cells() if text in source)
        return source

    def run_all(self, first: str = "") -> str:
        """Run all cells, or those from the one with this text on; stop at an error."""
        sources = self.cells()
        start = next(place for place, source in enumerate(sources) if first in source)
        shown = ""
        for source in sources[start:]:
            shown = self.run(source)
            if shown.startswith("ERROR "):
                return shown
        return shown

    def run(self, source: str) -> str:
        """Run a cell."""
        shown: list[str] = []

        def see(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "error":
                shown.insert(0, f"ERROR {content['ename']}: {content['evalue']}\n")
            elif message["msg_type"] == "stream":
                shown.append(content["text"])

        self.client.execute_interactive(source, output_hook=see, timeout=PATIENCE_SECONDS)
        return "".join(shown)
