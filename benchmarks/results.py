"""What was measured, what it must reach, and whether it did."""

import statistics
from typing import Any

import msgspec

SERVICE = "service"


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a median must reach."""

    factor: float
    of: str = SERVICE
    """Whose median."""
    against: str = ""
    """The median that `factor` multiplies; empty: `factor` is the value itself."""
    at_most: bool = False
    """Whether less is better."""
    plus: float = 0
    """What is added to the product."""

    def limit(self, medians: dict[str, float]) -> float | None:
        """Return the value to reach; None where what it depends on was not measured."""
        if not self.against:
            return self.factor
        if self.against not in medians:
            return None
        return self.factor * medians[self.against] + self.plus

    def reached(self, medians: dict[str, float]) -> bool | None:
        """Return whether it is reached; None where that was not measured."""
        limit = self.limit(medians)
        if limit is None or self.of not in medians:
            return None
        return medians[self.of] <= limit if self.at_most else medians[self.of] >= limit

    def text(self, unit: str) -> str:
        """Return it in words: `5 x plain`, `at most 5 ms`."""
        value = f"{self.factor:g} x {self.against}" if self.against else f"{self.factor:g} {unit}"
        value = f"{value} + {self.plus:g} {unit}" if self.plus else value
        return f"at most {value}" if self.at_most else value


class Sample(msgspec.Struct, frozen=True):
    """One run of one server under a closed loop."""

    rate: float
    """Requests a second."""
    p50: float
    """Microseconds."""
    p99: float
    """Microseconds."""
    cpu: float
    """Microseconds of the server's processor time a request."""
    peak_bytes: int
    form: str = ""
    """As what the service served the model."""

    def __str__(self) -> str:
        """Return it for a person who waits."""
        return (
            f"{self.rate:,.0f}/s, median {self.p50 / 1e3:.2f} ms, p99 {self.p99 / 1e3:.2f} ms, "
            f"{self.cpu:,.0f} us of processor, {self.peak_bytes / 1e6:.0f} MB {self.form}"
        )


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report: a value for each side, or for each size, and what it must reach."""

    part: str
    title: str
    unit: str
    """`/s`, `s`, `ms`, `us` or `MB`."""
    runs: dict[str, list[float]]
    """The values of all rounds, by side or by size."""
    demands: tuple[Demand, ...]
    samples: dict[str, list[Sample]] = {}
    """All that is known of the same runs, where they were under load."""

    @property
    def medians(self) -> dict[str, float]:
        """The values that are reported."""
        return {name: statistics.median(values) for name, values in self.runs.items()}

    @property
    def forms(self) -> list[str]:
        """As what the service served the model; more than one would be odd."""
        return sorted({sample.form for sample in self.samples.get(SERVICE, ())})

    def ratio(self, against: str, of: str = SERVICE) -> float | None:
        """Return how many times the one median is the other; None where one is missing."""
        medians = self.medians
        if of not in medians or against not in medians:
            return None
        return medians[of] / medians[against]

    @property
    def reached(self) -> bool | None:
        """Whether every demand is reached; None where one was not measured."""
        verdicts = [demand.reached(self.medians) for demand in self.demands]
        return None if None in verdicts else all(verdicts)

    def as_json(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        medians = self.medians
        demands = [
            {
                "text": demand.text(self.unit),
                "of": demand.of,
                "limit": demand.limit(medians),
                "reached": demand.reached(medians),
            }
            for demand in self.demands
        ]
        others = [name for name in medians if name != SERVICE]
        return {
            "part": self.part,
            "title": self.title,
            "unit": self.unit,
            "medians": medians,
            "runs": self.runs,
            "ratios": {name: self.ratio(name) for name in others if SERVICE in medians},
            "demands": demands,
            "forms": self.forms,
            "samples": msgspec.to_builtins(self.samples),
        }
