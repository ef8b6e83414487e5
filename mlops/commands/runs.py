"""`mlops runs`: what was trained, what came of it, and how two runs differ."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from mlops.commands.settings import load_settings
from mlops.commands.train import CANNOT_TRAIN, can_train
from mlops.console import Exit, JsonOption, fail, print_json, print_table, say
from model_store.manifest import measured, shown

if TYPE_CHECKING:
    from ml_pipe.runner.run.run_folder import Run
    from ml_pipe.runner.summary import Summary

app = typer.Typer(no_args_is_help=True, help="List, show and compare trainings.")

RunName = Annotated[str, typer.Argument(help="A run's id, its beginning, or `last`.")]
Most = Annotated[int, typer.Option(min=1, help="How many runs to list, the newest.")]

_MEASURED_BY = ("model", "task", "target", "table", "rows")
"""Where two runs differ in one of these facts, their scores are of other rows or answers."""


@app.command("list")
def list_runs(*, most: Most = 20, as_json: JsonOption = False) -> None:
    """List the newest runs, the newest last: also those that were refused, or failed."""
    runs = list(_past_runs().items())[-most:]
    if as_json:
        print_json([_row(folder, run) for folder, run in runs])
        return
    print_table(
        ["Run", "State", "Score, or the reason"],
        [(run.run, run.outcome.state, _short(run)) for _, run in runs],
    )


@app.command()
def show(run: RunName = "last", *, as_json: JsonOption = False) -> None:
    """Show what came of a run: scores, columns, warnings, or the reason of its end."""
    folder, found = _found(run)
    if as_json:
        print_json(_row(folder, found) | {"run_json": msgspec.to_builtins(found)})
        return
    outcome = found.outcome
    say(f"{found.run}: {outcome.state} after {outcome.seconds:.0f} s")
    if outcome.summary:
        say(outcome.summary.text(str(folder)))
    else:
        say(f"Its folder is {folder}")
    if outcome.reason:
        say(f"\n{outcome.reason}")


@app.command()
def compare(first: RunName, second: RunName = "last", *, as_json: JsonOption = False) -> None:
    """Compare two runs: the parameters that differ, and the scores of each split."""
    runs = [_found(name)[1] for name in (first, second)]
    parameters = _differing(*(dict(run.parameters) for run in runs))
    facts = _differing(*(_facts(run) for run in runs))
    scores = _scores(*(run.outcome.summary for run in runs))
    if as_json:
        print_json(
            {
                "runs": [run.run for run in runs],
                "parameters": parameters,
                "facts": facts,
                "scores": scores,
            }
        )
        return
    say(f"A  {runs[0].run}: {runs[0].outcome.state}")
    say(f"B  {runs[1].run}: {runs[1].outcome.state}")
    differing = {**parameters, **facts}
    if differing:
        rows = [(name, _text(each["A"]), _text(each["B"])) for name, each in differing.items()]
        print_table(["What differs", "A", "B"], rows)
    else:
        say("Their parameters are the same.")
    if other := [name for name in _MEASURED_BY if name in facts]:
        say(f"They differ in {' and '.join(other)}: their scores are not of the same.")
    print_table(
        ["Score", "A", "B", "B - A"],
        [
            (
                f"{shown(each['metric'], 0)[0]}, {each['split']}",
                _number(each["metric"], each["A"]),
                _number(each["metric"], each["B"]),
                _change(each),
            )
            for each in scores
        ],
    )


def _past_runs() -> "dict[Path, Run]":
    """Return the runs by folder, the newest last."""
    if not can_train():
        fail(f"{CANNOT_TRAIN} Its runs are where models are trained.")
    # An image that only serves has no notebooks, nor what runs them.
    from ml_pipe.runner.run.run_folder import past_runs  # noqa: PLC0415

    return past_runs(load_settings().local_data)


def _row(folder: Path, run: "Run") -> dict[str, Any]:
    outcome, summary = run.outcome, run.outcome.summary
    return {
        "run": run.run,
        "pipeline": run.pipeline,
        "state": outcome.state,
        "reason": outcome.reason,
        "model": summary.model if summary else "",
        "version": outcome.version,
        "metric": summary.metric if summary else "",
        "test": summary.scores["test"][summary.metric] if summary else None,
        "seconds": outcome.seconds,
        "folder": str(folder),
    }


def _short(run: "Run") -> str:
    """Return a run's score, and why it published nothing."""
    summary, reason = run.outcome.summary, run.outcome.reason
    parts = []
    if summary:
        metric = summary.metric
        value = measured(metric, summary.scores["test"][metric], summary.errors.get("test"))
        parts.append(f"{summary.model}: {shown(metric, 0)[0]} {value} on test")
    # Where a cell failed stands before the error's own sentence.
    sentence = reason.rpartition("Error: ")[2].partition(". ")[0]
    return "\n".join([*parts, *filter(None, [sentence])])


def _found(name: str) -> "tuple[Path, Run]":
    """Return the one run that a name means."""
    runs = _past_runs()
    if not runs:
        fail("There are no runs yet: `mlops train` makes one.", Exit.NOT_FOUND)
    if name == "last":
        return list(runs.items())[-1]
    found = [(folder, run) for folder, run in runs.items() if run.run.startswith(name)]
    exact = [each for each in found if each[1].run == name]
    if len(exact or found) != 1:
        what = "no run" if not found else f"{len(found)} runs"
        fail(f'"{name}" means {what}: `mlops runs list` has their names.', Exit.NOT_FOUND)
    return (exact or found)[0]


def _facts(run: "Run") -> dict[str, Any]:
    """Return what two runs may differ in besides their parameters and scores."""
    summary = run.outcome.summary
    facts: dict[str, Any] = {
        "git head": run.context.git_head[:12],
        "notebooks": ", ".join(f"{name} {digest[:8]}" for name, digest in run.notebooks.items()),
        "seconds": run.outcome.seconds,
    }
    if summary:
        facts |= {
            "model": summary.model,
            "task": summary.task,
            "target": summary.target,
            "table": summary.source,
            "rows": sum(summary.rows.values()),
            "columns": ", ".join(summary.columns),
            "threshold": summary.threshold,
            "warnings": len(summary.warnings),
        }
    return facts


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    names = [*first, *(name for name in second if name not in first)]
    return {
        name: {"A": first.get(name), "B": second.get(name)}
        for name in names
        if first.get(name) != second.get(name)
    }


def _scores(first: "Summary | None", second: "Summary | None") -> list[dict[str, Any]]:
    """Return the scores of both, by split and metric."""
    both = [each.scores if each else {} for each in (first, second)]
    splits = dict.fromkeys(split for scores in both for split in scores)
    metrics = dict.fromkeys(m for scores in both for found in scores.values() for m in found)
    rows: list[dict[str, Any]] = []
    for metric in metrics:
        for split in splits:
            values = [scores.get(split, {}).get(metric) for scores in both]
            if values != [None, None]:
                rows.append({"metric": metric, "split": split, "A": values[0], "B": values[1]})
    return rows


def _number(metric: str, value: float | None) -> str:
    return "" if value is None else measured(metric, value)


def _change(each: Mapping[str, Any]) -> str:
    if each["A"] is None or each["B"] is None:
        return ""
    values = [shown(each["metric"], each[side])[1] for side in ("A", "B")]
    return f"{values[1] - values[0]:+.3g}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
