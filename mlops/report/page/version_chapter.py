"""A version's chapter: what it was asked and answered, how good it was, its worst rows."""

from collections.abc import Mapping
from typing import Any

from mlops.report.page.column_card import column_card
from mlops.report.page.findings import Findings, VersionFindings, WorstRows
from mlops.report.page.markup import Child, Html, element, folded, joined, table
from mlops.report.page.pictures import Ends, Line, figure, lines_over_time
from mlops.report.page.verdict import SCORE_NAMES, Verdict, is_low
from mlops.report.page.wording import (
    counted,
    duration,
    logged_value,
    moment,
    number,
    percent,
    short_moment,
)
from monitoring.feedback.live_scores import LiveScores, Period
from monitoring.log.database.views import Side
from monitoring.log.privacy import is_hash

MOST_CARDS = 12
"""So many columns are shown at once, the most drifted; the others once they are asked for."""
_MAIN_SCORES = ("accuracy", "f1_macro", "mean_absolute_error", "r2")
_BOUNDED = ("accuracy", "f1_macro", "r2")
_HIDDEN = "hidden (personal)"


def version_chapter(found: VersionFindings, all_found: Findings, judged: Verdict, key: str) -> Html:
    """Return the chapter of a version; `key` is its anchor."""
    return element(
        "section",
        element("h2", found.name, id=key),
        element("p", element("strong", f"{judged.level.value[1]}. "), judged.sentence),
        _facts(found),
        _side(found, "input", "What was asked", "The columns that the model answers from."),
        _side(found, "output", "What was answered", "The model's own answers."),
        _scores(found),
        [_worst(worst, found, all_found.limits.personal) for worst in found.worst],
        _untold(found.untold),
    )


def _facts(found: VersionFindings) -> Html:
    traffic, manifest = found.traffic, found.manifest
    facts = {"rows answered": f"{traffic.rows:,}", "requests": f"{traffic.requests:,}"}
    if found.observation:
        facts["rows compared, the newest"] = f"{found.observation.rows:,}"
    if found.scores:
        facts["labelled rows scored, the newest"] = f"{found.scores.rows:,}"
    if found.aliases:
        facts["alias"] = ", ".join(found.aliases)
    if manifest:
        facts["task"] = manifest.task
        facts["published"] = manifest.created[:16].replace("T", " ")
    return element(
        "dl",
        [
            element("div", element("dt", name), element("dd", value))
            for name, value in facts.items()
        ],
        class_="facts",
    )


def _side(found: VersionFindings, side: Side, title: str, meaning: str) -> Html:
    columns = [f for f in found.columns if f.counts.column.side == side]
    if not columns or not found.observation:
        return Html()
    drift = (found.observation.drift or {}).get(side)
    drifts = {column.name: column for column in drift.columns} if drift else {}
    statistics = {s.name: s for s in found.observation.statistics if s.side == side}

    def rank(place: int) -> tuple[bool, float, int]:
        told = drifts.get(columns[place].counts.column.name)
        return (not (told and told.drifted), -told.psi if told else 1.0, place)

    cards = []
    for place in sorted(range(len(columns)), key=rank):
        name = columns[place].counts.column.name
        cards.append(column_card(columns[place], statistics.get(name), drifts.get(name)))
    shown, rest = cards[:MOST_CARDS], cards[MOST_CARDS:]
    summary = ""
    if drift:
        drifted = sum(column.drifted for column in drift.columns)
        verb = "has" if drifted == 1 else "have"
        summary = f" {drifted} of {counted(len(drift.columns), 'column')} {verb} drifted."
    more = folded(f"{counted(len(rest), 'more column')}", element("div", rest, class_="cards"))
    return joined(
        [
            element("h3", title),
            element("p", f"{meaning}{summary}"),
            element(
                "p",
                element("span", "in training", class_="key reference"),
                element("span", "now", class_="key window"),
                element("span", "now, and never in training", class_="key new"),
                class_="soft",
            ),
            element("div", shown, class_="cards"),
            more if rest else "",
            _overview(found, side) if drift else "",
        ]
    )


def _overview(found: VersionFindings, side: Side) -> Html:
    """Return the drift of all columns of a side as one table."""
    drift = (found.observation.drift or {})[side] if found.observation else None
    columns = sorted(drift.columns, key=lambda c: (not c.drifted, -c.psi)) if drift else []
    rows = [
        (
            column.name,
            "drifted" if column.drifted else "as in training",
            f"{column.psi:.3f}",
            f"{column.jensen_shannon:.3f}",
            f"{column.p_value:.2g}",
        )
        for column in columns
    ]
    headings = ["column", "verdict", "PSI", "Jensen-Shannon", "p-value"]
    whole = table(headings, rows, caption=f"Drift of every {side} column", numbers=3)
    return folded("All columns in one table", whole)


def _scores(found: VersionFindings) -> Html:
    live = found.scores
    if live is None or not (live.rows or live.estimate):
        return Html()
    names = list(dict.fromkeys([*live.scores, *(live.estimate.scores if live.estimate else ())]))
    rows = [_score_row(found, live, name) for name in names]
    meaning = f"By the newest {counted(live.rows, 'row')} whose true value was told."
    if live.delay_seconds is not None:
        meaning += f" Half of them were told within {duration(live.delay_seconds)}."
    if live.estimate:
        how = "calibrated by labelled rows" if live.estimate.calibrated else "taken as told"
        meaning += (
            f" The estimate is what the probabilities of {counted(live.estimate.rows, 'answer')} "
            f"promise, {how}; it needs no labels, and sees no error that the model is sure of."
        )
    headings = ["score", "verdict", "live", *(["estimate"] if live.estimate else [])]
    headings += ["test data", "training data"]
    caption = "Scores, live and as they were when it was published"
    whole = table(headings, rows, caption=caption, numbers=len(headings) - 2)
    return joined(
        [
            element("h3", "How good it was"),
            element("p", meaning),
            whole if rows else "",
            _over_time(found),
        ]
    )


