"""The whole page: what can be trusted now, what arrived, and a section for each version."""

from pathlib import Path

from api.pages.render import render
from api.pages.wording import counted, moment, number
from mlops.report.page.findings import Findings
from mlops.report.page.traffic_view import traffic_view
from mlops.report.page.verdict import (
    ERROR_FACTOR,
    FEWEST_LABELS,
    SCORE_MARGIN,
    WORST_FIRST,
    verdict,
)
from mlops.report.page.version_view import VersionView, version_view

TEMPLATES = Path(__file__).with_name("templates")
_KEPT = {
    "full": "the values in clear",
    "hashed": "hashes of the values",
    "none": "no values",
}


def report_page(found: Findings) -> str:
    """Return the page as HTML that needs no script, no network and no other file."""
    versions = [
        version_view(version, verdict(version), f"version-{place}", found.limits.personal)
        for place, version in enumerate(found.versions, 1)
    ]
    return render(
        TEMPLATES,
        "report.html",
        found=found,
        scope=_scope(found),
        versions=versions,
        worst_first=sorted(versions, key=_urgency),
        traffic=traffic_view(found.traffic) if found.traffic else None,
        kept=_KEPT[found.keeps],
        thresholds=_thresholds(found),
        personal=", ".join(sorted(found.limits.personal)) or "none",
        error_factor=ERROR_FACTOR,
        fewest_labels=FEWEST_LABELS,
        score_margin=SCORE_MARGIN,
    )


def evidently_note(left_out: list[str], fewest: int) -> str:
    """Return a paragraph for Evidently's page that names the columns which it leaves out."""
    return render(TEMPLATES, "evidently_note.html", left_out=left_out, fewest=fewest)


def _scope(found: Findings) -> str:
    """Return in sentences what the report is made from."""
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
        parts.append(f"Limited to: {', '.join(filter(None, limits))}.")
    return " ".join(parts)


def _urgency(version: VersionView) -> tuple[bool, int]:
    """Return what sorts versions: served ones before others, the least trusted first."""
    return not version.aliases, WORST_FIRST.index(version.verdict.level)


def _thresholds(found: Findings) -> str:
    """Return the least population stability indexes of drifted columns."""
    drift = found.limits.drift
    single = ", ".join(f"{name}: {number(psi)}" for name, psi in drift.columns.items())
    return f"{number(drift.psi)} ({single})" if single else number(drift.psi)
