"""A column on the page: what arrived against what training saw, as a picture and as numbers."""

from collections.abc import Sequence

from mlops.report.page.findings import ColumnFinding, Edges
from mlops.report.page.markup import Html, element, folded, table
from mlops.report.page.pictures import Bar, Ends, categories, figure, histogram
from mlops.report.page.wording import column_value, number, percent
from monitoring.windows.column_statistics import ColumnStatistics
from monitoring.windows.drift import ColumnDrift
from monitoring.windows.reference import CATEGORICAL

MOST_BARS = 10
"""So many categories have bars of their own; the table beside the picture has more."""
MOST_CATEGORIES = 50
_MEDIAN = "0.5"
_OF_KIND = {"string": ", in characters", "datetime": ", UTC"}


def column_card(
    found: ColumnFinding, statistics: ColumnStatistics | None, drift: ColumnDrift | None
) -> Html:
    """Return the card of a column."""
    column = found.counts.column
    kind = f"{column.kind}{' (its length)' if column.kind == 'string' else ''}"
    head = element(
        "div",
        element("h4", column.name),
        _badge(drift),
        class_="head",
    )
    told = statistics and (statistics.distribution or statistics.categories)
    # What the metrics withhold, a picture would tell.
    return element(
        "div",
        head,
        element("p", f"{kind}. {_words(found, statistics)}", class_="soft"),
        _picture(found) if told else "",
        folded(
            "The numbers", _numbers(found, statistics, drift), _table(found) if told else Html()
        ),
        class_="card",
    )


def _badge(drift: ColumnDrift | None) -> Html:
    if drift is None:
        return element("span", "not judged", class_="badge unknown")
    if drift.drifted:
        return element("span", "drifted", class_="badge bad")
    return element("span", "as in training", class_="badge good")


def _words(found: ColumnFinding, statistics: ColumnStatistics | None) -> str:
    """Return what is different, as a sentence or two; the picture's text alternative."""
    counts = found.counts
    reference = counts.column.reference
    if statistics is None:
        return ""
    parts = []
    if statistics.distribution:
        shown = column_value(statistics.distribution.median, counts.column.kind)
        parts.append(f"The median is {shown}{_trained_median(found)}")
    elif statistics.categories:
        name, share = max(statistics.categories.items(), key=lambda item: item[1])
        parts.append(f"Most frequent is {name}, {percent(share)}{_trained_share(found, name)}")
    if statistics.missing or reference.missing:
        before = percent(reference.missing / reference.rows) if reference.rows else "unknown"
        parts.append(f"{percent(statistics.missing)} are missing (training: {before})")
    if statistics.out_of_range:
        parts.append(f"{percent(statistics.out_of_range)} are outside the range of training")
    if statistics.unseen:
        parts.append(f"{percent(statistics.unseen)} are of categories that training never saw")
    if not (statistics.distribution or statistics.categories):
        few = "too few values are present to be told of"
        parts.append(few if reference.counts.any() else "nothing is known of its training")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _trained_median(found: ColumnFinding) -> str:
    median = found.trained.get(_MEDIAN)
    if median is None:
        return ""
    return f" (training: {column_value(median, found.counts.column.kind)})"


def _trained_share(found: ColumnFinding, name: str) -> str:
    reference = found.counts.column.reference
    total = int(reference.counts.sum())
    share = reference.counts[reference.categories.index(name)] / total
    return f" (training: {percent(share)})"


def _picture(found: ColumnFinding) -> Html:
    name = found.counts.column.name
    if found.counts.column.kind in CATEGORICAL:
        bars = _bars(found)
        shown = bars[:MOST_BARS] + [bar for bar in bars[MOST_BARS:] if bar.new]
        if any(_missing(found)):
            shown.append(Bar("missing", *_missing(found)))
        told = "; ".join(
            f"{bar.name} {percent(bar.window)}, in training {percent(bar.reference)}"
            for bar in shown
        )
        return figure(categories(shown), f"Shares of {name}: {told}.")
    if found.edges is None:
        return element("p", "Training left no distribution to draw it against.", class_="soft")
    edges = found.edges
    kind = found.counts.column.kind
    ends = Ends(*(column_value(float(edges.edges[place]), kind) for place in (0, -1)))
    window, reference = _shares(found, edges)
    present = max(found.counts.present, 1)
    outside = (edges.below / present, edges.above / present)
    alternative = (
        f"Distribution of {name} from {ends.first} to {ends.last}{_OF_KIND.get(kind, '')}: "
        f"{_peak(window, edges, kind)} now, {_peak(reference, edges, kind)} in training."
    )
    missing = _missing(found)
    if any(missing):
        trained, now = map(percent, missing)
        alternative += f" Missing are {now} of the rows, in training {trained}."
    return figure(histogram(reference, window, outside, ends, missing), alternative)


