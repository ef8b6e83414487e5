"""What came of a training, in one structure: printed, kept in `run.json`, listed by `runs`."""

import textwrap

import msgspec

from model_store.manifest import measured, shown

_WIDTH = 80
_INDENT = 12
_MOST_NAMES = 12
_MOST_IMPORTANT = 5


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One score of a model beside that of guessing, on the same rows."""

    score: str
    """As in "balanced accuracy"."""
    model: float
    guess: float
    by: str
    """What is guessed, as in "the most frequent label"."""
    p: float
    """How likely a model that knows nothing looks as good as this."""
    is_beaten: bool
    target: str = ""
    """Of which target, where there are several."""

    def phrase(self) -> str:
        """Return both scores and how sure the difference is."""
        of = f"{self.target}: " if self.target else ""
        return (
            f"{of}{self.score} {self.model:.3g} against {self.guess:.3g} by guessing {self.by} "
            f"({p_phrase(self.p)})"
        )


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A model beside guessing."""

    rows: int
    """How many rows both were scored on."""
    where: str
    """Which rows these are, as in "the test and validation rows"."""
    looks: tuple[Look, ...]
    remarks: tuple[str, ...] = ()
    """What is wrong although guessing is beaten; sentences."""

    @property
    def is_beaten(self) -> bool:
        """Return whether one look, of each target, shows that it is better than guessing."""
        return bool(self.looks) and not self.unbeaten

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """Return the targets of which no look shows it; with one target, its name is empty."""
        beaten = {look.target for look in self.looks if look.is_beaten}
        targets = dict.fromkeys(look.target for look in self.looks)
        return tuple(target for target in targets if target not in beaten)

    def reason(self) -> str:
        """Return what was beaten, for the history of an alias: the surest look.

        Of several targets, that of the least sure one.
        """
        if not self.looks:
            return "not compared with guessing"
        surest: dict[str, Look] = {}
        for look in sorted(self.looks, key=lambda look: -look.p):
            surest[look.target] = look
        best = max(surest.values(), key=lambda look: look.p)
        of = f"{best.target}: " if best.target else ""
        both = f"{of}{best.score} {best.model:.2f} against {best.guess:.2f} by guessing"
        return f"{both}, {p_phrase(best.p)}"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One of several estimators of which the best was chosen, on the training rows."""

    name: str
    score: float
    """The mean of the deciding score over the parts of a cross-validation; more is better."""
    error: float
    """The standard error of that mean."""
    seconds: float
    chosen: bool = False
    settings: dict[str, str] = {}
    """What a search found best, by parameter."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a training: why, of what, how good, by what, and what to beware of."""

    model: str
    task: str
    target: str
    source: str
    """The name of the table's file."""
    task_reason: str = ""
    rows: dict[str, int]
    """How many rows each split has."""
    split: str = "random"
    dropped: dict[str, int] = {}
    """How many rows were dropped, by reason."""
    columns: tuple[str, ...]
    """Those that it predicts from."""
    left_out: dict[str, str] = {}
    """Why a column is not among them, by name."""
    notes: tuple[str, ...] = ()
    """How the table was read; sentences."""
    metric: str
    """The deciding score; one that starts with `neg_` is an error with its sign turned."""
    scores: dict[str, dict[str, float]]
    """By split and metric."""
    errors: dict[str, float | None] = {}
    """The standard error of the deciding score, by split."""
    guessed: dict[str, float] = {}
    """The scores of the best guess on the test rows."""
    cross_validation: str = ""
    """The deciding score by cross-validation, a phrase, where rows are few."""
    comparison: Comparison
    importance: dict[str, float] = {}
    """How much the deciding score falls when a column is shuffled, most important first."""
    candidates: tuple[Candidate, ...] = ()
    threshold: str = ""
    """From which probability on which label is answered, a phrase; empty: the likeliest one."""
    decision: str = ""
    """What the service makes of its probabilities, and what that costs; a sentence."""
    interval: str = ""
    """How often an interval should hold and does, and how wide it is, a phrase; empty: none."""
    warnings: tuple[str, ...] = ()
    version: str = ""
    """Empty where none was published."""
    alias: str = ""
    form: str = ""
    """By what it is served, and why; a sentence."""

    def text(self, folder: str = "") -> str:
        """Return it for people: a line a fact, 80 columns wide."""
        title = f"{self.model} {self.version}".strip()
        facts = {
            "Task": f"{self.task} of {self.target}. {self._task_reason()}",
            "Rows": self._rows(),
            "Columns": self._columns(),
            "Read": " ".join(self.notes),
            "Score": self._score(),
            "Guessing": self._guessing(),
            "Candidates": "; ".join(map(self._candidate, self.candidates)),
            "Threshold": self.threshold,
            "Decision": self.decision,
            "Interval": self.interval,
            "Depends on": self._importance(),
            "Served": self.form,
            "Warnings": "\n".join(self.warnings) or "none",
            "Notebooks": folder,
        }
        lines = [_fact(name, text) for name, text in facts.items() if text]
        return "\n".join([title, *lines])

    def _task_reason(self) -> str:
        other = "regression" if self.task == "classification" else "classification"
        return self.task_reason or f"For the other one: -p task={other}."

    def _rows(self) -> str:
        parts = ", ".join(f"{rows} {name}" for name, rows in self.rows.items())
        dropped = [f"{rows} dropped ({reason})" for reason, rows in self.dropped.items() if rows]
        how = f" (split: {self.split})"
        return f"{sum(self.rows.values())} of {self.source}: {', '.join([parts, *dropped])}{how}"

    def _columns(self) -> str:
        names = ", ".join(self.columns[:_MOST_NAMES])
        more = f" and {len(self.columns) - _MOST_NAMES} more" * (len(self.columns) > _MOST_NAMES)
        out = [f"{name} ({reason})" for name, reason in self.left_out.items()]
        left_out = f". Left out: {', '.join(out)}" if out else ""
        return f"{len(self.columns)} used: {names}{more}{left_out}"

    def _score(self) -> str:
        name = shown(self.metric, 0)[0].replace("_", " ")
        parts = [
            f"{measured(self.metric, self.scores[split][self.metric], self.errors.get(split))} "
            f"on {split}"
            for split in self.scores
            if split != "train"
        ]
        guess = ""
        if self.metric in self.guessed:
            guess = f"; guessing: {measured(self.metric, self.guessed[self.metric])}"
        by_parts = f". {self.cross_validation}" if self.cross_validation else ""
        return f"{name} {', '.join(parts)}{guess}{by_parts}"

    def _guessing(self) -> str:
        verdict = "beaten" if self.comparison.is_beaten else "NOT BEATEN"
        looks = "; ".join(look.phrase() for look in self.comparison.looks)
        rows = f"on {self.comparison.rows} rows ({self.comparison.where})"
        return f"{verdict} {rows}: {looks or 'too few rows'}"

    def _importance(self) -> str:
        if not self.importance:
            return ""
        falls = [(name, fall) for name, fall in self.importance.items() if fall > 0]
        if not falls:
            return "none of its columns: shuffling them does not make it worse"
        return ", ".join(f"{name} ({fall:.2g})" for name, fall in falls[:_MOST_IMPORTANT])

    def _candidate(self, each: Candidate) -> str:
        mark = " (chosen)" if each.chosen else ""
        value = measured(self.metric, each.score, each.error)
        return f"{each.name} {value}, {each.seconds:.1f} s{mark}"


def p_phrase(p: float) -> str:
    """Return a p-value as it is written in a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"  # noqa: PLR2004 - as is usual


def _fact(name: str, text: str) -> str:
    lines = [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(
            part, _WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False
        )
    ]
    return f"{name:<{_INDENT}}" + f"\n{' ' * _INDENT}".join(lines)
