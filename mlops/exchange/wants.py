"""What a model from elsewhere says of its columns, before anybody has asked it anything."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pandas as pd

from model_store.bundle import Compilation
from model_store.manifest import EstimatorFormat, Task
from model_store.predictor import Predictor
from model_store.schema.signature import Kind, Signature


@dataclass(frozen=True)
class Wants:
    """What is known of a model's columns and answers."""

    names: tuple[str, ...] = ()
    """Its inputs, in order; empty: it names none."""
    width: int | None = None
    """How many inputs it takes; None: unknown."""
    may_be_array: bool = False
    """Whether one column of arrays may stand for all of them."""
    kinds: dict[str, Kind] = field(default_factory=dict)
    """The kinds of inputs that are known, by name."""
    all_numbers: bool = False
    """Whether every input is a number with fractions, whatever the examples hold."""
    has_no_gaps: frozenset[Kind] = frozenset()
    """The kinds of which it takes no missing value."""
    task: Task | None = None
    """None: the examples decide."""
    classes: tuple[Any, ...] = ()
    """The labels that it answers; empty: unknown."""
    naming: str = ""
    """How to say what its labels stand for, where that can be said; a phrase."""


class Examples(NamedTuple):
    """Rows with true values, as a request and a training give them."""

    inputs: pd.DataFrame
    """`(rows, columns)`"""
    truth: "pd.Series[Any]"
    """`(rows,)`"""
    signature: Signature
    task: Task
    task_reason: str
    left_out: dict[str, str]
    notes: list[str]
    dropped: dict[str, int]


class Made(NamedTuple):
    """A model that answers the columns of a signature."""

    predictor: Predictor
    estimator: Any
    """What a bundle stores: a fitted estimator, or a graph's bytes."""
    format: EstimatorFormat
    compilation: Compilation | None = None
    """None: it may yet be compiled."""
    requires: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A model from elsewhere."""

    @property
    def wants(self) -> Wants:
        """What is known of its columns."""
        ...

    def made(self, examples: Examples) -> Made:
        """Return the model as one that answers the columns of the examples.

        Raises:
            ModelStoreError: it cannot; the sentence says what to do.
        """
        ...