def _score_row(found: VersionFindings, live: LiveScores, name: str) -> tuple[str, ...]:
    values = [live.scores.get(name)]
    values += [live.estimate.scores.get(name)] if live.estimate else []
    values += [found.trained(name), found.trained(name, "train")]
    shown = ("" if value is None else number(value) for value in values)
    return (SCORE_NAMES.get(name, name), "much worse" if is_low(found, name) else "", *shown)


def _over_time(found: VersionFindings) -> Html:
    scored = [period for period in found.periods if period.scores]
    names = [n for n in _MAIN_SCORES if any(n in period.scores for period in scored)][:1]
    if not names or len(found.periods) < 2:  # noqa: PLR2004 - a line has two points
        return Html()
    name = names[0]
    title = SCORE_NAMES[name]
    first, last = found.periods[0], found.periods[-1]
    length = first.end - first.start
    values: list[float | None] = [None] * (round((last.end - first.start) / length))
    for period in found.periods:
        values[round((period.start - first.start) / length)] = period.scores.get(name)
    told = [value for value in values if value is not None]
    trained = found.trained(name)
    high = 1.0 if name in _BOUNDED else max([*told, trained or 0.0]) * 1.1
    low = min(0.0, *told) if name in _BOUNDED else 0.0
    lines = [Line(title, values)]
    keys = [element("span", f"live {title}", class_="key window")]
    if trained is not None:
        lines.append(Line("test data", [trained] * len(values), "trained"))
        keys.append(element("span", "on test data", class_="key trained"))
    ends = Ends(short_moment(first.start), short_moment(last.end))
    picture = lines_over_time(lines, low, high, number, ends)
    alternative = (
        f"{title} from {ends.first} to {ends.last} UTC: between {number(min(told))} and "
        f"{number(max(told))}, last {number(told[-1])}."
    )
    return joined(
        [
            element("h4", f"{title[:1].upper()}{title[1:]} over time"),
            figure(
                picture,
                alternative,
                element("figcaption", keys),
            ),
            folded("The numbers", _period_table(found.periods, title, name)),
        ]
    )


def _period_table(periods: list[Period], title: str, name: str) -> Html:
    rows = [
        (
            moment(period.start),
            moment(period.end),
            f"{period.rows:,}",
            number(period.scores[name]) if name in period.scores else "too few rows",
        )
        for period in periods
    ]
    caption = "By when the rows were predicted, UTC; periods without labelled rows are left out"
    return table(["from", "to", "labelled rows", title], rows, caption=caption, numbers=2)


def _worst(worst: WorstRows, found: VersionFindings, personal: frozenset[str]) -> Html:
    columns = list(dict.fromkeys(name for row in worst.rows for name in row.row.inputs))
    is_told = any(row.told for row in worst.rows)
    outputs = [c.name for c in found.manifest.signature.outputs] if found.manifest else []
    has_shares = any("probabilities" in row.row.answer for row in worst.rows)
    headings = ["request", "why", *(f"answer: {name}" for name in outputs)]
    headings += ["truth"] if is_told else []
    headings += ["probabilities"] if has_shares else []
    rows: list[list[Child]] = []
    for row in worst.rows:
        answer, inputs = row.row.answer, row.row.inputs
        place = element("span", f"row {row.row.row}", class_="whole")
        like = f", and {counted(row.times - 1, 'row')} like it" if row.times > 1 else ""
        cells: list[Child] = [
            element("span", f"{row.row.request_id}, ", place, like, class_="place"),
            row.measure,
        ]
        cells += [_cell(answer, name, personal) for name in outputs]
        if is_told:
            is_hidden = any(name in personal for name in outputs)
            cells.append(_HIDDEN if is_hidden else logged_value(row.truth))
        if has_shares:
            cells.append(_probabilities(answer, is_hidden=any(o in personal for o in outputs)))
        rows.append(cells + [_cell(inputs, name, personal) for name in columns])
    caption = f"{worst.title}, as the log holds them"
    whole = table([*headings, *columns], rows, caption=caption, style="rows")
    return joined([element("h3", worst.title), element("p", worst.meaning), whole])


def _cell(row: Mapping[str, Any], name: str, personal: frozenset[str]) -> str:
    if name not in row:
        return ""
    value = row[name]
    # The log may be older than the setting, and hold it in clear.
    if name in personal and not is_hash(value):
        return _HIDDEN
    return "missing" if value is None else logged_value(value)


def _probabilities(answer: Mapping[str, Any], *, is_hidden: bool) -> str:
    told = answer.get("probabilities")
    if told is None:
        return ""
    if is_hidden or not isinstance(told, Mapping):
        return _HIDDEN
    shares = sorted(told.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {percent(share)}" for label, share in shares[:3])


def _untold(sentences: list[str]) -> Html:
    if not sentences:
        return Html()
    return joined(
        [
            element("h3", "What cannot be told"),
            element("ul", [element("li", sentence) for sentence in sentences]),
        ]
    )
