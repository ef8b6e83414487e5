"""Each defect of the system that this template grew from has a test here that would catch it.

Those that only a running service can show are held beside the part that they are about; the
comment at the end names them.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from monitoring.statistics import profile

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "ml_pipe", "mlops", "model_store", "monitoring", "settings", "workers")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def found(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    """Yield every node of a kind in our own code."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node


def test_no_module_edits_the_import_path() -> None:
    """Modules are found because they are installed, not because a module edits `sys.path`.

    One reads it: for a process that gets no environment and works elsewhere to find the same ones.
    """
    reads = ROOT / "model_store" / "first_load" / "python_process.py"
    edits = [
        (path, node.lineno)
        for path, node in found(ast.Attribute)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path" and path != reads
    ]
    assert edits == []


def test_importing_opens_nothing(tmp_path: Path) -> None:
    """Importing every module opens no file to write, no database and no socket."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
    ]
    program = f"""
import os, sys
def watch(event, arguments):
    path = str(arguments[0]) if arguments else ""
    # Python's own cache of compiled modules is not ours to forbid; descriptors are seen by path.
    writes = (
        event == "open" and os.sep in path and ".pyc" not in path
        and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )
    # urllib3 probes for IPv6 by binding to port 0.
    listens = event == "socket.bind" and arguments[1][1] != 0
    if writes or listens or event == "sqlite3.connect":
        print(event, path, file=sys.stderr)
sys.addaudithook(watch)
import importlib
# It raises no audit event.
import apsw
apsw.connection_hooks.append(lambda database: print("apsw", database.filename, file=sys.stderr))
for name in {names!r}:
    importlib.import_module(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"LOCAL_DATA": str(tmp_path / "data"), "PATH": "", "HOME": str(tmp_path)},
        cwd=ROOT,
    )
    assert done.stderr == ""
    assert not (tmp_path / "data").exists()


def test_nothing_reads_arguments_by_a_name_in_a_string() -> None:
    """A wrapper takes what it needs as a parameter; none reaches into `kwargs["p_list"]`."""
    reads = [
        (path, node.lineno)
        for path, node in found(ast.Subscript)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"kwargs", "kw"}
        and isinstance(node.slice, ast.Constant)
    ]
    assert reads == []


def test_our_classes_inherit_from_ours_only_to_be_errors() -> None:
    """An attribute is not a reason to inherit: of our own classes only errors form a tree."""
    classes = {
        node.name: [ast.unparse(base) for base in node.bases]
        for path, node in found(ast.ClassDef)
        # The fields of the settings are one flat list, and pydantic joins parts of one by bases.
        if isinstance(node, ast.ClassDef) and "settings" not in path.relative_to(ROOT).parts[:1]
    }

    def is_error(name: str) -> bool:
        return name in {"Exception", "ValueError"} or any(map(is_error, classes.get(name, [])))

    heirs = [
        name
        for name, bases in classes.items()
        if any(base in classes for base in bases) and not is_error(name)
    ]
    assert heirs == []


def test_what_catches_everything_says_why() -> None:
    """No bare `except:`, and each `except Exception` carries its reason on its line."""
    silent = []
    for path, node in found(ast.ExceptHandler):
        assert isinstance(node, ast.ExceptHandler)
        line = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
        broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
        cleans_up = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        if broad and not cleans_up and not re.search(r"noqa: BLE001 - \w", line):
            silent.append((path, node.lineno))
    assert silent == []


def test_http_errors_are_not_taken_from_the_standard_library_client() -> None:
    """`http.client` has an HTTPException too, which no web framework turns into an answer."""
    imports = [
        path
        for path, node in found(ast.ImportFrom)
        if isinstance(node, ast.ImportFrom)
        and (node.module == "http.client" or "client" in {alias.name for alias in node.names})
    ]
    assert imports == []


def test_statistics_are_reported_of_the_right_column() -> None:
    """A profile is each column's own, in whatever order they come, and it changes none."""
    columns = {"b": np.array([3.0, 1.0, 2.0]), "a": np.array([30.0, 10.0, 20.0])}
    before = {name: values.copy() for name, values in columns.items()}
    kinds = {"a": "number", "b": "number"}

    shown = profile(columns, kinds)
    again = profile(dict(sorted(columns.items())), kinds)

    assert shown["a"] == again["a"]
    assert shown["b"] == again["b"]
    assert shown["a"] != shown["b"]
    for name, values in columns.items():
        np.testing.assert_array_equal(values, before[name])
    assert list(columns) == ["b", "a"]


def test_ci_runs_the_tests() -> None:
    """CI calls the verbs that run style, types and all tests, not only a build."""
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert {".ci/first-day", "make lint", "make test-rest"} <= {line.strip() for line in ci}
    assert "make test" in (ROOT / ".ci" / "first-day").read_text(encoding="utf-8").splitlines()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^check: lint test-all\b", makefile, re.MULTILINE)
    assert re.search(r"^test-all:.*\n\t@\$\(PYTEST\) --cov", makefile, re.MULTILINE)


# `PASSWORD: x`, `PASSWORD=x`, `${PASSWORD:-x}`; in code only what stands in quotes is a value.
PASSWORD_IN_TEXT = re.compile(r"PASSWORD['\"]?\s*(?::-|[:=])\s*['\"]?\w", re.IGNORECASE)
PASSWORD_IN_CODE = re.compile(r"PASSWORD\\?['\"]?\s*[:=]\s*\\?['\"][^'\"${\\]", re.IGNORECASE)


