"""The report of the comparison: a table for people, JSON for scripts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.results import Result
from benchmarks.server_runs import SIDES

_NONE = "-"
_REACHED = {True: "yes", False: "**no**", None: _NONE}
_DIGITS = {"/s": 0, "s": 2, "ms": 2, "us": 1, "MB": 0}


def markdown(results: Iterable[Result]) -> str:
    """Return the tables: the sides compared, and the service compared with itself."""
    results = list(results)
    compared = [result for result in results if not _is_growth(result)]
    tables = []
    if compared:
        heads = ["work", *SIDES, "x plain", "x limit", "must reach", "reached"]
        tables.append(_table(heads, [_compared(result) for result in compared]))
    if grown := [row for result in results if _is_growth(result) for row in _grown(result)]:
        tables.append(_table(["case", "service", "x first", "must reach", "reached"], grown))
    return "\n".join(tables)


def as_json(results: Iterable[Result], plan: dict[str, Any], machine: dict[str, Any]) -> bytes:
    """Return everything that was measured, and on what."""
    report = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": plan,
        "machine": machine,
        "results": [result.as_json() for result in results],
    }
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def write_report(
    folder: Path, results: Sequence[Result], plan: dict[str, Any], machine: dict[str, Any]
) -> None:
    """Write `bench.json`, `bench.md` and `bench.svg` into a folder."""
    # Drawing takes a second to import, and is for the end.
    from benchmarks.bench_plot import draw  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_bytes(as_json(results, plan, machine))
    (folder / "bench.md").write_text(markdown(results) + "\n" + caption(plan, machine) + "\n")
    draw(results, folder / "bench.svg")


def caption(plan: dict[str, Any], machine: dict[str, Any]) -> str:
    """Return a sentence on how the numbers came about."""
    pinned = "on a core of its own" if plan["pinned"] else "sharing one core with the load"
    packages = machine["packages"]
    return (
        f"Medians of {plan['rounds']} interleaved rounds of {plan['seconds']:g} s; "
        f"{plan['connections']} connections, one process {pinned}; other processes took "
        f"{plan['others_share']:.0%} of the time of the cores in use; {machine['processor']}, "
        f"Python {machine['python']}, scikit-learn {packages['scikit-learn']}, "
        f"ONNX Runtime {packages['onnxruntime']}; commit {machine['commit'] or 'unknown'}."
    )


def _is_growth(result: Result) -> bool:
    return not set(result.runs) <= set(SIDES)


def _compared(result: Result) -> list[str]:
    medians = result.medians
    served = f" ({', '.join(result.forms)})" if any(result.forms) else ""
    return [
        result.title + served,
        *(_value(medians.get(side), result.unit) for side in SIDES),
        *(_ratio(result.ratio(side)) for side in ("plain", "limit")),
        ", ".join(demand.text(result.unit) for demand in result.demands),
        _REACHED[result.reached],
    ]


def _grown(result: Result) -> list[list[str]]:
    medians = result.medians
    first = next(iter(medians))
    demands = {demand.of: demand for demand in result.demands}
    return [
        [
            f"{result.title} {name}",
            _value(value, result.unit),
            _ratio(result.ratio(first, name)),
            demands[name].text(result.unit) if name in demands else _NONE,
            _REACHED[demands[name].reached(medians) if name in demands else None],
        ]
        for name, value in medians.items()
    ]


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return _NONE
    space = "" if unit == "/s" else " "
    return f"{value:,.{_DIGITS[unit]}f}{space}{unit}"


def _ratio(ratio: float | None) -> str:
    return _NONE if ratio is None else f"{ratio:.2f}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown whose columns also line up as plain text."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |\n"
        for line in lines
    )
