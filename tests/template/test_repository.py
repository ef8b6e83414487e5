"""What holds for the repository as a whole: its files, notebooks, pins, names and forms."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PINS = ("api", "train", "lab", "dev")
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/[!c]*.yml"))
# Where people keep their own folders; not a part of another path, which something precedes.
OWN_FOLDER = re.compile(r"(?<![\w.-])/(?:root|work|home/\w+|Users/\w+)(?![\w-])")
PRINCIPLES = [
    "People first",
    "Transparency",
    "Explainability",
    "Fairness",
    "Responsibility",
    "Privacy",
    "Security",
    "Human control",
]


def files(*suffixes: str) -> list[Path]:
    """Return the files that are in git or about to be, of some suffixes or all."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted({ROOT / name for name in listed.split("\0") if name})
    return [path for path in paths if path.is_file() and path.suffix in (suffixes or path.suffix)]


def name(path: Path) -> str:
    """Return a path as a reader of the repository would write it."""
    return path.relative_to(ROOT).as_posix()


def cells(notebook: Path, kind: str = "code") -> list[dict[str, Any]]:
    """Return the cells of one kind."""
    content = json.loads(notebook.read_text("utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def code() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module and every notebook, parsed."""
    for path in files(".py"):
        yield name(path), ast.parse(path.read_text("utf-8"))
    for path in files(".ipynb"):
        lines = "\n".join("".join(cell["source"]) for cell in cells(path)).splitlines()
        yield name(path), ast.parse("\n".join(x for x in lines if not x.startswith(("%", "!"))))


def edits_sys_path(tree: ast.Module) -> bool:
    """Return whether code changes where modules are found."""
    methods = {"append", "clear", "extend", "insert", "pop", "remove", "reverse"}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    changed = {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
    }
    return not called.isdisjoint(f"sys.path.{method}" for method in methods) or any(
        re.match(r"sys\.path(\[|$)", target) for target in changed
    )


def catches_everything(tree: ast.Module) -> bool:
    """Return whether code has an `except` that names no error."""
    return any(isinstance(x, ast.ExceptHandler) and x.type is None for x in ast.walk(tree))


def pins(requirements: str) -> dict[str, list[str]]:
    """Return what is pinned, and the hashes of each."""
    text = (ROOT / "requirements" / f"{requirements}.txt").read_text("utf-8")
    lines = [x for x in text.replace("\\\n", "").splitlines() if x and not x.startswith("#")]
    parts = [re.split(r"\s+--hash=", line.strip()) for line in lines]
    return {pin: hashes for pin, *hashes in parts}


def asked(requirements: str, environment: dict[str, str]) -> set[str]:
    """Return the names that we ask for on a platform, those of included files too."""
    names: set[str] = set()
    for line in (ROOT / "requirements" / f"{requirements}.in").read_text("utf-8").splitlines():
        if line.startswith("-r "):
            names |= asked(line.removeprefix("-r ").removesuffix(".in"), environment)
        elif line and not line.startswith("#"):
            found = Requirement(line)
            if found.marker is None or found.marker.evaluate(environment):
                names.add(canonicalize_name(found.name))
    return names


def test_no_file_names_a_folder_of_someones_machine() -> None:
    """What works here works elsewhere."""
    found = [
        f"{name(path)}: {match.group()}"
        for path in files()
        for match in OWN_FOLDER.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert found == []


def test_notebooks_carry_no_outputs() -> None:
    """Results belong to a run; in git they hide changes and leak data."""
    found = [
        name(path)
        for path in files(".ipynb")
        if any(cell["outputs"] or cell["execution_count"] is not None for cell in cells(path))
    ]
    assert found == []


def test_each_notebook_of_a_run_has_one_cell_of_parameters() -> None:
    """Without the tag papermill sets parameters above the defaults, and the defaults win."""
    found = {
        path.name[:2]: sum("parameters" in cell["metadata"].get("tags", ()) for cell in cells(path))
        for path in (ROOT / "ml_pipe").glob("0[0-2]_*.ipynb")
    }
    assert found == {"00": 1, "01": 1, "02": 1}


@pytest.mark.parametrize("requirements", [*PINS, "uv", "evidently"])
def test_every_pin_is_one_version_with_hashes(requirements: str) -> None:
    """A package that was replaced after it was pinned is not installed."""
    found = [
        pin
        for pin, hashes in pins(requirements).items()
        if not re.fullmatch(r"[a-z0-9-]+==[^ ;*]+( ; .+)?", pin)
        or not hashes
        or any(not re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)
    ]
    assert found == []


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    ("system", "machine"),
    [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")],
)
def test_the_pins_serve_each_platform(python: str, system: str, machine: str) -> None:
    """All that we ask for is pinned, each to one version: what serves is what trained."""
    environment = {
        "os_name": "posix",
        "platform_machine": machine,
        "platform_system": system,
        "python_full_version": f"{python}.1",
        "python_version": python,
        "sys_platform": system.lower(),
    }
    versions: dict[str, dict[str, str]] = {}
    for requirements in PINS:
        parsed = [Requirement(pin) for pin in pins(requirements)]
        here = [x for x in parsed if x.marker is None or x.marker.evaluate(environment)]
        versions[requirements] = {x.name: str(x.specifier) for x in here}

        assert len(versions[requirements]) == len(here)
        assert asked(requirements, environment) <= versions[requirements].keys()
    api, train, lab, dev = (versions[requirements].items() for requirements in PINS)
    assert api <= train <= lab <= dev
    assert set(pins("uv")) <= set(pins("dev"))
    assert set(pins("boosters")) <= set(pins("dev"))


def test_the_projects_name_is_written_once() -> None:
    """Who renames the project changes one line, in `pyproject.toml`."""
    project: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    written = re.compile(re.sub(r"[-_.]", "[-_.]", project), re.IGNORECASE)
    found = [name(path) for path in files() if written.search(path.read_text("utf-8", "replace"))]
    assert found == ["pyproject.toml"]


def test_no_module_is_too_long() -> None:
    """A module over 300 lines, or a test file over 400, has two nouns."""
    found = [
        f"{name(path)}: {length} lines"
        for path in files(".py")
        if (length := len(path.read_text("utf-8").splitlines()))
        > (400 if name(path).startswith(("tests/", "benchmarks/")) else 300)
    ]
    assert found == []


def test_every_file_is_named_by_its_noun() -> None:
    """A name that fits everything says nothing."""
    nameless = {"common", "helper", "helpers", "misc", "util", "utils"}
    found = [
        name(path)
        for path in files(".py", ".ipynb", ".sh")
        if nameless & set(re.split(r"[\W_]+", name(path).lower()))
    ]
    assert found == []


@pytest.mark.parametrize("is_wrong", [edits_sys_path, catches_everything])
def test_no_code_does_what_the_seed_did_wrong(is_wrong: Callable[[ast.Module], bool]) -> None:
    """Neither a module, nor a test, nor a notebook."""
    assert [where for where, tree in code() if is_wrong(tree)] == []


@pytest.mark.parametrize(
    ("is_wrong", "text"),
    [
        (edits_sys_path, "sys.path.insert(0, '..')"),
        (edits_sys_path, "sys.path += ['..']"),
        (edits_sys_path, "sys.path[0] = '..'"),
        (catches_everything, "try:\n    x\nexcept:\n    pass"),
    ],
)
def test_the_code_checks_can_fail(is_wrong: Callable[[ast.Module], bool], text: str) -> None:
    """They find what they look for, and only that."""
    assert is_wrong(ast.parse(text))
    assert not is_wrong(ast.parse("import sys\ntry:\n    print(sys.path)\nexcept OSError: ..."))


@pytest.mark.parametrize("folder", ["root", "work/x", "home/ann/x", "Users/ann"])
def test_the_folder_check_can_fail(folder: str) -> None:
    """It finds people's folders, and takes no relative path or address for one."""
    assert OWN_FOLDER.search(f"file:///{folder}")
    assert not OWN_FOLDER.search("../work/x https://example.org/root /workers /home/")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_issue_form_is_one(path: Path) -> None:
    """A form that its host cannot read is silently not offered."""
    form = yaml.safe_load(path.read_text("utf-8"))
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]

    assert form["name"]
    assert form["description"]
    assert {x["type"] for x in fields} <= {"checkboxes", "dropdown", "input", "textarea"}
    assert all(field["attributes"]["label"] for field in fields)
    assert len(ids) == len(set(ids))


def test_the_issue_forms_are_the_three_that_we_promise() -> None:
    """Bug, feature and ethical concern; no issue without a form."""
    config = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/config.yml").read_text("utf-8"))

    assert [path.stem for path in FORMS] == ["bug", "ethical_concern", "feature"]
    assert config["blank_issues_enabled"] is False


def test_the_ethical_form_asks_about_each_principle() -> None:
    """Each can be named as what the concern is about, and has its own question."""
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/ethical_concern.yml").read_text("utf-8"))
    fields = {field["id"]: field for field in form["body"] if "id" in field}
    questions = [f["attributes"]["label"] for f in fields.values() if f["type"] == "textarea"]

    assert fields["principles"]["attributes"]["options"] == PRINCIPLES
    assert [label for label in questions if label in PRINCIPLES] == PRINCIPLES


def test_commit_hooks_need_no_network() -> None:
    """They run tools that are already here."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]

    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks} <= {"system", "pygrep"}
