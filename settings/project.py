"""What the project is, as its `pyproject.toml` says: whoever renames it changes one line there."""

import tomllib

from settings.sources import PROJECT_ROOT


def project_version() -> str:
    """Return the version that `pyproject.toml` names."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version: str = project["project"]["version"]
    return version
