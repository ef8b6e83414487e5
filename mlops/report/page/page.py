"""The whole page: what can be trusted now, what arrived, and a chapter for each version."""

from datetime import datetime

from mlops.report.page.findings import Findings, VersionFindings
from mlops.report.page.markup import Html, element, folded, joined, table
from mlops.report.page.pictures import Ends, Line, columns_over_time, figure, lines_over_time
from mlops.report.page.style import POLICY, STYLE
from mlops.report.page.verdict import (
    ERROR_FACTOR,
    FEWEST_LABELS,
    SCORE_MARGIN,
    WORST_FIRST,
    Verdict,
    verdict,
)
from mlops.report.page.version_chapter import version_chapter
from mlops.report.page.wording import counted, duration, moment, number, percent, short_moment
from monitoring.log.reading.traffic import Traffic

TITLE = "Monitoring report"


def report_page(found: Findings) -> str:
    """Return the page as HTML that needs no script, no network and no other file."""
    judged = [(version, verdict(version)) for version in found.versions]
    body = element(
        "main",
        element("h1", TITLE),
        element("p", _scope(found), class_="soft"),
        _verdicts(judged),
        _traffic(found),
        [
            version_chapter(version, found, judgement, _key(place))
            for place, (version, judgement) in enumerate(judged)
        ],
        _more(found),
        _explained(found),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        # Where the file is opened from a disk there is no header to say it.
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{TITLE}, {moment(found.made)} UTC"),
        element("style", Html(STYLE)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', body), lang='en')}\n"


def _key(place: int) -> str:
    return f"version-{place + 1}"


def _scope(found: Findings) -> str:
    asked, traffic = found.asked, found.traffic
    parts = [f"Made {moment(found.made)} UTC from the prediction log."]
    if traffic:
        parts.append(
            f"{counted(traffic.rows, 'row')} in {counted(traffic.requests, 'request')}, from "
            f"{moment(traffic.since)} to {moment(traffic.until)}."
        )
    limits = [
        f"from {moment(asked.since)}" if asked.since else "",
        f"before {moment(asked.until)}" if asked.until else "",
        f"model {asked.model}" if asked.model else "",
        f"version {asked.version}" if asked.version else "",
    ]
    if any(limits):
        parts.append(f"Asked for: {', '.join(filter(None, limits))}.")
    return " ".join(parts)


def _verdicts(judged: list[tuple[VersionFindings, Verdict]]) -> Html:
    if not judged:
        return element(
            "div",
            element("h4", "Nothing was answered"),
            element("p", "The log holds no answered request of what was asked for."),
            class_="verdict unknown",
        )
    items = []

    def rank(place: int) -> tuple[bool, int]:
        version, judgement = judged[place]
        return not version.aliases, WORST_FIRST.index(judgement.level)

    for place in sorted(range(len(judged)), key=rank):
        version, judgement = judged[place]
        sign, word, style = judgement.level.value
        # The service serves what an alias names.
        alias = ", ".join(version.aliases) or "not served now"
        title = element("a", f"{version.name} ({alias})", href=f"#{_key(place)}")
        badge = element("span", f"{sign} {word}", class_=f"badge {style}")
        items.append(
            element(
                "li",
                element("div", badge, element("h4", title), class_="head"),
                element("p", judgement.sentence),
                class_=f"verdict {style}",
            )
        )
    return joined(
        [
            element("p", element("strong", "Can the answers be trusted now?")),
            element("ul", items, class_="verdicts"),
        ]
    )


def _traffic(found: Findings) -> Html:
    traffic = found.traffic
    if traffic is None:
        return joined([_outcomes(found), _told(found.untold)])
    rows = [0] * traffic.count
    for version in traffic.versions:
        for place, count in version.steps.items():
            rows[place] += count
    times = [traffic.start + traffic.step * place for place in range(traffic.count + 1)]
    ends = Ends(short_moment(times[0]), short_moment(times[-1]))
    length = duration(traffic.step.total_seconds())
    picture = columns_over_time(rows, f"{max(rows):,}", ends)
    busiest = max(range(len(rows)), key=rows.__getitem__)
    alternative = (
        f"Rows answered in steps of {length}, from {ends.first} to {ends.last} UTC: at most "
        f"{max(rows):,}, from {moment(times[busiest])} on."
    )
    return joined(
        [
            element("h2", "Traffic"),
            element("p", f"Rows answered, in steps of {length}; times are UTC."),
            figure(picture, alternative),
            _latency(traffic, ends),
            folded("The numbers", _steps(traffic, rows, times)),
            _by_version(traffic),
            _outcomes(found),
            _told(found.untold),
        ]
    )


def _latency(traffic: Traffic, ends: Ends) -> Html:
    steps = [traffic.latencies.get(place) for place in range(traffic.count)]
    found = [step.quantiles() if step else None for step in steps]
    median = [told.median if told else None for told in found]
    p99 = [told.p99 if told else None for told in found]
    highest = max(value for value in p99 if value is not None)
    lines = [Line("half", median), Line("99 of 100", p99, "second")]
    picture = lines_over_time(lines, 0.0, highest, duration, ends)
    worst = duration(highest)
    alternative = f"Seconds to answer, from {ends.first} to {ends.last} UTC: 99 of 100 requests "
    alternative += f"were answered within {worst} in the slowest step."
    keys = [
        element("span", "half of the requests took at most this", class_="key window"),
        element("span", "99 of 100 took at most this", class_="key second"),
    ]
    return joined(
        [
            element("h3", "How long answers took"),
            figure(picture, alternative, element("figcaption", keys)),
        ]
    )


def _steps(traffic: Traffic, rows: list[int], times: list[datetime]) -> Html:
    cells = []
    for place, count in enumerate(rows):
        step = traffic.latencies.get(place)
        told = step.quantiles() if step else None
        shown = (duration(told.median), duration(told.p99)) if told else ("", "")
        cells.append((moment(times[place]), f"{count:,}", *shown))
    headings = ["from, UTC", "rows", "half within", "99 of 100 within"]
    return table(headings, cells, caption="Traffic over time; latencies to 5 %", numbers=3)


def _by_version(traffic: Traffic) -> Html:
    rows = [
        (v.model, v.version, f"{v.requests:,}", f"{v.rows:,}", percent(v.rows / traffic.rows))
        for v in traffic.versions
        if traffic.rows
    ]
    headings = ["model", "version", "requests", "rows", "share of rows"]
    return joined(
        [
            element("h3", "Who answered"),
            table(headings, rows, caption="In this period", numbers=3),
        ]
    )


def _outcomes(found: Findings) -> Html:
    if not found.totals:
        return Html()
    rows = [
        (t.model, t.version, t.outcome, f"{t.requests:,}", f"{t.rows:,}", f"{t.removed_rows:,}")
        for t in found.totals
    ]
    headings = ["model", "version", "outcome", "requests", "rows", "rows removed since"]
    return joined(
        [
            element("h3", "Outcomes"),
            element(
                "p",
                "Counted since the log was made, whatever the period: what failed is counted "
                "without its time, and what retention removed stays counted.",
            ),
            table(headings, rows, caption="The ledger", numbers=3),
        ]
    )


def _told(sentences: list[str]) -> Html:
    return element("ul", [element("li", s) for s in sentences]) if sentences else Html()


def _more(found: Findings) -> Html:
    if not found.more_versions:
        return Html()
    names = ", ".join(f"{v.model} {v.version}" for v in found.more_versions)
    return joined(
        [
            element("h2", "Other versions"),
            element(
                "p",
                f"Without a chapter, as they answered longer ago: {names}. "
                "`mlops report --version` makes a page of one.",
            ),
        ]
    )


def _explained(found: Findings) -> Html:
    limits, drift = found.limits, found.limits.drift
    single = ", ".join(f"{name} {number(psi)}" for name, psi in drift.columns.items())
    keeps = {
        "full": "the log keeps values in clear",
        "hashed": "the log keeps hashes of the values",
        "none": "the log keeps no values",
    }[found.keeps]
    personal = ", ".join(sorted(limits.personal))
    sentences = f"""
Compared are the newest rows of each version, {limits.window_rows:,} at most, with the reference
profile that it was published with. All other rows are counted, and not looked at one by one.

A column has drifted when the difference is both large (a population stability index, PSI, of at
least {number(drift.psi)}{f"; {single}" if single else ""}) and not chance (a p-value under
{number(drift.alpha)}, corrected for the number of columns). The whole has drifted when
{percent(drift.drifted_share)} of its columns have. Fewer than {drift.fewest_rows:,} rows are not
judged, and nothing is told of fewer than {limits.monitoring_rows:,}.

PSI is 0 where two distributions are the same; a shift by half a standard deviation is about 0.25.
The Jensen-Shannon distance goes from 0, the same, to 1, nothing in common.

A score is called much worse when it is {number(SCORE_MARGIN)} below that of the test data, or an
error more than {number(ERROR_FACTOR)} times as large. A verdict rests on {FEWEST_LABELS} labelled
rows at least.

Labels that the label queue asked for because a row was hard are not scored: they would say that the
model is worse than it is.

By the settings of this command, which may not be those of the service: {keeps} now, and the
personal columns are: {personal or "none"}. Each request is shown as it was kept.

This page took {duration(found.took.total_seconds())} to make, and loads nothing.
""".split("\n\n")
    return joined(
        [
            element("h2", "How to read this page"),
            element("ul", [element("li", sentence) for sentence in sentences]),
        ]
    )
