"""The report shows every fault with its counts, also of one that broke the promise."""

import json
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.ledger import Comparison
from tests.faults.report import Fault


def test_a_broken_promise_fails_and_is_counted(tmp_path: Path) -> None:
    """What was lost, duplicated and mismatched stands in the table and in the JSON."""
    fault = Fault("pull the plug")
    fault.add(Comparison(sent=2000, answered=1999, unknown=1))
    with pytest.raises(AssertionError, match="pull the plug"):
        fault.add(Comparison(sent=10, answered=10, lost=3, duplicated=2, mismatched=1))
    fault.count("plugs", 2)
    report.write([fault], tmp_path)
    row = (tmp_path / "faults.md").read_text().splitlines()[2]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["pull the plug", "2", "2,010", "2,009", "1", "3", "2", "1", "plugs 2"]
    [listed] = json.loads((tmp_path / "faults.json").read_text())
    assert (listed["fault"], listed["rounds"], listed["lost"]) == ("pull the plug", 2, 3)
    assert listed["own"] == {"plugs": 2}
