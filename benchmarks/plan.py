"""How to measure: what every part of the comparison shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.bench_models import BenchModel, make_model
from benchmarks.machine import Cores
from benchmarks.mixed_model import MIXED, make_mixed_model

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Plan:
    """How to measure, and with what."""

    folder: Path
    """For all files that are written meanwhile; on disk."""
    cores: Cores
    seconds: float
    """How long the load of one run counts."""
    rounds: int
    sides: Sequence[str]
    report: Callable[[str], None]
    """Prints the progress: each value as it is measured."""
    models: dict[str, BenchModel] = field(default_factory=dict)
    """The models made so far."""

    def model(self, name: str) -> BenchModel:
        """Return `tree`, `forest` or `mixed`, made when it is first asked for."""
        if name not in self.models:
            self.report(f"Training and publishing {name}.")
            folder = self.folder / name
            is_mixed = name == MIXED
            self.models[name] = make_mixed_model(folder) if is_mixed else make_model(name, folder)
        return self.models[name]

    def some(self, *sides: str) -> list[str]:
        """Return those of some sides that are to be measured."""
        return [side for side in sides if side in self.sides]

    def interleaved(
        self,
        part: str,
        names: Sequence[str],
        measure: Callable[[str], Measured],
        *,
        rounds: int = 0,
    ) -> dict[str, list[Measured]]:
        """Measure each name once a round, so that other load of the machine meets them all.

        Args:
            part: for the progress.
            names: of sides, or of sizes.
            measure: what is called with each of them.
            rounds: 0 for as many as are planned.

        Returns:
            The values of all rounds by name.
        """
        found: dict[str, list[Measured]] = {name: [] for name in names}
        for number in range(rounds or self.rounds):
            # Back and forth: a steady change meets the first and the last alike.
            for name in names[:: -1 if number % 2 else 1]:
                measured = measure(name)
                found[name].append(measured)
                value = f"{measured:.3g}" if isinstance(measured, float) else f"{measured}"
                self.report(f"{part}, round {number + 1}, {name}: {value}")
        return found
