"""The folder of reports: what a report is called, and which one is the newest."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

# Beside them stand the reports of benchmarks, and Evidently's pages, which run scripts.
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z\.html")


class ReportFolder:
    """Where `mlops report` writes, and `GET /monitoring` reads."""

    def __init__(self, local_data: Path) -> None:
        self.path = local_data / "reports"

    def new(self, now: datetime) -> Path:
        """Return where a report of this moment goes."""
        return self.path / f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.html"

    def newest(self) -> Path | None:
        """Return the newest report; None where there is none. A link is no report."""
        try:
            with os.scandir(self.path) as entries:
                names = [
                    entry.name
                    for entry in entries
                    if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                ]
        except FileNotFoundError:
            return None
        return self.path / max(names) if names else None
