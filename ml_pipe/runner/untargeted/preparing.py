"""A table without a column to predict, as a run of the notebooks keeps one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from msgspec.structs import replace as replaced

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.loading import RunData
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import RawTable, as_raw
from ml_pipe.runner.reading.recognise import recognise
from ml_pipe.runner.table.last_version import align, compare
from ml_pipe.runner.table.prepared_table import Prepared
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Column, Kind, Signature

UntargetedTask = Literal["anomaly-detection", "clustering"]
ANOMALY, SCORE, CLUSTER = "anomaly", "anomaly_score", "cluster"
"""The names of what is answered."""
_EMPTY: dict[Kind, Any] = {Kind.BOOLEAN: False, Kind.NUMBER: 0.0, Kind.INTEGER: 0}
SMALLEST_TABLE = 50
"""Fewer rows say nothing of what is usual."""


def prepare(
    raw: RawTable | pd.DataFrame,
    parameters: Mapping[str, Any],
    expected: Signature | None = None,
) -> Prepared:
    """Return a table as a model learns it that is given no true values.

    Its outputs stand in it with empty values: `answered` puts the model's own there.

    Args:
        raw: `(rows, columns)`, as `read_table` returned it, or a pandas table of your own.
        parameters: `task`, and those of reading a table.
        expected: the signature of the model's last version; None: there is none.

    Raises:
        TableError: it cannot be learnt from; the sentence says why, and what to do.
        SignatureError: it has a column that cannot be served.
    """
    raw = as_raw(raw)
    task, options = parameters["task"], ReadingOptions.of(parameters)
    if task not in get_args(UntargetedTask):
        raise TableError(
            f'task="{task}": without a target, say {" or ".join(get_args(UntargetedTask))}.'
        )
    outputs = outputs_of(task)
    if taken := [c.name for c in outputs if c.name in raw.frame.columns]:
        raise TableError(
            f'The table has a column "{taken[0]}", as the answer is to be named: rename it, or '
            "leave it out of the file."
        )
    if len(raw.frame) < SMALLEST_TABLE:
        raise TableError(
            f"{len(raw.frame)} rows are too few to learn what is usual: at least {SMALLEST_TABLE} "
            "are needed."
        )
    first = outputs[0].name
    # The reading of tables asks for a column that is no input.
    stand_in = np.arange(len(raw.frame)) % 2 == 0
    whole = replace(raw, frame=raw.frame.assign(**{first: stand_in}))
    recognised = recognise(whole, first, options, expected)
    inputs = recognised.table.drop(columns=first)
    if expected:
        inputs = align(inputs, expected)
    described = recognised.described(infer_signature(inputs, recognised.table[[first]]), first)
    signature = replaced(
        described,
        outputs=outputs,
        ignored=tuple(name for name in described.ignored if name != first),
    )
    table = conform(inputs, signature.inputs).assign(**{c.name: _EMPTY[c.kind] for c in outputs})
    remarks = compare(table, expected, parameters.get("model", "")) if expected else []
    return Prepared(
        table=table,
        signature=signature,
        target=first,
        task=task,
        dropped={},
        remarks=remarks,
        task_reason="No column is predicted, as there are no true values.",
        left_out=recognised.left_out,
        notes=recognised.notes,
    )


def outputs_of(task: str) -> tuple[Column, ...]:
    """Return what a model without a target answers."""
    if task == "clustering":
        return (Column(name=CLUSTER, kind=Kind.INTEGER),)
    return (
        Column(name=ANOMALY, kind=Kind.BOOLEAN),
        Column(name=SCORE, kind=Kind.NUMBER, minimum=0.0, maximum=1.0),
    )


def answered(run: RunData, estimator: Any) -> RunData:
    """Return a run whose table holds a fitted estimator's own answers to its rows."""
    answers = np.asarray(estimator.predict(run.table[run.names]), dtype=object)
    answers = answers.reshape(len(run.table), -1)
    outputs = outputs_of(run.task)
    table = run.table.assign(**{c.name: answers[:, n] for n, c in enumerate(outputs)})
    if run.task == "clustering":
        highest = float(max(answers[:, 0]))
        outputs = (replaced(outputs[0], minimum=0.0, maximum=highest),)
    signature = replaced(run.facts.signature, outputs=outputs)
    facts = replaced(run.facts, signature=signature)
    return replace(run, table=conform(table, tuple(signature)), facts=facts)
