"""A model that answers an interval: the amount, and bounds one below and one above it."""

import msgspec
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from model_store.bundle import Draft
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Interval

COVERAGE = 0.9


def span_draft() -> Draft:
    """Return a regression `span` of `a`, with an interval."""
    inputs = pd.DataFrame({"a": np.arange(20.0)})
    outputs = pd.DataFrame(
        {"y": inputs["a"], "y_lower": inputs["a"] - 1, "y_upper": inputs["a"] + 1}
    )
    interval = Interval(of="y", lower="y_lower", upper="y_upper", coverage=COVERAGE)
    signature = msgspec.structs.replace(infer_signature(inputs, outputs), interval=interval)
    estimator = LinearRegression().fit(inputs, outputs)
    return Draft(
        model="span",
        task="regression",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
    )
