"""What came of a training, in one structure: printed, kept in `run.json`, listed by `runs`."""

import msgspec


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

    def phrase(self) -> str:
        """Return both scores and how sure the difference is."""
        return (
            f"{self.score} {self.model:.3g} against {self.guess:.3g} by guessing {self.by} "
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
        """Return whether one look shows that the model is better than guessing."""
        return any(look.is_beaten for look in self.looks)

    def reason(self) -> str:
        """Return what was beaten, for the history of an alias: the surest look."""
        if not self.looks:
            return "not compared with guessing"
        best = min(self.looks, key=lambda look: look.p)
        both = f"{best.score} {best.model:.2f} against {best.guess:.2f} by guessing"
        return f"{both}, {p_phrase(best.p)}"


def p_phrase(p: float) -> str:
    """Return a p-value as it is written in a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"  # noqa: PLR2004 - as is usual
