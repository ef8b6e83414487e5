"""A version's section: its inputs and outputs, its live scores and its worst rows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.pages.wording import counted, duration, moment, number, percent, short_moment
from mlops.report.page.column_view import ColumnView, column_view
from mlops.report.page.findings import VersionFindings, WorstRow, WorstRows
from mlops.report.page.pictures import Ends, Figure, Key, Line, lines_over_time
from mlops.report.page.values import logged_value
from mlops.report.page.verdict import SCORE_NAMES, Verdict, is_low
from monitoring.feedback.live_scores import LiveScores
from monitoring.log.database.views import Side
from monitoring.log.privacy import is_hash

MOST_CARDS = 12
"""Maximum number of columns that are shown at once, the most drifted; the others are folded."""
_MAIN_SCORES = ("accuracy", "f1_macro", "mean_absolute_error", "r2")
_BOUNDED = ("accuracy", "f1_macro", "r2")
_HIDDEN = "hidden (personal)"


class SideView(NamedTuple):
    """The inputs of a version, or its outputs."""

    title: str
    meaning: str
    cards: list[ColumnView]
    """The most drifted columns first."""
    folded: list[ColumnView]
    drift: list[tuple[str, str, str, str, str]]
    """The drift of every column, the most drifted first."""


class ScoresView(NamedTuple):
    """The live scores of a version."""

    meaning: str
    headings: list[str]
    rows: list[tuple[str, ...]]


class CurveView(NamedTuple):
    """One score over time."""

    title: str
    figure: Figure
    rows: list[tuple[str, str, str, str]]
    """From, to, labelled rows and score of each period."""


class WorstRowView(NamedTuple):
    """A row that somebody should look at."""

    request_id: str
    place: int
    """Its place in the request, from 0 on."""
    like_it: str
    """How many rows are equal to it; empty where none is."""
    cells: list[str]


class WorstRowsView(NamedTuple):
    """A table of such rows."""

    title: str
    meaning: str
    headings: list[str]
    rows: list[WorstRowView]


class VersionView(NamedTuple):
    """The section of a version, as `version.html` shows it."""

    key: str
    """The anchor of the section."""
    name: str
    verdict: Verdict
    aliases: tuple[str, ...]
    """None of a version that the service does not serve."""
    facts: dict[str, str]
    sides: list[SideView]
    scores: ScoresView | None
    curve: CurveView | None
    worst: list[WorstRowsView]
    missing: list[str]


def version_view(
    found: VersionFindings, judged: Verdict, key: str, personal: frozenset[str]
) -> VersionView:
    """Return the section of a version; `key` is its anchor, `personal` names hidden columns."""
    sides = [
        _side(found, "input", "Inputs", "The columns that the model predicts from."),
        _side(found, "output", "Outputs", "The predictions of the model."),
    ]
    scores = _scores(found)
    return VersionView(
        key,
        found.name,
        judged,
        found.aliases,
        _facts(found),
        [side for side in sides if side],
        scores,
        _curve(found) if scores else None,
        [_worst(worst, found, personal) for worst in found.worst],
        found.missing,
    )


def _facts(found: VersionFindings) -> dict[str, str]:
    traffic, manifest = found.traffic, found.manifest
    facts = {"rows answered": number(traffic.rows), "requests": number(traffic.requests)}
    if found.observation:
        facts["newest rows compared"] = number(found.observation.rows)
    if found.scores:
        facts["newest labelled rows scored"] = number(found.scores.rows)
    if found.aliases:
        facts["alias"] = ", ".join(found.aliases)
    if manifest:
        facts["task"] = manifest.task
        facts["published"] = manifest.created[:16].replace("T", " ")
    return facts


def _side(found: VersionFindings, side: Side, title: str, meaning: str) -> SideView | None:
    columns = {f.counts.column.name: f for f in found.columns if f.counts.column.side == side}
    if not columns or not found.observation:
        return None
    drift = (found.observation.drift or {}).get(side)
    judged = sorted(drift.columns, key=lambda c: (not c.drifted, -c.psi)) if drift else []
    drifts = {column.name: column for column in judged}
    ranks = {name: rank for rank, name in enumerate(drifts)}
    statistics = {s.name: s for s in found.observation.statistics if s.side == side}
    cards = [
        column_view(columns[name], statistics.get(name), drifts.get(name))
        for name in sorted(columns, key=lambda name: ranks.get(name, len(ranks)))
    ]
    if judged:
        drifted = sum(column.drifted for column in judged)
        verb = "has" if drifted == 1 else "have"
        meaning += f" {drifted} of {counted(len(judged), 'column')} {verb} drifted."
    rows = [
        (
            column.name,
            "drifted" if column.drifted else "as in training",
            f"{column.psi:.3f}",
            f"{column.jensen_shannon:.3f}",
            f"{column.p_value:.2g}",
        )
        for column in judged
    ]
    return SideView(title, meaning, cards[:MOST_CARDS], cards[MOST_CARDS:], rows)


def _scores(found: VersionFindings) -> ScoresView | None:
    live = found.scores
    if live is None or not (live.rows or live.estimate):
        return None
    names = list(dict.fromkeys([*live.scores, *(live.estimate.scores if live.estimate else ())]))
    meaning = f"Measured on the newest {counted(live.rows, 'row')} with a true value."
    if live.delay_seconds is not None:
        meaning += f" Half of the true values came within {duration(live.delay_seconds)}."
    if live.estimate:
        how = "calibrated on labelled rows" if live.estimate.calibrated else "not calibrated"
        meaning += (
            f" The estimate comes from the probabilities of "
            f"{counted(live.estimate.rows, 'prediction')}, {how}. It needs no labels, and misses "
            "the errors of which the model is certain."
        )
    headings = ["score", "verdict", "live", *(["estimate"] if live.estimate else [])]
    headings += ["test data", "training data"]
    return ScoresView(meaning, headings, [_score_row(found, live, name) for name in names])


def _score_row(found: VersionFindings, live: LiveScores, name: str) -> tuple[str, ...]:
    values = [live.scores.get(name)]
    values += [live.estimate.scores.get(name)] if live.estimate else []
    values += [found.trained(name), found.trained(name, "train")]
    shown = ("" if value is None else number(value) for value in values)
    return (SCORE_NAMES.get(name, name), "much worse" if is_low(found, name) else "", *shown)


def _curve(found: VersionFindings) -> CurveView | None:
    scored = [period for period in found.periods if period.scores]
    names = [n for n in _MAIN_SCORES if any(n in period.scores for period in scored)][:1]
    if not names or len(found.periods) < 2:  # noqa: PLR2004 - a line has two points
        return None
    name = names[0]
    title = SCORE_NAMES[name]
    rows = [
        (
            moment(period.start),
            moment(period.end),
            number(period.rows),
            number(period.scores[name]) if name in period.scores else "too few rows",
        )
        for period in found.periods
    ]
    return CurveView(title, _curve_figure(found, name, title), rows)


def _curve_figure(found: VersionFindings, name: str, title: str) -> Figure:
    first, last = found.periods[0], found.periods[-1]
    length = first.end - first.start
    values: list[float | None] = [None] * (round((last.end - first.start) / length))
    for period in found.periods:
        values[round((period.start - first.start) / length)] = period.scores.get(name)
    present = [value for value in values if value is not None]
    trained = found.trained(name)
    high = 1.0 if name in _BOUNDED else max([*present, trained or 0.0]) * 1.1
    low = min(0.0, *present) if name in _BOUNDED else 0.0
    lines, keys = [Line(values)], [Key("window", f"live {title}")]
    if trained is not None:
        lines.append(Line([trained] * len(values), "trained"))
        keys.append(Key("trained", "on test data"))
    ends = Ends(short_moment(first.start), short_moment(last.end))
    alternative = (
        f"{title} from {ends.first} to {ends.last} UTC: between {number(min(present))} and "
        f"{number(max(present))}, last {number(present[-1])}."
    )
    return Figure(lines_over_time(lines, low, high, number, ends), alternative, keys)


def _worst(worst: WorstRows, found: VersionFindings, personal: frozenset[str]) -> WorstRowsView:
    inputs = list(dict.fromkeys(name for row in worst.rows for name in row.row.inputs))
    outputs = [c.name for c in found.manifest.signature.outputs] if found.manifest else []
    is_labelled = any(row.is_labelled for row in worst.rows)
    has_shares = any("probabilities" in row.row.answer for row in worst.rows)
    is_hidden = any(name in personal for name in outputs)

    def cells(row: WorstRow) -> list[str]:
        shown = [row.measure, *(_cell(row.row.answer, name, personal) for name in outputs)]
        if is_labelled:
            shown.append(_HIDDEN if is_hidden else logged_value(row.truth))
        if has_shares:
            shown.append(_probabilities(row.row.answer, is_hidden=is_hidden))
        return shown + [_cell(row.row.inputs, name, personal) for name in inputs]

    return WorstRowsView(
        worst.title,
        worst.meaning,
        [
            "request",
            "why",
            *(f"predicted {name}" for name in outputs),
            *(["true value"] if is_labelled else []),
            *(["probabilities"] if has_shares else []),
            *inputs,
        ],
        [
            WorstRowView(
                row.row.request_id,
                row.row.row,
                counted(row.times - 1, "equal row") if row.times > 1 else "",
                cells(row),
            )
            for row in worst.rows
        ],
    )


def _cell(row: Mapping[str, Any], name: str, personal: frozenset[str]) -> str:
    if name not in row:
        return ""
    value = row[name]
    # The log may be older than the setting, and hold it in clear.
    if name in personal and not is_hash(value):
        return _HIDDEN
    return "missing" if value is None else logged_value(value)


def _probabilities(answer: Mapping[str, Any], *, is_hidden: bool) -> str:
    found = answer.get("probabilities")
    if found is None:
        return ""
    if is_hidden or not isinstance(found, Mapping):
        return _HIDDEN
    shares = sorted(found.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {percent(share)}" for label, share in shares[:3])
