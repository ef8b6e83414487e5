"""A column on the page: what arrived beside what training saw, as a picture and as numbers."""

from collections.abc import Sequence
from typing import NamedTuple

from api.pages.wording import number, percent
from mlops.report.page.badge import Badge
from mlops.report.page.findings import ColumnFinding, Edges
from mlops.report.page.pictures import Bar, Ends, Figure, categories, histogram
from mlops.report.page.values import column_value
from monitoring.windows.column_statistics import ColumnStatistics
from monitoring.windows.drift import ColumnDrift
from monitoring.windows.reference import CATEGORICAL

MOST_BARS = 10
"""Maximum number of categories with a bar; the table beside the picture has more."""
MOST_CATEGORIES = 50
"""Maximum number of categories in that table."""
_MEDIAN = "0.5"
_OF_KIND = {"string": ", in characters", "datetime": ", UTC"}

Cells = tuple[str, str, str]
"""A row of a table: the name of a measure, its value in training and its value now."""


class ColumnView(NamedTuple):
    """The card of a column, as `column.html` shows it."""

    name: str
    kind: str
    badge: Badge
    sentence: str
    statistics: list[Cells]
    figure: Figure | None = None
    note: str = ""
    """Why there is no figure."""
    values: str = ""
    """The heading of the names of `shares`."""
    shares: Sequence[Cells] = ()


def column_view(
    found: ColumnFinding, statistics: ColumnStatistics | None, drift: ColumnDrift | None
) -> ColumnView:
    """Return the card of a column."""
    column = found.counts.column
    view = ColumnView(
        column.name,
        f"{column.kind} (its length)" if column.kind == "string" else column.kind,
        _badge(drift),
        _sentence(found, statistics),
        _statistics(found, statistics, drift),
    )
    # A picture must not show what the metrics withhold.
    if not statistics or not (statistics.distribution or statistics.categories):
        return view
    if column.kind in CATEGORICAL:
        return view._replace(
            figure=_bar_chart(found), values="category", shares=_category_shares(found)
        )
    if found.edges is None:
        return view._replace(note="The reference profile has no histogram of this column.")
    return view._replace(
        figure=_histogram(found, found.edges),
        values=f"values{_OF_KIND.get(column.kind, '')}",
        shares=_bin_shares(found, found.edges),
    )


def _badge(drift: ColumnDrift | None) -> Badge:
    if drift is None:
        return Badge("not judged", "unknown")
    return Badge("drifted", "bad") if drift.drifted else Badge("as in training", "good")


def _sentence(found: ColumnFinding, statistics: ColumnStatistics | None) -> str:
    """Return what is different, as a sentence."""
    if statistics is None:
        return ""
    kind, reference = found.counts.column.kind, found.counts.column.reference
    parts = []
    if statistics.distribution:
        median, trained = statistics.distribution.median, found.trained.get(_MEDIAN)
        before = "" if trained is None else f" (training: {column_value(trained, kind)})"
        parts.append(f"The median is {column_value(median, kind)}{before}")
    elif statistics.categories:
        name, share = max(statistics.categories.items(), key=lambda item: item[1])
        known = reference.counts[reference.categories.index(name)] / int(reference.counts.sum())
        parts.append(f"Most frequent is {name}, {percent(share)} (training: {percent(known)})")
    if statistics.missing or reference.missing:
        before = percent(reference.missing / reference.rows) if reference.rows else "unknown"
        parts.append(f"{percent(statistics.missing)} are missing (training: {before})")
    if statistics.out_of_range:
        parts.append(f"{percent(statistics.out_of_range)} are outside the range of training")
    if statistics.unseen:
        parts.append(f"{percent(statistics.unseen)} are categories that training never saw")
    if not (statistics.distribution or statistics.categories):
        few = "too few values are present for statistics"
        parts.append(few if reference.counts.any() else "the reference profile lacks this column")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _bar_chart(found: ColumnFinding) -> Figure:
    bars = _bars(found)
    shown = bars[:MOST_BARS] + [bar for bar in bars[MOST_BARS:] if bar.new]
    if any(missing := _missing(found)):
        shown.append(Bar("missing", *missing))
    shares = "; ".join(
        f"{bar.name} {percent(bar.window)}, in training {percent(bar.reference)}" for bar in shown
    )
    return Figure(categories(shown), f"Shares of {found.counts.column.name}: {shares}.")


def _histogram(found: ColumnFinding, edges: Edges) -> Figure:
    name, kind = found.counts.column.name, found.counts.column.kind
    ends = Ends(*(column_value(float(edges.edges[place]), kind) for place in (0, -1)))
    window, reference = _bin_heights(found, edges)
    alternative = (
        f"Distribution of {name} from {ends.first} to {ends.last}{_OF_KIND.get(kind, '')}. "
        f"Now: {_peak(window, edges, kind)}. In training: {_peak(reference, edges, kind)}."
    )
    missing = _missing(found)
    if any(missing):
        trained, now = map(percent, missing)
        alternative += f" Missing: {now} of the rows, in training {trained}."
    picture = histogram(reference, window, _outside(found, edges), ends, missing)
    return Figure(picture, alternative)


