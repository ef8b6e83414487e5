"""A run as the first notebook leaves it, without the notebook."""

from pathlib import Path

from ml_pipe.runner.loading import RunData
from ml_pipe.runner.table.prepared_table import Facts, Prepared


def run_from(prepared: Prepared, folder: Path) -> RunData:
    """Return what `load` gives for a prepared table."""
    facts = Facts(
        model="m",
        task=prepared.task,
        target=prepared.target,
        source="m.csv",
        fingerprint="",
        dropped={},
        remarks=[],
        signature=prepared.signature,
        task_reason=prepared.task_reason,
    )
    return RunData(prepared.table, facts, folder)
