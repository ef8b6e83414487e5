"""The git filter of the checkout: outputs of notebooks stay on the screen, and out of git.

`.gitattributes` names the filter for every notebook; where it runs is written into the checkout's
own configuration, which git never takes from a repository.
"""

import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from settings.sources import PROJECT_ROOT

FILTER = "notebook"
MERGE = "jupyternotebook"


def install_git_filter(root: Path = PROJECT_ROOT) -> bool:
    """Let git clean the notebooks of a checkout, and merge them cell by cell; say whether it does.

    Nothing happens where there is no git, no checkout, or no nbdev. The filter is not `required`:
    where it fails, as without this environment, git keeps the notebook as it is.
    """
    if not (root / ".git").exists() or find_spec("nbdev") is None:
        return False
    script = root / "ml_pipe" / "runner" / "source" / "clean_notebook.py"
    # Isolated: a module beside the script must not stand in for one of the library.
    clean = shlex.join([sys.executable, "-I", str(script)])
    merge = shlex.join([str(Path(sys.executable).with_name("nbdev-merge"))])
    values = {
        f"filter.{FILTER}.clean": clean,
        f"merge.{MERGE}.name": "notebooks, cell by cell",
        f"merge.{MERGE}.driver": f"{merge} %O %A %B %P",
    }
    try:
        for name, value in values.items():
            command = ["git", "-C", str(root), "config", "--local", name, value]
            subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - our own words
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


if __name__ == "__main__":
    install_git_filter()