def _missing(found: ColumnFinding) -> tuple[float, float]:
    """Return the shares of all rows that are missing: training and window."""
    counts, reference = found.counts, found.counts.column.reference
    return reference.missing / max(reference.rows, 1), counts.missing / max(counts.rows, 1)


def _peak(shares: Sequence[float], edges: Edges, kind: str) -> str:
    if not any(shares):
        return "no values"
    place = max(range(len(shares)), key=shares.__getitem__)
    low, high = (column_value(float(e), kind) for e in edges.edges[place : place + 2])
    return f"most values, {percent(shares[place])}, between {low} and {high}"


def _bin_heights(found: ColumnFinding, edges: Edges) -> tuple[list[float], list[float]]:
    """Return the shares of each bin, of values that are present: window and reference."""
    window = edges.window / max(found.counts.present, 1)
    reference = edges.reference / max(edges.reference.sum(), 1)
    return window.tolist(), reference.tolist()


def _outside(found: ColumnFinding, edges: Edges) -> tuple[float, float]:
    """Return the window's shares below and above all bins, of values that are present."""
    present = max(found.counts.present, 1)
    return edges.below / present, edges.above / present


def _bars(found: ColumnFinding) -> list[Bar]:
    """Return all categories, those of training first, with shares of the present values."""
    counts, reference = found.counts, found.counts.column.reference
    window = (counts.counts / max(counts.present, 1)).tolist()
    trained = (reference.counts / max(reference.counts.sum(), 1)).tolist()
    known = reference.categories
    bars = [Bar(name, trained[i], window[i]) for i, name in enumerate(known)]
    if window[-2] or trained[-2]:
        bars.append(Bar("other rare ones", trained[-2], window[-2]))
    if window[-1]:
        bars.append(Bar("never seen", 0.0, window[-1], new=True))
    return bars


def _category_shares(found: ColumnFinding) -> list[Cells]:
    bars = _bars(found)
    # Those of training are the most frequent first; what follows them is never cut.
    kept = bars[:MOST_CATEGORIES] + [bar for bar in bars[MOST_CATEGORIES:] if bar.new]
    return [(bar.name, percent(bar.reference), percent(bar.window)) for bar in kept]


def _bin_shares(found: ColumnFinding, edges: Edges) -> list[Cells]:
    window, reference = _bin_heights(found, edges)
    below, above = _outside(found, edges)
    names = [column_value(float(edge), found.counts.column.kind) for edge in edges.edges]
    bins = zip(names, names[1:], reference, window, strict=False)
    return [
        ("below", percent(0.0), percent(below)),
        *((f"{low} to {high}", percent(before), percent(now)) for low, high, before, now in bins),
        ("above", percent(0.0), percent(above)),
    ]


def _statistics(
    found: ColumnFinding, statistics: ColumnStatistics | None, drift: ColumnDrift | None
) -> list[Cells]:
    kind, reference = found.counts.column.kind, found.counts.column.reference
    before = reference.rows

    def quantile(measure: str, value: float, probability: str) -> Cells:
        trained = found.trained.get(probability)
        shown = "" if trained is None else column_value(trained, kind)
        return measure, shown, column_value(value, kind)

    rows = [("rows", number(before) if before else "", number(found.counts.rows))]
    if drift:
        rows += [
            ("population stability index", "", f"{drift.psi:.3f}"),
            ("Jensen-Shannon distance", "", f"{drift.jensen_shannon:.3f}"),
            ("p-value, corrected", "", f"{drift.p_value:.2g}"),
        ]
    if statistics:
        trained = percent(reference.missing / before) if before else ""
        rows.append(("missing", trained, percent(statistics.missing)))
        if statistics.out_of_range is not None:
            outside = percent(statistics.out_of_range)
            rows.append(("outside the range of training", "", outside))
        if statistics.unseen is not None:
            rows.append(("never seen in training", "", percent(statistics.unseen)))
        if values := statistics.distribution:
            rows += [
                ("mean", "", column_value(values.mean, kind)),
                ("standard deviation", "", _spread(values.standard_deviation, kind)),
                quantile("minimum", values.minimum, "0.0"),
                quantile("lower quartile", values.lower_quartile, "0.25"),
                quantile("median", values.median, _MEDIAN),
                quantile("upper quartile", values.upper_quartile, "0.75"),
                quantile("maximum", values.maximum, "1.0"),
            ]
    return rows


def _spread(value: float, kind: str) -> str:
    return f"{number(value / 86_400)} days" if kind == "datetime" else number(value)
