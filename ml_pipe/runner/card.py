"""The model card: what a version is, how good, and the questions of ethics that it raises."""

from collections.abc import Collection, Mapping

from ml_pipe.runner.summary import Summary
from ml_pipe.runner.table.prepared_table import Facts
from model_store.manifest import measured, shown
from model_store.schema.signature import Column

ASK = "**To be answered by a person.**"

QUESTIONS = (
    ("People first", "Who gains and who could be harmed by these predictions?"),
    ("Transparency", "Do the people concerned know that a model takes part?"),
    ("Explainability", "What does an answer depend on?"),
    ("Fairness", "Is it equally good for everyone?"),
    ("Responsibility", "Who answers for its mistakes, and where are they reported?"),
    ("Privacy", "Is there personal data in it, and on what ground?"),
    ("Security", "What if someone feeds it made-up values?"),
    ("Human control", "Who can overrule an answer, and switch it off?"),
)


def model_card(facts: Facts, summary: Summary, fairness: str, not_compiled: str) -> str:
    """Return the card of a version as Markdown.

    Args:
        facts: what is known of its table.
        summary: what came of the training.
        fairness: what the fairness check found, a sentence.
        not_compiled: why it has no compiled form, a sentence; empty where it has one.
    """
    known = {
        "Explainability": "Most on "
        + ", ".join(cell_text(name) for name in list(summary.importance)[:3])
        + ".",
        "Fairness": fairness,
        "Privacy": _privacy(facts),
        "Responsibility": f"{ASK} The manifest says where this version comes from.",
        "Security": "Values of another kind are refused; values outside the ranges above are "
        f"answered and counted. {ASK}",
        "Human control": f"`mlops models rollback` returns to the version before. {ASK}",
    }
    dropped = [f"{rows} {reason}" for reason, rows in facts.dropped.items() if rows]
    lines = [
        f"# {facts.model}",
        "",
        f"{_article(facts.task)} {facts.task} that predicts `{cell_text(facts.target)}` from "
        f"{len(facts.signature.inputs)} columns. Made from `{cell_text(facts.source)}`"
        + (f", rows left out: {', '.join(dropped)}." if dropped else ".")
        + (f" {cell_text(facts.task_reason)}" if facts.task_reason else ""),
        "",
        "It is served compiled, by ONNX Runtime, which was seen to answer the same."
        if not not_compiled
        else f"It is served by scikit-learn, as it has no compiled form. {cell_text(not_compiled)}",
        "",
        "## How good",
        "",
        *_score_lines(summary),
        "",
        *_guessing_lines(summary),
        *_candidate_lines(summary),
        "## What to beware of",
        "",
        *(
            f"- {cell_text(warning)}"
            for warning in summary.warnings or ("The checks found nothing.",)
        ),
        "",
        "## Columns",
        "",
        "| column | kind | may be missing | seen in training |",
        "| --- | --- | --- | --- |",
        *(_column_line(column, facts.personal) for column in facts.signature),
        "",
        "Not for rows from elsewhere: other times, places or people than in the table above.",
        "",
        "How the table was read:",
        "",
        *(f"- {cell_text(remark)}" for remark in (*facts.remarks, *facts.notes)),
        *(
            f"- The column `{cell_text(name)}` is left out: {cell_text(reason)}"
            for name, reason in facts.left_out.items()
        ),
        "",
        *ethics(known),
    ]
    return "\n".join(lines)


def ethics(known: Mapping[str, str]) -> list[str]:
    """Return the lines of the ethics questions; those without an answer ask for one."""
    lines = ["## Ethics", ""]
    for topic, question in QUESTIONS:
        lines += [f"**{topic}.** {question} {known.get(topic, ASK)}", ""]
    return lines


def _article(noun: str) -> str:
    return "An" if noun[0] in "aeiou" else "A"


def cell_text(text: str) -> str:
    """Return a name as Markdown can show it in a table."""
    return " ".join(text.replace("|", "/").replace("`", "'").split())


def _score_lines(summary: Summary) -> list[str]:
    heads = [*summary.scores, "guessing, test"]
    lines = [f"| score | {' | '.join(heads)} |", f"|{' --- |' * (len(heads) + 1)}"]
    for metric in summary.scores["test"]:
        values = [
            measured(metric, found[metric], summary.errors.get(split))
            if metric == summary.metric
            else measured(metric, found[metric])
            for split, found in summary.scores.items()
        ]
        guess = measured(metric, summary.guessed[metric]) if metric in summary.guessed else ""
        lines.append(f"| {shown(metric, 0)[0]} | {' | '.join([*values, guess])} |")
    if summary.cross_validation:
        lines += ["", f"{cell_text(summary.cross_validation)}."]
    return lines


def _guessing_lines(summary: Summary) -> list[str]:
    found = summary.comparison
    verdict = "It is better than guessing" if found.is_beaten else "It is NOT better than guessing"
    lines = [f"{verdict}, on {found.rows} rows ({found.where}):", ""]
    lines += [f"- {cell_text(look.phrase())}" for look in found.looks] or [
        "- too few rows to compare"
    ]
    return [*lines, ""]


def _candidate_lines(summary: Summary) -> list[str]:
    phrases = [summary.threshold, summary.interval]
    lines = [line for phrase in phrases if phrase for line in (f"{cell_text(phrase)}.", "")]
    lines += [cell_text(summary.decision), ""] if summary.decision else []
    if not summary.candidates:
        return lines
    lines += ["| candidate | score | seconds | chosen |", "| --- | --- | --- | --- |"]
    for each in summary.candidates:
        value = measured(summary.metric, each.score, each.error)
        mark = "yes" if each.chosen else ""
        lines.append(f"| {cell_text(each.name)} | {value} | {each.seconds:.1f} | {mark} |")
    return [*lines, ""]


def _privacy(facts: Facts) -> str:
    if not facts.personal:
        return ASK
    names = ", ".join(map(cell_text, facts.personal))
    return (
        f"{names}: personal by the settings. No range, example or golden row of this version holds "
        f"a value of them; the model has learnt from them. {ASK}"
    )


def _column_line(column: Column, personal: Collection[str]) -> str:
    seen = "not shown: personal" if column.name in personal else ""
    seen = seen if column.minimum is None else f"{_end(column.minimum)} to {_end(column.maximum)}"
    if column.categories:
        seen = ", ".join(map(cell_text, column.categories[:10]))
        seen += ", …" if len(column.categories) > 10 else ""  # noqa: PLR2004 - a line's worth
    kind = str(column.kind)
    if column.shape:
        kind = f"{kind} of {'x'.join(map(str, column.shape))} {column.dtype}"
    return f"| {cell_text(column.name)} | {kind} | {'yes' if column.nullable else 'no'} | {seen} |"


def _end(value: float | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
