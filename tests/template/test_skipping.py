"""Where a program is missing, its tests say so; CI, which installs all of them, fails then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONE = "tests/prometheus/test_rules.py::test_promtool_accepts_the_rules"


@pytest.mark.slow  # pytest is started anew
@pytest.mark.parametrize(("options", "outcome"), [([], "1 skipped"), (["--skip-nothing"], "1 f")])
def test_a_missing_program_is_reported(tmp_path: Path, options: list[str], outcome: str) -> None:
    """By its package's name."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--no-cov",
            "-rs",
            "-p",
            "no:cacheprovider",
            *options,
            ONE,
        ],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout.splitlines()[-1]
    assert "apt-get install prometheus" in done.stdout
    assert done.returncode == len(options)


def test_ci_skips_nothing() -> None:
    """For all of its tests."""
    before, _ = (ROOT / ".ci/run").read_text(encoding="utf-8").split("\nmake lint\n")
    assert '\nexport PYTEST_ADDOPTS="--skip-nothing ' in before