def given_passwords(root: Path) -> list[str]:
    """Return the files of a repository that give a password, but for those of tests."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = [name for name in listed.split("\0") if name and not name.startswith("tests/")]
    found = []
    for name in names:
        if (root / name).is_file():
            text = (root / name).read_bytes().decode("utf-8", "replace")
            code = name.endswith((".py", ".ipynb"))
            if (PASSWORD_IN_CODE if code else PASSWORD_IN_TEXT).search(text):
                found.append(name)
    return found


def test_no_file_gives_a_password() -> None:
    """Passwords are made at the first start; no tracked file holds one, wherever it stands."""
    assert given_passwords(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.ini", "[metrics]\npassword = hunter2\n"),
        ("compose/deep/api.yml", "environment:\n  METRICS_PASSWORD: hunter2\n"),
        ("compose/api.yml", "METRICS_PASSWORD: ${METRICS_PASSWORD:-hunter2}"),
        (".devcontainer/devcontainer.json", '{"ADMIN_PASSWORD": "hunter2"}'),
        ("prometheus/nested/Makefile", "export PREDICT_PASSWORD=hunter2"),
        ("api/routes/predict.py", 'METRICS_PASSWORD = "hunter2"'),
        ("ml_pipe/00.ipynb", '{"source": ["PASSWORD = \\"hunter2\\""]}'),
    ],
)
def test_a_given_password_is_found(tmp_path: Path, name: str, text: str) -> None:
    """In any folder and in any kind of file; where one is only named, none is found."""
    named = tmp_path / "compose" / "named.yml"
    named.parent.mkdir()
    named.write_text("METRICS_PASSWORD: ${METRICS_PASSWORD:-}\nPASSWORD=$(cat file)\npassword =\n")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert given_passwords(tmp_path) == []
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert given_passwords(tmp_path) == [name]


INSTALLS = re.compile(r"pip\d? install\b.*(?:-r|--requirement)[ =]")
NAMES_PACKAGES = ("requirements/", "pyproject.toml")


def code_before_packages(dockerfile: str) -> list[str]:
    """Return what is copied into a stage before it installs packages, but what names these.

    A stage begins with what was copied into the one that it is made from.
    """
    copied: dict[str, list[str]] = {}
    here: list[str] = []
    found: list[str] = []
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        word, *rest = line.split() or [""]
        if word == "FROM":
            here = list(copied.get(rest[0], ()))
            copied[rest[-1]] = here
        elif word in {"COPY", "ADD"} and not any(part.startswith("--from=") for part in rest):
            sources = [part for part in rest if not part.startswith("--")][:-1]
            here += [source for source in sources if not source.startswith(NAMES_PACKAGES)]
        elif word == "RUN" and INSTALLS.search(line):
            found += here
    return found


def test_dependencies_are_copied_into_an_image_before_the_code() -> None:
    """A layer of dependencies that changes with every line of code is never reused."""
    dockerfiles = [path.read_text(encoding="utf-8") for path in ROOT.glob("Dockerfile*")]
    installs = [INSTALLS.search(re.sub(r"\\\n", " ", text)) for text in dockerfiles]
    assert installs
    assert None not in installs
    assert [code_before_packages(text) for text in dockerfiles] == [[]] * len(dockerfiles)


@pytest.mark.parametrize(
    ("dockerfile", "code"),
    [
        ("FROM x\nCOPY . .\nCOPY requirements/ r/\nRUN pip install -r r/a.txt", ["."]),
        ("FROM x\nCOPY api/ api/\nRUN pip install \\\n  --requirement a.txt", ["api/"]),
        ("FROM x AS y\nADD --chown=z api/ api/\nFROM y\nRUN pip install -r a.txt", ["api/"]),
        ("FROM x AS y\nRUN pip install -r a.txt\nCOPY . .\nFROM y\nRUN pip install -r b", ["."]),
        ("FROM x\nCOPY requirements/ r/\nRUN pip install -r r/a.txt\nCOPY . .", []),
        ("FROM x AS y\nCOPY . .\nFROM x\nCOPY --from=y /v /v\nRUN pip install -r a.txt", []),
    ],
)
def test_code_before_its_dependencies_is_found(dockerfile: str, code: list[str]) -> None:
    """In the stage itself and in the one that it is made from; what comes after is no matter."""
    assert code_before_packages(dockerfile) == code


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_scaffolding(path: Path) -> None:
    """Every module says what it is for, and no function does nothing."""
    tree = TREES[path]
    if path.name != "_modidx.py":
        assert ast.get_docstring(tree), "a module begins with what it is for"
    protocols = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
        for inner in ast.walk(node)
    }
    idle = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node not in protocols
        and all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in node.body
        )
    ]
    assert idle == []


# Held elsewhere, each by a test that sends requests to the service:
# - unset credentials accept no empty ones: tests/api/auth/test_roles.py
# - one frame and one model call for all rows of a batch: tests/api/batching/test_batcher.py
# - one commit a batch, not one a row: tests/api/batching/test_batcher.py
# - what is no longer served leaves the metrics: tests/api/models/test_model_reloader.py
# - every published time is UTC, and every duration is in seconds: tests/api/routes/test_metrics.py
