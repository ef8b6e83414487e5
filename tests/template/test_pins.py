"""`make add` moves a package and what it needs; `make upgrade` moves all. No network is asked."""

import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow  # uv is started for each set of each world

ROOT = Path(__file__).parents[2]
FILES = {
    "api.in": "alpha\n",
    "project.in": "# your own\n",
    "train.in": "-r api.in\n-r project.in\n",
    "lab.in": "-r train.in\nbeta\n",
    "dev.in": "-r lab.in\n",
    "boosters.in": "alpha\n",
    "uv.in": "beta\n",
    "evidently.in": "alpha\n",
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that is all of the world's packages: alpha, and beta which needs it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, value in {"NO_INDEX": "1", "OFFLINE": "1", "FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(f"UV_{name}", value)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    wheel(folder, "alpha", "1.0")
    wheel(folder, "beta", "1.0", "alpha")
    return folder


def wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """Write a package that holds nothing but what it needs."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def pins(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script, on a folder of requirements that were pinned while 1.0 was the newest."""
    found = importlib.util.spec_from_file_location("pins", ROOT / "requirements" / "pins.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    folder = tmp_path / "requirements"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
        (folder / name).with_suffix(".txt").touch()
    (folder / "project.txt").unlink()
    monkeypatch.setattr(module, "HERE", folder)
    monkeypatch.setattr(module, "install_solver", lambda: Path(sys.executable).with_name("uv"))
    monkeypatch.setattr(module, "install", lambda: None)
    module.change("", "project.in", upgrade=True)
    wheel(wheels, "alpha", "2.0")
    wheel(wheels, "beta", "2.0", "alpha")
    wheel(wheels, "gamma", "1.0", "beta", "delta")
    wheel(wheels, "delta", "1.0")
    wheel(wheels, "newer", "1.0", "alpha>=2")
    return module


def pinned(folder: Path, name: str) -> dict[str, str]:
    """Return what a set pins."""
    return dict(re.findall(r"^(\w+)==([^ ]+)", (folder / f"{name}.txt").read_text(), re.MULTILINE))


def contents(folder: Path) -> dict[str, str]:
    """Return all files of a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_an_added_package_moves_no_other(pins: ModuleType) -> None:
    """It comes with what it needs, wherever models are trained, and all else stays."""
    moved = pins.change("gamma", "project.in", upgrade=False)
    assert moved == ["  delta new -> 1.0", "  gamma new -> 1.0"]
    for name in ("train", "lab", "dev"):
        assert pinned(pins.HERE, name) == dict.fromkeys(("alpha", "beta", "gamma", "delta"), "1.0")
    assert pinned(pins.HERE, "api") == {"alpha": "1.0"}
    assert (pins.HERE / "project.in").read_text() == "# your own\ngamma\n"
    assert "--hash=sha256:" in (pins.HERE / "train.txt").read_text()


def test_what_it_needs_moves_with_it_and_in_every_set(pins: ModuleType) -> None:
    """What serves stays what trained."""
    moved = pins.change("newer", "project.in", upgrade=False)
    assert moved == ["  alpha 1.0 -> 2.0", "  newer new -> 1.0"]
    assert pinned(pins.HERE, "api") == {"alpha": "2.0"}
    assert pinned(pins.HERE, "dev")["beta"] == "1.0"


def test_a_package_that_the_service_imports_goes_into_its_set(pins: ModuleType) -> None:
    """`make add PACKAGE=… SET=api`."""
    pins.change("delta", "api.in", upgrade=False)
    assert pinned(pins.HERE, "api") == {"alpha": "1.0", "delta": "1.0"}


def test_one_that_is_added_again_takes_the_place_of_the_first(pins: ModuleType) -> None:
    """With the version that was asked for last."""
    pins.change("Gamma<2", "project.in", upgrade=False)
    pins.change("gamma==1.0", "project.in", upgrade=False)
    assert (pins.HERE / "project.in").read_text() == "# your own\ngamma==1.0\n"


def test_an_upgrade_moves_all(pins: ModuleType) -> None:
    """In every set, the one that is solved alone and the solver's own too."""
    pins.change("", "project.in", upgrade=True)
    for name in ("api", "lab", "train", "dev", "uv", "evidently"):
        assert set(pinned(pins.HERE, name).values()) == {"2.0"}


@pytest.mark.parametrize("wrong", ["gama", "gamma>=99", "-r secrets", "gamma @ file:///x", "a\nb"])
def test_what_cannot_be_had_changes_nothing(pins: ModuleType, wrong: str) -> None:
    """It ends in a sentence that names it."""
    before = contents(pins.HERE)
    with pytest.raises(pins.PinsError, match=r"gam?ma|is no package"):
        pins.change(wrong, "project.in", upgrade=False)
    assert contents(pins.HERE) == before


@pytest.mark.parametrize("error", ["PinsError", "KeyboardInterrupt"])
def test_what_cannot_be_installed_changes_nothing(
    pins: ModuleType, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """Nor does one that is stopped while it installs."""
    kind = getattr(pins, error, KeyboardInterrupt)

    def fail() -> None:
        assert "gamma" in (pins.HERE / "dev.txt").read_text()
        raise kind

    monkeypatch.setattr(pins, "install", fail)
    before = contents(pins.HERE)
    with pytest.raises(kind):
        pins.change("gamma", "project.in", upgrade=False)
    assert contents(pins.HERE) == before


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["add", "PACKAGE=xgboost>=3"], "pins.py add 'xgboost>=3'"),
        (["add", "PACKAGE=a", "SET=api"], "pins.py add 'a' --set 'api'"),
        (["upgrade"], "pins.py upgrade"),
    ],
)
def test_the_verbs_call_it(words: list[str], command: str) -> None:
    """After a set-up that `make serve` would make as well."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "--no-print-directory", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, setup, _, called = [line for line in done.stdout.splitlines() if line]
    assert setup.endswith(" .venv train")
    assert called.strip().endswith(command)


def test_the_users_own_packages_are_where_models_are_trained() -> None:
    """And so in `lab` and `dev`, and in the image of all modes; serving alone has none of them."""
    includes = {
        path.stem: re.findall(r"^-r (\w+)\.in$", path.read_text(), re.MULTILINE)
        for path in (ROOT / "requirements").glob("*.in")
    }
    assert includes["train"] == ["api", "project"]
    assert [name for name, others in includes.items() if "project" in others] == ["train"]
    assert {"train", "lab"} <= {*includes["lab"], *includes["dev"]}
