"""Whether a version can be trusted now, in one sentence, and why not."""

from enum import Enum
from typing import NamedTuple

from api.pages.wording import counted, listed, number
from mlops.report.page.badge import Badge
from mlops.report.page.findings import VersionFindings

# As the alert rule LiveScoreLow in prometheus/rules.yml has them, so that page and alarm agree.
SCORE_MARGIN = 0.1
ERROR_FACTOR = 1.25
FEWEST_LABELS = 100
_SHARES = ("accuracy", "f1_macro", "r2")
_ERRORS = ("mean_absolute_error", "root_mean_squared_error", "interval_score")

SCORE_NAMES = {
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "log_loss": "log loss",
    "r2": "R²",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "bias": "bias (above 0: predictions are too high)",
    "coverage": "coverage (the share of true values within the interval)",
    "interval_score": "interval score (width, and a penalty for each value outside)",
    "interval_width": "interval width",
}


class Level(Enum):
    """How far a version can be trusted."""

    TRUSTED = Badge("Yes", "good", "✓")
    UNCONTRADICTED = Badge("So far, yes", "good", "✓")
    CARE = Badge("With care", "care", "!")
    DOUBTED = Badge("Not now", "bad", "✕")
    UNKNOWN = Badge("Unknown", "unknown", "?")


WORST_FIRST = (Level.DOUBTED, Level.CARE, Level.UNKNOWN, Level.UNCONTRADICTED, Level.TRUSTED)


class Verdict(NamedTuple):
    """Whether a version can be trusted, and why."""

    level: Level
    sentence: str

    @property
    def badge(self) -> Badge:
        """The answer in a word."""
        return self.level.value


class _Scored(NamedTuple):
    """What the labels say."""

    words: str
    low: bool = False
    """Whether a score is much worse than on test data, by labels enough."""
    suspect: bool = False
    """The same by too few labels."""
    holds: bool = False


def verdict(found: VersionFindings) -> Verdict:
    """Return whether a version can be trusted by its newest rows and labels."""
    scored = _scored(found)
    inputs = _drifted(found, "input")
    outputs = _drifted(found, "output")
    drift = (found.observation.drift or {}) if found.observation else {}
    is_judged = "input" in drift
    whole = is_judged and drift["input"].drifted
    reasons = []
    if inputs:
        total = len(drift["input"].columns)
        share = f"{len(inputs)} of {counted(total, 'input column')}"
        verb = "has" if len(inputs) == 1 else "have"
        reasons.append(f"{share} {verb} drifted away from the training data ({listed(inputs)})")
    if outputs:
        reasons.append(f"its predictions have drifted from those in training ({listed(outputs)})")
    if scored.low:
        return Verdict(Level.DOUBTED, _sentence([scored.words, *reasons]))
    if reasons:
        serious = (whole or bool(outputs)) and not scored.holds
        level = Level.DOUBTED if serious else Level.CARE
        return Verdict(level, _sentence([*reasons, scored.words]))
    if is_judged:
        rows = found.observation.rows if found.observation else 0
        calm = f"its newest {counted(rows, 'row')} look like the training data"
        level = Level.TRUSTED if scored.holds else Level.UNCONTRADICTED
        return Verdict(Level.CARE if scored.suspect else level, _sentence([calm, scored.words]))
    if scored.holds or scored.suspect:
        unseen = "its rows could not be compared with the training data"
        return Verdict(Level.CARE, _sentence([scored.words, unseen]))
    why = "its rows are too few, or too little is known of them, for a comparison with training"
    return Verdict(Level.UNKNOWN, _sentence([why, scored.words]))


def _drifted(found: VersionFindings, side: str) -> list[str]:
    """Return the names of a side's drifted columns, the most drifted first."""
    for key, drift in ((found.observation.drift or {}) if found.observation else {}).items():
        if key == side:
            columns = sorted(drift.columns, key=lambda column: -column.psi)
            return [column.name for column in columns if column.drifted]
    return []


def _scored(found: VersionFindings) -> _Scored:
    live = found.scores
    if live is None:
        return _Scored("its live scores are unknown")
    if not live.scores:
        return _promised(found)
    decisive = [
        name for kind in (*_SHARES, *_ERRORS) for name in live.scores if kind_of(name) == kind
    ]
    low = [name for name in decisive if is_low(found, name)]
    named = low or decisive[:1]
    words = listed([_compared(found, name, live.scores[name]) for name in named], len(named))
    words += f", measured on {counted(live.rows, 'labelled row')}"
    enough = live.rows >= FEWEST_LABELS
    if not enough:
        words += f", and fewer than {FEWEST_LABELS} labels prove little"
    holds = found.trained(named[0]) is not None and not low and enough
    return _Scored(words, bool(low) and enough, bool(low) and not enough, holds)


def _compared(found: VersionFindings, metric: str, live: float) -> str:
    """Return a live score beside that of the test data."""
    trained = found.trained(metric)
    before = "" if trained is None else f" ({number(trained)} on its test data)"
    return f"its {score_name(metric)} is {number(live)}{before}"


def _promised(found: VersionFindings) -> _Scored:
    """Return what is known without labels."""
    estimate = found.scores.estimate if found.scores else None
    few = "too few" if found.scores and found.scores.rows else "no"
    words = f"its live scores are unknown, as {few} true values were received"
    if estimate and "accuracy" in estimate.scores:
        accuracy = number(estimate.scores["accuracy"])
        words += f" (its probabilities give an estimated accuracy of {accuracy})"
    return _Scored(words)


def is_low(found: VersionFindings, metric: str) -> bool:
    """Return whether a live score is much worse than the one on test data."""
    trained = found.trained(metric)
    live = found.scores.scores.get(metric) if found.scores else None
    if trained is None or live is None:
        return False
    kind = kind_of(metric)
    if kind in _ERRORS:
        return live > ERROR_FACTOR * trained
    return kind in _SHARES and live < trained - SCORE_MARGIN


def kind_of(metric: str) -> str:
    """Return a score without the output that it is of: r2, for "r2 (north)"."""
    return metric.partition(" (")[0]


def score_name(metric: str) -> str:
    """Return a score as people read it, with the output that it is of."""
    kind, _, output = metric.partition(" (")
    shown = SCORE_NAMES.get(kind, kind)
    return f"{shown} of {output.removesuffix(')')}" if output else shown


def _sentence(parts: list[str]) -> str:
    text = "; ".join(filter(None, parts))
    return f"{text[:1].upper()}{text[1:]}."
