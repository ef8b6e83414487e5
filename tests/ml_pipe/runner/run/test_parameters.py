"""The parameters that a notebook declares, and the values that they take."""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.parameters import declared


def notebook(source: str) -> Any:
    """A notebook with this parameters cell."""
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("declaration", "given", "read"),
    [
        ("p: int = 1", "12", 12),
        ("p: int = 1", 12.0, 12),
        ("p: float = 1.0", "0.5", 0.5),
        ("p: float = 1.0", 2, 2.0),
        ("p: float | None = None", "", None),
        ("p: float | None = None", "none", None),
        ("p: float | None = None", "1e-3", 0.001),
        ("p: bool = False", "True", True),
        ("p: bool = True", False, False),
        ("p: str = ''", "0012", "0012"),
        ("p: list[str] = []", "a, b", ["a", "b"]),
        ("p: list[str] = []", '["a, b", "c"]', ["a, b", "c"]),
        ("p: list[str] = []", ("a",), ["a"]),
        ("p: list[str] = []", "", []),
        ("p: Path | str = ''", "sub/../table.csv", "/base/table.csv"),
        ("p: Path | str = ''", "/elsewhere/table.csv", "/elsewhere/table.csv"),
    ],
)
def test_a_value_is_read_in_its_declared_type(
    declaration: str, given: object, read: object
) -> None:
    """Texts come from the command line, others from TOML and callers."""
    value = declared(notebook(declaration))["p"].read(given, Path("/base"))
    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("declaration", "given"),
    [
        ("p: int = 1", "1.5"),
        ("p: int = 1", 1.5),
        ("p: int = 1", True),
        ("p: int = 1", None),
        ("p: int = 1", ""),
        ("p: float = 1.0", "nan"),
        ("p: float = 1.0", "much"),
        ("p: bool = False", "yes"),
        ("p: bool = False", 1),
        ("p: str = ''", 7),
        ("p: list[str] = []", 7),
        ("p: list[str] = []", [1]),
        ("p: list[str] = []", "[1"),
        ("p: Path | str = ''", 7),
    ],
)
def test_a_value_of_another_type_is_refused(declaration: str, given: object) -> None:
    """The sentence names the parameter and shows how it is given."""
    with pytest.raises(PipelineError, match=r'The parameter "p" must be .*, as in p='):
        declared(notebook(declaration))["p"].read(given, Path("/base"))


@pytest.mark.parametrize("source", ["p = 1", "print(1)", "p: int", "(", "p.q: int = 1"])
def test_a_parameters_cell_holds_annotated_assignments_only(source: str) -> None:
    """Whatever else it holds would run, or be overlooked."""
    with pytest.raises(PipelineError, match="The cell tagged `parameters`"):
        declared(notebook(source))


def test_a_notebook_need_not_declare_any() -> None:
    """An untagged cell declares nothing."""
    cell = nbformat.v4.new_code_cell("p: int = 1")
    assert declared(nbformat.v4.new_notebook(cells=[cell])) == {}
