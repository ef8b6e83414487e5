"""The model card of what came from elsewhere: what is known of it, and what nobody here knows."""

from collections.abc import Sequence

from ml_pipe.runner.card import cell_text, ethics
from mlops.exchange.judgement import Judgement
from mlops.exchange.wants import Examples
from model_store.manifest import measured, shown
from model_store.schema.signature import Column

_UNKNOWN = (
    "What it learnt from is not known here. Its scores count only as far as it has not learnt from "
    "the examples."
)


def imported_card(  # noqa: PLR0913 - all that is known of it, each by its name
    model: str,
    examples: Examples,
    judged: Judgement,
    *,
    file: str,
    table: str,
    reason: str,
    notes: Sequence[str],
) -> str:
    """Return the card of an imported version, as Markdown.

    Args:
        model: its name.
        examples: the rows that it was tried on.
        judged: how good it was.
        file: the name of its own file.
        table: the name of the file of the examples.
        reason: why it has no compiled form, a sentence; empty where it has one.
        notes: what else to know of it, sentences.
    """
    signature = examples.signature
    dropped = [f"{rows} {why}" for why, rows in examples.dropped.items() if rows]
    left_out = [
        f"The column {cell_text(n)} is not used: {why}." for n, why in examples.left_out.items()
    ]
    lines = [
        f"# {cell_text(model)}",
        "",
        f"A {examples.task} that predicts `{cell_text(signature.outputs[0].name)}` from "
        f"{len(signature.inputs)} columns. It was trained elsewhere, and imported from "
        f"`{cell_text(file)}` with {len(examples.truth)} examples of `{cell_text(table)}`"
        + (f", rows left out: {', '.join(dropped)}." if dropped else "."),
        "",
        "It is served by ONNX Runtime."
        if not reason
        else f"It is served by its estimator, as it has no compiled form. {cell_text(reason)}",
        "",
        "## How good",
        "",
        "| score | on the examples |",
        "| --- | --- |",
        *(f"| {shown(m, 0)[0]} | {measured(m, value)} |" for m, value in judged.scores.items()),
        "",
        _compared(judged),
        "",
        *(f"- {cell_text(look.phrase())}" for look in judged.comparison.looks),
        "",
        "## What to beware of",
        "",
        *(f"- {cell_text(note)}" for note in (_UNKNOWN, *judged.comparison.remarks, *notes)),
        "",
        "## Columns",
        "",
        "| column | kind | may be missing | seen in the examples |",
        "| --- | --- | --- | --- |",
        *(_column_line(column) for column in signature),
        "",
        *(f"- {cell_text(note)}" for note in (*examples.notes, *left_out)),
        "",
        *ethics({}),
    ]
    return "\n".join(lines)


def _compared(judged: Judgement) -> str:
    found = judged.comparison
    verdict = "better" if found.is_beaten else "NOT better"
    return f"It is {verdict} than guessing, on {found.rows} rows ({found.where}):"


def _column_line(column: Column) -> str:
    seen = ", ".join(map(cell_text, column.categories[:12]))
    if column.minimum is not None:
        seen = f"{column.minimum} to {column.maximum}"
    missing = "yes" if column.nullable else "no"
    return f"| {cell_text(column.name)} | {column.kind} | {missing} | {seen} |"