def _missing(found: ColumnFinding) -> tuple[float, float]:
    """Return the shares of all rows that are missing: training and window."""
    counts, reference = found.counts, found.counts.column.reference
    return reference.missing / max(reference.rows, 1), counts.missing / max(counts.rows, 1)


def _peak(shares: Sequence[float], edges: Edges, kind: str) -> str:
    if not any(shares):
        return "nothing"
    place = max(range(len(shares)), key=shares.__getitem__)
    low, high = (column_value(float(e), kind) for e in edges.edges[place : place + 2])
    return f"most, {percent(shares[place])}, between {low} and {high}"


def _shares(found: ColumnFinding, edges: Edges) -> tuple[list[float], list[float]]:
    """Return the shares of each bin, of values that are present: window and reference."""
    window = edges.window / max(found.counts.present, 1)
    reference = edges.reference / max(edges.reference.sum(), 1)
    return window.tolist(), reference.tolist()


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


def _table(found: ColumnFinding) -> Html:
    if found.counts.column.kind in CATEGORICAL:
        bars = _bars(found)
        # Those of training are the most frequent first; what follows them is never cut.
        kept = bars[:MOST_CATEGORIES] + [b for b in bars[MOST_CATEGORIES:] if b.new]
        rows = [(bar.name, percent(bar.reference), percent(bar.window)) for bar in kept]
        return table(
            ["category", "training", "now"],
            rows,
            caption=f"Shares of the values of {found.counts.column.name}",
            numbers=2,
        )
    if found.edges is None:
        return Html()
    edges, kind = found.edges, found.counts.column.kind
    window, reference = _shares(found, edges)
    present = max(found.counts.present, 1)
    shown = [column_value(float(edge), kind) for edge in edges.edges]
    rows = [("below", percent(0.0), percent(edges.below / present))]
    rows += [
        (f"{low} to {high}", percent(before), percent(now))
        for low, high, before, now in zip(shown, shown[1:], reference, window, strict=False)
    ]
    rows.append(("above", percent(0.0), percent(edges.above / present)))
    return table(
        [f"values{_OF_KIND.get(kind, '')}", "training", "now"],
        rows,
        caption=f"Shares of the values of {found.counts.column.name}",
        numbers=2,
    )


def _numbers(
    found: ColumnFinding, statistics: ColumnStatistics | None, drift: ColumnDrift | None
) -> Html:
    kind, reference = found.counts.column.kind, found.counts.column.reference
    before = reference.rows

    def row(measure: str, value: str, quantile: str = "") -> tuple[str, str, str]:
        trained = found.trained.get(quantile)
        return measure, "" if trained is None else column_value(trained, kind), value

    rows = [("rows", f"{before:,}" if before else "", f"{found.counts.rows:,}")]
    if drift:
        rows += [
            row("population stability index", f"{drift.psi:.3f}"),
            row("Jensen-Shannon distance", f"{drift.jensen_shannon:.3f}"),
            row("p-value, corrected", f"{drift.p_value:.2g}"),
        ]
    if statistics:
        trained = percent(reference.missing / before) if before else ""
        rows.append(("missing", trained, percent(statistics.missing)))
        if statistics.out_of_range is not None:
            rows.append(row("outside the range of training", percent(statistics.out_of_range)))
        if statistics.unseen is not None:
            rows.append(row("never seen in training", percent(statistics.unseen)))
        if statistics.distribution:
            told = statistics.distribution
            rows += [
                row("mean", column_value(told.mean, kind)),
                row("standard deviation", _spread(told.standard_deviation, kind)),
                row("least", column_value(told.minimum, kind), "0.0"),
                row("lower quartile", column_value(told.lower_quartile, kind), "0.25"),
                row("median", column_value(told.median, kind), _MEDIAN),
                row("upper quartile", column_value(told.upper_quartile, kind), "0.75"),
                row("greatest", column_value(told.maximum, kind), "1.0"),
            ]
    return table(
        ["measure", "training", "now"],
        rows,
        caption=f"Statistics of {found.counts.column.name}",
        numbers=2,
    )


def _spread(value: float, kind: str) -> str:
    return f"{number(value / 86_400)} days" if kind == "datetime" else number(value)
