"""The service's ledger against ours: a server that answers without logging is not fast."""

from pathlib import Path

from benchmarks.errors import LoadError
from monitoring.log.reading.reader import LogReader


def logged_requests(log: Path) -> int:
    """Return how many answered requests a log counts; 0 where there is none."""
    if not log.exists():
        return 0
    return sum(total.requests for total in LogReader(log).totals() if total.outcome == "answered")


def check_ledger(log: Path, *, answered: int, uncounted: int = 0) -> None:
    """Assert that each answered request is in the log, once.

    Args:
        log: the database file.
        answered: how many answers arrived since the log was made.
        uncounted: how many more requests may have been answered without anybody listening.

    Raises:
        LoadError: the numbers differ, or the log's totals differ from its rows.
    """
    if not LogReader(log).check().holds:
        raise LoadError(f"The totals of {log} differ from its rows.")
    logged, most = logged_requests(log), answered + uncounted
    if not answered <= logged <= most:
        raise LoadError(f"{answered} to {most} requests were answered, and {logged} are logged.")
