"""What a user does on a first day turns no test red outside of this folder, which they may delete.

All is done at once, in a copy of the checkout, and the tests that it can reach are run there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from tests.mixed_table import mixed_table

pytestmark = pytest.mark.slow  # tests are run once more, and an environment is made

ROOT = Path(__file__).parents[2]
# The tests of what a user edits or deletes: notebooks, examples, settings, the project.
REACHED = ("tests/ml_pipe", "tests/mlops")

OWN_ESTIMATOR = '''\
def build_estimator(task: Task, inputs: Sequence[Column], seed: int) -> Pipeline:
    """Return a linear model, with gaps filled and columns scaled."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler

    gaps = SimpleImputer(keep_empty_features=True)
    classification = task == "classification"
    linear = LogisticRegression(max_iter=2000, random_state=seed) if classification else Ridge()
    steps = {"features": build_features(inputs), "gaps": gaps, "scale": StandardScaler()}
    return Pipeline([*steps.items(), ("model", linear)])
'''
OWN_CLASSES = '''\
"""Prices of our own."""


class Price:
    """What every price has."""


class NetPrice(Price):
    """One without taxes."""
'''
VERSION = """
from api.app import create_app
from settings.settings import Settings
print(create_app(Settings()).version)
"""


def run(folder: Path, *command: str | Path) -> str:
    """Return what a command printed in the copy, with its packages in place of ours."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTEST_ADDOPTS": "", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    return done.stdout


def edit(path: Path, pattern: str, new: str) -> None:
    """Put text in place of what matches; it has to be there once."""
    text, count = re.subn(pattern, lambda _: new, path.read_text("utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{pattern} stands {count} times in {path.name}"
    path.write_text(text, "utf-8")


def use_another_estimator(notebook: Path) -> None:
    """Write another function into its cell."""
    content = json.loads(notebook.read_text("utf-8"))
    cells = content["cells"]
    (cell,) = [cell for cell in cells if "def build_estimator(" in "".join(cell["source"])]
    kept, _, _ = "".join(cell["source"]).partition("def build_estimator(")
    cell["source"] = (kept + OWN_ESTIMATOR).rstrip("\n").splitlines(keepends=True)
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy at the end of the day: of what is in git, or about to be, but this folder."""
    folder = tmp_path_factory.mktemp("first") / "day"
    every = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(every, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if (ROOT / name).is_file() and not name.startswith("tests/template/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)

    (folder / "README.md").write_text("# Prices of our own\n")
    (folder / "notes.txt").write_text("To do: everything.\n")
    (folder / "api" / "own_prices.py").write_text(OWN_CLASSES)
    own = folder / "examples" / "mine"
    own.mkdir()
    mixed_table(200, 1).drop(columns="Label").to_csv(own / "prices.csv", index=False)
    (own / "parameters.toml").write_text('data = "prices.csv"\ntarget = "amount"\n')
    shutil.rmtree(folder / "examples" / "iris")
    notebook = folder / "ml_pipe" / "00_data_etl.ipynb"
    edit(notebook, r"examples/iris/iris\.csv", "examples/mine/prices.csv")
    edit(notebook, r'^ +"target: str = \\"variety\\"', '    "target: str = \\"amount\\"')
    use_another_estimator(folder / "ml_pipe" / "01_model_class.ipynb")
    edit(folder / "pyproject.toml", r'^name = "[\w-]+"$', 'name = "prices-of-our-own"')
    edit(folder / "settings.ini", r"^if_empty = .*$", "if_empty = examples/mine")
    edit(folder / "settings.ini", r"^port = .*$", "port = 9000")
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", ".")
    run(folder, Path(sys.executable).with_name("nbdev-export"))
    assert "LogisticRegression" in (folder / "ml_pipe" / "model_class.py").read_text()
    return folder


def test_no_test_turns_red(users: Path) -> None:
    """Of those that the day can reach; of the slow ones, those that train by its notebooks."""
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(users, *pytest_here, "-m", "not slow", *REACHED)
    run(users, *pytest_here, "-m", "slow", *sorted(users.glob("tests/ml_pipe/test_*.py")))
    run(users, *pytest_here, "--collect-only", "tests")


def test_a_renamed_project_is_installed_and_knows_itself(users: Path, tmp_path: Path) -> None:
    """In an environment that has its packages and never had the template under its old name."""
    venv.create(tmp_path / "venv", symlinks=True)
    templates = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    old = re.sub(r"[-_.]+", "_", templates["name"])
    here = Path(sysconfig.get_path("purelib"))
    there = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    for path in here.iterdir():
        if not re.match(rf"__editable__|{old}-", path.name):
            (there / path.name).symlink_to(path)
    python = tmp_path / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    run(users, *pip, "install", "--no-index", "--no-deps", "--no-build-isolation", "-e", users)
    installed = {row["name"] for row in json.loads(run(users, *pip, "list", "--format", "json"))}
    assert "prices-of-our-own" in installed
    assert templates["name"] not in installed
    assert (tmp_path / "venv" / "bin" / "mlops").exists()
    assert run(users, python, "-c", VERSION).strip() == templates["version"]
