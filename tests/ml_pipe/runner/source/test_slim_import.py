"""Imports without packages that cost memory."""

import subprocess
import sys

from ml_pipe.runner.source.slim_import import without


def test_a_package_is_missing_in_the_block_alone() -> None:
    """An optional package looks as if it were not installed; afterwards it is there again."""
    code = (
        "from ml_pipe.runner.source.slim_import import without\n"
        "try:\n"
        "    with without('colorsys'):\n"
        "        import colorsys\n"
        "except ImportError:\n"
        "    print('missing')\n"
        "import colorsys\n"
        "print(colorsys.__name__)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["missing", "colorsys"]


def test_a_package_that_is_imported_stays() -> None:
    """What the process uses already is not taken from it."""
    with without("subprocess"):
        assert sys.modules["subprocess"] is subprocess
    assert sys.modules["subprocess"] is subprocess


def test_a_training_process_does_without_them() -> None:
    """The process that waits for kernels has neither pyarrow nor the grammar of addresses."""
    code = (
        "import sys\n"
        "import ml_pipe.runner.run.notebook_run\n"
        "print([name for name in ('pyarrow', 'rfc3987_syntax', 'lark', 'pandas', 'sklearn')"
        " if name in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
