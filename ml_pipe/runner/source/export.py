"""Edited cells are what trains: the modules beside the notebooks, exported again and reloaded."""

import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ml_pipe.runner.errors import PipelineError

PACKAGE = Path(__file__).parents[2]
"""The folder of our own notebooks and of the modules exported from them."""

_EXPORT = "from nbdev.doclinks import nbdev_export; nbdev_export.__wrapped__()"


def refresh_modules(package: Path = PACKAGE) -> list[str]:
    """Export the notebooks of a package again; return the names of the modules that changed.

    Raises:
        PipelineError: a notebook cannot be exported, or a module cannot be written.
    """
    project = package.parent / "pyproject.toml"
    if not project.is_file():
        return []
    with tempfile.TemporaryDirectory() as temporary:
        aside = Path(temporary) / package.name
        aside.mkdir()
        shutil.copy(project, temporary)
        for path in [*package.glob("[!.]*.py"), *package.glob("[!.]*.ipynb")]:
            shutil.copy(path, aside)
        export = subprocess.run(  # noqa: S603 - our own interpreter and words
            [sys.executable, "-c", _EXPORT],
            cwd=temporary,
            capture_output=True,
            text=True,
            check=False,
        )
        if export.returncode:
            reason = (export.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise PipelineError(f"The notebooks of {package.name} cannot be exported: {reason}.")
        return [path.name for path in sorted(aside.glob("*.py")) if _replace(path, package)]


def reload_modules(namespace: dict[str, object]) -> None:
    """Reload the exported modules that this process has imported, and rebind what came from them.

    A kernel lives for days: without this, `build_estimator` is what it was at the import.

    Args:
        namespace: the names of whoever imported from the modules; changed in place.

    Raises:
        PipelineError: a module cannot be imported.
    """
    for path in sorted(PACKAGE.glob("[0-9][0-9]_*.ipynb")):
        module = sys.modules.get(f"{PACKAGE.name}.{path.stem[3:]}")
        if module is None:
            continue
        before = dict(vars(module))
        try:
            importlib.reload(module)
        except Exception as error:
            raise PipelineError(
                f"{path.name} cannot be imported ({type(error).__name__}: {error}): mend the cell."
            ) from error
        for name, value in namespace.items():
            if name in before and before[name] is value and not name.startswith("__"):
                namespace[name] = vars(module)[name]


def _replace(path: Path, package: Path) -> bool:
    """Put a new module in a package's place for it, if it differs; say whether it did."""
    present = package / path.name
    if present.is_file() and present.read_bytes() == path.read_bytes():
        return False
    beside = package / f".{path.name}"
    try:
        shutil.copyfile(path, beside)
        # It belongs to the checkout, and to whatever image is built from that.
        beside.chmod(present.stat().st_mode & 0o777 if present.is_file() else 0o644)
        beside.replace(present)
        # Within a second, and of the same size, Python would take the old one from there.
        Path(importlib.util.cache_from_source(str(present))).unlink(missing_ok=True)
    except OSError as error:
        raise PipelineError(
            f'"{present}" cannot be written ({error.strerror}), so that the edited notebook would '
            "not be what trains: make the folder writable."
        ) from error
    return True
