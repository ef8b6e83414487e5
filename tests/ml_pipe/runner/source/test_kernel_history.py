"""What a kernel ran, held against what a notebook's file holds."""

from pathlib import Path

import nbformat
import pytest

from ml_pipe.runner.source.kernel_history import definitions, not_run, own_notebook, ran

RULE = "#| export\nLIMIT = 3\n\ndef rule():\n    return LIMIT"
EDITED = RULE.replace("3", "4")
IMPORTS = "#| export\nimport re\nimport json"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook with cells of imports, of a rule, and one that is not exported."""
    cells = [nbformat.v4.new_code_cell(source) for source in (IMPORTS, RULE, "LIMIT = 5")]
    path = tmp_path / "00_rule.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize(
    ("history", "differing"),
    [
        ([IMPORTS, RULE], []),
        ([RULE, IMPORTS, IMPORTS], []),
        ([IMPORTS, EDITED, RULE], []),
        ([IMPORTS, RULE, EDITED], ["LIMIT", "rule"]),
        ([IMPORTS], ["LIMIT", "rule"]),
        ([IMPORTS, RULE, RULE.replace("rule", "rename").replace("LIMIT", "OTHER")], []),
        ([IMPORTS.replace("json", "ast"), RULE], ["`import re`"]),
        ([IMPORTS, RULE, "#| export\nthis is no Python"], []),
    ],
)
def test_what_a_name_means_is_what_ran_last(
    notebook: Path, history: list[str], differing: list[str]
) -> None:
    """Whatever ran before, or in which order; a name that the file has no more says nothing."""
    assert not_run(notebook, definitions(history)) == differing


def test_a_process_that_is_no_kernel_ran_nothing(tmp_path: Path, notebook: Path) -> None:
    """Nor is any notebook its own."""
    assert ran() == []
    assert own_notebook(notebook.parent) is None
