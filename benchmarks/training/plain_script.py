"""A training by hand: read, fit the same estimator, score each split once, save.

Run as `python -m benchmarks.training.plain_script TABLE FILE`.
"""

import sys
from typing import Any

import joblib
import pandas as pd
from sklearn import metrics
from sklearn.model_selection import train_test_split

from benchmarks.training.tables import TARGET
from ml_pipe.model_class import build_estimator
from model_store.schema.signature import Column, Kind

SEED = 7
MOST_CATEGORIES = 50


def main(path: str, file: str) -> None:
    """Train on a table, print the scores, write the estimator."""
    table = pd.read_csv(path)
    columns = []
    for name in table.columns.drop(TARGET):
        kind = _kind(table[name])
        if kind is Kind.DATETIME:
            table[name] = pd.to_datetime(table[name]).astype("datetime64[us]")
        elif kind in {Kind.CATEGORY, Kind.STRING}:
            table[name] = table[name].astype(object)
        columns.append(Column(name=name, kind=kind))
    names = [column.name for column in columns]
    labels = table[TARGET].astype(object)
    rest, validation, rest_labels, validation_labels = train_test_split(
        table[names], labels, test_size=0.2, random_state=SEED, stratify=labels
    )
    train, test, train_labels, test_labels = train_test_split(
        rest, rest_labels, test_size=0.25, random_state=SEED, stratify=rest_labels
    )
    estimator = build_estimator("classification", columns, SEED)
    estimator.fit(train, train_labels)
    for inputs, truth in (
        (train, train_labels),
        (test, test_labels),
        (validation, validation_labels),
    ):
        shares = estimator.predict_proba(inputs)
        answers = estimator.classes_[shares.argmax(axis=1)]
        print(
            metrics.accuracy_score(truth, answers),
            metrics.f1_score(truth, answers, average="macro"),
            metrics.log_loss(truth, shares, labels=estimator.classes_),
        )
    joblib.dump(estimator, file)


def _kind(series: "pd.Series[Any]") -> Kind:
    if series.dtype == bool:
        return Kind.BOOLEAN
    if series.dtype.kind in "iu":
        return Kind.INTEGER
    if series.dtype.kind == "f":
        return Kind.NUMBER
    first = series.iloc[0]
    if isinstance(first, str) and first[:2] == "20" and first[4:5] == "-":
        return Kind.DATETIME
    return Kind.CATEGORY if series.nunique() <= MOST_CATEGORIES else Kind.STRING


if __name__ == "__main__":
    main(*sys.argv[1:])
