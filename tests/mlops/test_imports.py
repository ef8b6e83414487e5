"""The command runs in an image that has no notebooks, and none of their libraries."""

import subprocess
import sys

SCRIPT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"ml_pipe", "pandas", "papermill", "sklearn"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import mlops.cli
print(sorted(name for name in sys.modules if name.startswith("mlops.commands.")))
"""


def test_the_command_needs_no_notebooks_to_start() -> None:
    """What needs them asks for them when it runs."""
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mlops.commands.models" in done.stdout
    assert "mlops.commands.runs" in done.stdout
