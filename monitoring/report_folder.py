"""The folder of reports: what a report is called, and which one is the newest."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

# Beside them stand reports of a part, of benchmarks, and Evidently's pages, which run scripts.
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z\.html")


class ReportFolder:
    """Where `mlops report` writes, and `GET /monitoring` reads."""

    def __init__(self, local_data: Path) -> None:
        self.path = local_data / "reports"

    def new(self, now: datetime, *, whole: bool = True) -> Path:
        """Return where a report of this moment goes; `newest` knows only those of the whole log."""
        return self.path / f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{'' if whole else '_part'}.html"

    def newest(self) -> Path | None:
        """Return the newest report, by its name; None where there is none. A link is no report.

        Modification times come from the same clock, and a copy has another.

        Raises:
            OSError: The folder cannot be read.
        """
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
