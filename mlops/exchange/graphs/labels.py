"""Which labels a graph from elsewhere answers, in which order, by what it says and the examples."""

from typing import Any, NamedTuple

import numpy as np

from mlops.exchange.graphs.answers import Exits, meaning
from mlops.exchange.wants import Examples
from model_store.errors import RefusedError
from model_store.schema.signature import Kind

_BOTH = 2
_MOST_SHOWN = 8


class Meaning(NamedTuple):
    """What the answers of a graph mean."""

    labels: tuple[Any, ...] = ()
    """What is answered, by class index; empty: amounts are."""
    keys: tuple[Any, ...] = ()
    """What the graph's own label output holds for each of them."""
    numbers: str = ""
    """What its numbers are: one of `SCORES`; empty: not used, or amounts."""
    width: int = 0
    """How many numbers a row has."""
    notes: tuple[str, ...] = ()
    least_agreement: float = 0.99
    """In at least this share of rows the likeliest label is the one that is answered."""

    @property
    def has_probabilities(self) -> bool:
        """Whether each label has a probability."""
        return bool(self.labels and self.numbers)


def typed(labels: list[str]) -> tuple[Any, ...]:
    """Return labels that a person wrote: whole numbers and truth values by their own types."""
    try:
        return tuple(int(label) for label in labels)
    except ValueError:
        truths = {"true": True, "false": False}
        if all(label.lower() in truths for label in labels):
            return tuple(truths[label.lower()] for label in labels)
        return tuple(labels)


def meaning_of(  # noqa: PLR0913, PLR0917 - what the graph says, and what a person does
    exits: Exits,
    label: np.ndarray | None,
    numbers: np.ndarray | None,
    examples: Examples,
    given: tuple[Any, ...],
    scores: str,
) -> Meaning:
    """Return what a graph's answers to the examples mean.

    Raises:
        RefusedError: they mean nothing of the kind that the examples hold.
    """
    width = 0 if numbers is None else numbers.shape[1]
    if examples.task == "regression":
        if numbers is None or width != 1:
            raise RefusedError(
                f"A regression answers one number a row, and this graph {width or 'none'}: choose "
                "the output (--output), or say --task classification."
            )
        return Meaning(width=1)
    if label is None:
        if numbers is None:
            raise RefusedError("The graph has neither labels nor numbers.")
        labels = _of_numbers(max(width, _BOTH), examples, given)
        return Meaning(labels, labels, meaning(numbers, scores), width, _assumed(labels, given))
    keys, labels = _of_label(exits, label, examples, given)
    if numbers is None or max(width, _BOTH) != len(labels):
        return Meaning(labels, keys)
    try:
        found = meaning(numbers, scores)
    except RefusedError:
        found = ""
    if found != "probabilities" and not scores:
        return Meaning(labels, keys, notes=("Its numbers are no probabilities: it has none.",))
    return Meaning(labels, keys, found, width)


def _of_numbers(width: int, examples: Examples, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the labels of as many columns of numbers."""
    if given:
        if len(given) != width:
            raise RefusedError(f"The graph has {width} classes, and --labels names {len(given)}.")
        return given
    seen = sorted(set(examples.truth.tolist()))
    is_integer = examples.signature.outputs[0].kind is Kind.INTEGER
    if is_integer and seen[0] >= 0 and seen[-1] < width:
        return tuple(range(width))
    if len(seen) == width:
        return tuple(seen)
    raise RefusedError(
        f"The graph has {width} classes, and the examples hold {len(seen)} labels "
        f"({_listed(seen)}): say all of them in the graph's order, --labels A,B,C."
    )


def _of_label(
    exits: Exits, label: np.ndarray, examples: Examples, given: tuple[Any, ...]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return what the label output holds, and what is answered for it, by class index."""
    answered = sorted(set(label.tolist()))
    is_text = label.dtype.kind in "OSU"
    kind = examples.signature.outputs[0].kind
    if given:
        keys = given if is_text else tuple(range(len(given)))
        if not is_text and all(type(each) is int for each in given) and set(answered) <= set(given):
            keys = given
        _check_known(answered, keys)
        return keys, given
    if not is_text and kind is Kind.BOOLEAN:
        _check_known(answered, (0, 1))
        return (0, 1), (False, True)
    if is_text != (kind is Kind.CATEGORY):
        seen = sorted(set(examples.truth.tolist()))
        raise RefusedError(
            f"The graph answers {_listed(answered)}, and the examples hold {_listed(seen)}: say "
            "what its numbers stand for, in order, --labels A,B,C, or write the examples so."
        )
    known = exits.labels or tuple(sorted({*answered, *examples.truth.tolist()}))
    _check_known(answered, known)
    return known, known


def _check_known(answered: list[Any], known: tuple[Any, ...]) -> None:
    if unknown := [each for each in answered if each not in known]:
        raise RefusedError(
            f"The graph answers {_listed(unknown)}, which is none of its labels "
            f"({_listed(known)}): say --labels."
        )


def _assumed(labels: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[str, ...]:
    # A whole number that is its own place leaves no other order.
    if given or labels == tuple(range(len(labels))):
        return ()
    return (f"The order of its labels was taken to be {_listed(labels)}: --labels says another.",)


def _listed(values: Any) -> str:
    texts = [str(value) for value in values]
    more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
    return f"{', '.join(texts[:_MOST_SHOWN])}{more}"
