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
PACKAGES = ("api", "ml_pipe", "mlops", "model_store", "monitoring")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def found(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    """Yield every node of a kind in our own code."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node


def test_no_module_edits_the_import_path() -> None:
    """Modules are found because they are installed, not because a module edits `sys.path`."""
    edits = [
        (path, node.lineno)
        for path, node in found(ast.Attribute)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
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
        for _, node in found(ast.ClassDef)
        if isinstance(node, ast.ClassDef)
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


def test_statistics_are_told_of_the_right_column() -> None:
    """A profile is each column's own, in whatever order they come, and it changes none."""
    columns = {"b": np.array([3.0, 1.0, 2.0]), "a": np.array([30.0, 10.0, 20.0])}
    before = {name: values.copy() for name, values in columns.items()}
    kinds = {"a": "number", "b": "number"}

    told = profile(columns, kinds)
    again = profile(dict(sorted(columns.items())), kinds)

    assert told["a"] == again["a"]
    assert told["b"] == again["b"]
    assert told["a"] != told["b"]
    for name, values in columns.items():
        np.testing.assert_array_equal(values, before[name])
    assert list(columns) == ["b", "a"]


def test_ci_runs_the_tests() -> None:
    """CI calls the verb that runs style, types and the whole suite, not only a build."""
    assert "\nmake check\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^check: lint test\b", makefile, re.MULTILINE)
    assert re.search(r"^test:.*\n\t@\$\(BIN\)/python -m pytest", makefile, re.MULTILINE)


def test_no_file_gives_a_password() -> None:
    """Passwords are made at the first start; no tracked configuration holds one."""
    given = re.compile(r"PASSWORD['\"]?\s*[:=]\s*['\"]?(?!\$|\{|$)[\w-]+", re.IGNORECASE)
    assert given.search("METRICS_PASSWORD: hunter2"), "the search itself would miss one"
    files = [
        path
        for pattern in ("*.ini", "*.yml", "*.yaml", "*.toml", "Dockerfile", "*.sh", "Makefile")
        for path in ROOT.glob(pattern)
    ]
    assert files
    assert [path for path in files if given.search(path.read_text(encoding="utf-8"))] == []


def test_dependencies_are_copied_into_an_image_before_the_code() -> None:
    """A layer of dependencies that changes with every line of code is never reused."""

    def code_comes_first(dockerfile: str) -> bool:
        copies = re.findall(r"^COPY (?:--\S+ )*(\S+)", dockerfile, re.MULTILINE)
        return "." in copies and not any("requirements" in c for c in copies[: copies.index(".")])

    assert code_comes_first("FROM x\nCOPY . .\nCOPY requirements/ r/\nRUN pip install -r r/a.txt")
    assert not code_comes_first(
        "FROM x\nCOPY requirements/ r/\nRUN pip install -r r/a.txt\nCOPY . ."
    )
    for dockerfile in ROOT.glob("Dockerfile*"):
        assert not code_comes_first(dockerfile.read_text(encoding="utf-8"))


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
# - unset credentials accept no empty ones: tests/api/test_gate.py
# - one frame and one model call for all rows of a batch: tests/api/test_engine.py
# - one commit a batch, not one a row: tests/api/test_engine.py
# - what is no longer served leaves the metrics: tests/api/test_model_watcher.py
# - every published time is UTC, and every duration is in seconds: tests/api/test_metrics.py
