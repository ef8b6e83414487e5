"""Examples for a model from elsewhere, as `read_examples` makes them of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlops.exchange.wants import Examples
from model_store.manifest import Task
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature


def rows(count: int = 40, names: Sequence[str] = ("a", "b"), seed: int = 0) -> pd.DataFrame:
    """Return rows of numbers between -1 and 1, `(rows, columns)`."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(random.uniform(-1, 1, (count, len(names))), columns=list(names))


def examples(inputs: pd.DataFrame, truth: Any, task: Task = "classification") -> Examples:
    """Return rows with their true values."""
    labels = pd.Series(truth, name="y", index=inputs.index)
    outputs = labels.to_frame()
    if labels.dtype == object or str(labels.dtype) == "str":
        outputs = outputs.astype("category")
    signature = infer_signature(inputs, outputs)
    return Examples(
        inputs=conform(inputs, signature.inputs),
        truth=conform(labels.to_frame(), signature.outputs)["y"],
        signature=signature,
        task=task,
        task_reason="",
        left_out={},
        notes=[],
        dropped={},
    )
