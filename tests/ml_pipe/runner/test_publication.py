"""`publish`: the reference, the modules that a service must have, and the sentences at the end."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from ml_pipe.model_class import DateParts
from ml_pipe.runner.choosing.storable import modules_of
from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.publication import reference_of
from model_store.schema.infer_signature import infer_signature


def test_the_reference_holds_inputs_of_training_and_answers_to_the_rest() -> None:
    """Answers to rows that training has seen look better than they will be."""
    table = pd.DataFrame({"x": np.arange(20.0), "y": ["a", "b"] * 10})
    splits = {"train": table[:12], "test": table[12:16], "validation": table[16:]}
    signature = infer_signature(table[["x"]], table[["y"]].astype("category"))
    reference = json.loads(reference_of(np.array(["a"] * 8, dtype=object), splits, signature))
    assert reference["x"]["count"] == 12
    assert reference["y"]["categories"] == {"a": 8}


def test_modules_of_ours_are_found_in_a_pipeline() -> None:
    """They must be importable where the model is loaded."""
    assert modules_of(make_pipeline(DateParts(), LinearRegression())) == ("ml_pipe.model_class",)


class KernelsOwn(BaseEstimator):  # type: ignore[misc]  # it has no types
    """A class that a cell defines."""


def test_a_class_that_only_a_kernel_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service could not load it; the sentence says where it belongs."""
    monkeypatch.setattr(KernelsOwn, "__module__", "__main__")
    with pytest.raises(PipelineError, match="KernelsOwn is known to this kernel alone"):
        modules_of(make_pipeline(KernelsOwn(), LinearRegression()))
