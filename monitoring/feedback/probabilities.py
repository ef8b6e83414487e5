"""The probabilities that were logged with answers, as arrays."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.feedback.comparison import label
from monitoring.feedback.reader import Answer
from monitoring.feedback.scores import Numbers


class LoggedProbabilities(NamedTuple):
    """Probabilities that were logged with answers."""

    classes: tuple[str, ...]
    shares: Numbers
    """Of shape `(rows, classes)`."""
    answers: NDArray[np.intp]
    """Of shape `(rows,)`: which class was answered."""
    places: list[int]
    """Which of the given answers these are: some may have none."""


def logged_probabilities(answers: Sequence[Answer], output: str) -> LoggedProbabilities | None:
    """Return the probabilities of the answers that have them; None if none has."""
    places = [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer.get("probabilities"), Mapping) and answer.get(output) is not None
    ]
    if not places:
        return None
    classes = tuple(sorted(answers[places[0]]["probabilities"]))
    codes = {name: code for code, name in enumerate(classes)}
    # A version always has the same classes; an answer with others is not its own.
    places = [
        place
        for place in places
        if codes.keys() == answers[place]["probabilities"].keys()
        and label(answers[place][output]) in codes
    ]
    shares = [[answers[place]["probabilities"][name] for name in classes] for place in places]
    answered = [codes[label(answers[place][output])] for place in places]
    if not places:
        return None
    return LoggedProbabilities(
        classes, np.array(shares, dtype=np.float64), np.array(answered, dtype=np.intp), places
    )
