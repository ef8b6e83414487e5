"""What the faults found, fault by fault: counts, not "passes"."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.ledger import Comparison

_HEADS = (
    "fault",
    "rounds",
    "sent",
    "answered 200",
    "unknown",
    "lost",
    "duplicated",
    "mismatched",
    "of the fault itself",
)


@dataclass
class Fault:
    """The counts of one fault, over all its rounds."""

    name: str
    rounds: int = 0
    found: Comparison = field(default_factory=Comparison)
    own: dict[str, float] = field(default_factory=dict)
    """The fault's own counts, by what they count, with their unit."""

    def add(self, found: Comparison, rounds: int = 1) -> None:
        """Count a round, or those that one service and one ledger went through.

        Raises:
            AssertionError: the promise was not kept in it.
        """
        self.rounds += rounds
        self.found += found
        assert found.holds, f"{self.name}: {found}"

    def count(self, what: str, number: float = 1) -> None:
        """Add to one of the fault's own counts."""
        self.own[what] = self.own.get(what, 0) + number

    def most(self, what: str, number: float) -> None:
        """Keep the greatest of the numbers."""
        self.own[what] = max(self.own.get(what, number), number)

    def row(self) -> tuple[str, ...]:
        """Return the fault as a row of the table."""
        found = self.found
        counts = (
            self.rounds,
            found.sent,
            found.answered + found.unlogged,
            found.unknown,
            found.lost,
            found.duplicated,
            # An answer to another request, or of another version, is no match either.
            found.mismatched + found.wrong + found.unasked,
        )
        own = "; ".join(f"{what} {_text(number)}" for what, number in self.own.items())
        return (self.name, *(f"{count:,}" for count in counts), own)


def _text(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.2f}"


def table(faults: Sequence[Fault]) -> str:
    """Return the faults as a table in Markdown, which is also readable as text."""
    rows = [_HEADS, *(fault.row() for fault in faults)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [_line(row, widths) for row in rows]
    right = [*range(1, len(_HEADS) - 1)]
    rule = [("-" * (w - 1) + ":") if i in right else "-" * w for i, w in enumerate(widths)]
    return "\n".join([lines[0], _line(rule, widths), *lines[1:], ""])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if 0 < column < len(_HEADS) - 1 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def write(faults: Sequence[Fault], folder: Path) -> None:
    """Write the faults as `faults.md` and `faults.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.md").write_text(table(faults))
    listed = [
        {
            "fault": fault.name,
            "rounds": fault.rounds,
            **{name: value for name, value in vars(fault.found).items() if name != "refused"},
            "refused": {str(status): n for status, n in sorted(fault.found.refused.items())},
            "own": fault.own,
        }
        for fault in faults
    ]
    (folder / "faults.json").write_text(json.dumps(listed, indent=2) + "\n")
