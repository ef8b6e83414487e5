"""A version's section: its inputs and outputs, its live scores and its worst rows."""

from typing import NamedTuple

from api.pages.wording import counted, number
from mlops.report.page.column_view import ColumnView, column_view
from mlops.report.page.findings import VersionFindings
from mlops.report.page.scores_view import CurveView, ScoresView, curve_view, scores_view
from mlops.report.page.verdict import Verdict
from mlops.report.page.worst_rows_view import WorstRowsView, worst_rows_view
from monitoring.log.database.views import Side

MOST_CARDS = 12
"""Maximum number of columns that are shown at once, the most drifted; the others are folded."""


class SideView(NamedTuple):
    """The inputs of a version, or its outputs."""

    title: str
    meaning: str
    cards: list[ColumnView]
    """The most drifted columns first."""
    folded: list[ColumnView]
    drift: list[tuple[str, str, str, str, str]]
    """The drift of every column, the most drifted first."""


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
    scores = scores_view(found)
    return VersionView(
        key,
        found.name,
        judged,
        found.aliases,
        _facts(found),
        [side for side in sides if side],
        scores,
        curve_view(found) if scores else None,
        [worst_rows_view(worst, found, personal) for worst in found.worst],
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
        verb = "has" if 1 in {drifted, len(judged)} else "have"
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
