"""What else below `local_data` may hold a person: reports, and what a restore moved aside."""

import html
from collections.abc import Iterable
from pathlib import Path


def copies_with(local_data: Path, values: Iterable[str]) -> list[str]:
    """Return the files and folders to remove, below `local_data`.

    A report is named if one of the values stands in it; what was moved aside, in any case.

    Raises:
        OSError: a report cannot be read.
    """
    texts = [form.encode() for value in values for form in {value, html.escape(value)}]
    reports = [
        path
        for path in sorted((local_data / "reports").rglob("*"))
        if path.is_file() and any(text in path.read_bytes() for text in texts)
    ]
    aside = sorted(local_data.glob("before-restore-*"))
    return [path.relative_to(local_data).as_posix() for path in (*reports, *aside)]
