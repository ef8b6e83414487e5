"""The live scores of a version on the page, and the most important one over time."""

from typing import NamedTuple

from api.pages.wording import counted, duration, moment, number, short_moment
from mlops.report.page.findings import VersionFindings
from mlops.report.page.pictures import Ends, Figure, Key, Line, lines_over_time
from mlops.report.page.verdict import is_low, kind_of, score_name
from monitoring.feedback.live_scores import LiveScores

_MAIN_SCORES = ("accuracy", "f1_macro", "mean_absolute_error", "r2")
_BOUNDED = ("accuracy", "f1_macro", "r2")


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


def scores_view(found: VersionFindings) -> ScoresView | None:
    """Return the live scores; None where there are neither labels nor an estimate."""
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
    return (score_name(name), "much worse" if is_low(found, name) else "", *shown)


def curve_view(found: VersionFindings) -> CurveView | None:
    """Return the score that matters most over time; None of fewer than two periods."""
    scored = [period for period in found.periods if period.scores]
    known = dict.fromkeys(name for period in scored for name in period.scores)
    # Of several outputs that of all of them first, then that of one.
    exact = [name for name in _MAIN_SCORES if name in known]
    names = [*exact, *(n for n in known if kind_of(n) in _MAIN_SCORES)][:1]
    if not names or len(found.periods) < 2:  # noqa: PLR2004 - a line has two points
        return None
    name = names[0]
    title = score_name(name)
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
    is_bounded = kind_of(name) in _BOUNDED
    high = 1.0 if is_bounded else max([*present, trained or 0.0]) * 1.1
    low = min(0.0, *present) if is_bounded else 0.0
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
