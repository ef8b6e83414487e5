"""What an estimator from elsewhere must be, and which examples fit it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.model_class import DateParts
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions
from mlops.exchange.estimator_model import EstimatorSource, read_estimator
from mlops.exchange.examples import read_examples
from mlops.exchange.files.recognition import Form
from mlops.exchange.wants import Wants
from model_store.errors import RefusedError
from model_store.schema.signature import Kind
from model_store.store import LoadPolicy
from tests.mlops.exchange.examples import rows

TABLE = rows(40, ["width", "height"])
TRUTH = np.where(TABLE["width"] > TABLE["height"], "wide", "tall").astype(object)
SHEETS = LogisticRegression().fit(TABLE, TRUTH)


def read(held: Any, tmp_path: Path, *, approved: bool = True) -> EstimatorSource:
    """Return what is read of a pickle."""
    path = tmp_path / "model.pkl"
    path.write_bytes(held if isinstance(held, bytes) else pickle.dumps(held))
    return read_estimator(path, Form.PICKLE, LoadPolicy(), {}, approved=approved)


REFUSED: dict[str, tuple[Any, str]] = {
    "unfitted": (LogisticRegression(), "is not fitted"),
    "a class": (LogisticRegression, "holds the class"),
    "a step": (StandardScaler().fit(TABLE), "has no predict"),
    "a dictionary": ({"model": SHEETS, "date": 1}, "holds a dictionary \\(model, date\\)"),
    "a number": (1, "a int, which has no predict"),
    "a cut file": (pickle.dumps(SHEETS)[:-20], "cannot be read here"),
    "a class of a script": (b"c__main__\nScorer\n(tR.", "must be in a module"),
    "a package that is not here": (b"cno_such_package\nModel\n(tR.", "needs the module no_such"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_fitted_model_is_refused(name: str, tmp_path: Path) -> None:
    """Each by a sentence that says what to save instead."""
    held, sentence = REFUSED[name]
    with pytest.raises(RefusedError, match=sentence):
        read(held, tmp_path)


def test_a_pickle_never_runs_without_approval(tmp_path: Path) -> None:
    """Not even to be looked through."""
    ran = tmp_path / "ran"
    with pytest.raises(RefusedError, match="--approve"):
        read(f"cpathlib\nPath\n(S'{ran}'\ntRctouch".encode(), tmp_path, approved=False)
    assert not ran.exists()


def test_a_skops_file_with_types_that_skops_does_not_trust_needs_approval(tmp_path: Path) -> None:
    """They are named; approval alone lets in no type that the settings do not."""
    path = tmp_path / "model.skops"
    pipeline = make_pipeline(DateParts(), LogisticRegression())
    skops.io.dump(pipeline, path)
    policy = LoadPolicy()
    with pytest.raises(RefusedError, match=r"model_class\.DateParts\).*--approve"):
        read_estimator(path, Form.SKOPS, policy, {}, approved=False)
    with pytest.raises(RefusedError, match=r"not trusted \(ml_pipe\.model_class\.DateParts\)"):
        read_estimator(path, Form.SKOPS, policy, {}, approved=True)


def test_what_a_model_says_of_its_columns(tmp_path: Path) -> None:
    """Names where it learnt from a table, else how many; labels of a classifier."""
    assert read(SHEETS, tmp_path).wants == Wants(
        names=("width", "height"), task="classification", classes=("tall", "wide")
    )
    nameless = LinearRegression().fit(TABLE.to_numpy(), TABLE["width"])
    assert read(nameless, tmp_path).wants == Wants(width=2, all_numbers=True, task="regression")


def examples_of(table: pd.DataFrame, wants: Wants, tmp_path: Path, **options: Any) -> Any:
    """Return the examples in a file with this table."""
    path = tmp_path / "examples.csv"
    table.to_csv(path, index=False)
    return read_examples(path, "kind", wants, ReadingOptions(**options))


def test_examples_are_given_in_the_order_of_the_model(tmp_path: Path) -> None:
    """Other columns may be there, and in requests; identifiers that the model takes stay."""
    table = TABLE.assign(kind=TRUTH, id=range(40), spare="x")[["spare", "kind", "id", "width"]]
    wants = Wants(names=("width", "id"), task="classification", classes=("tall", "wide"))
    found = examples_of(table, wants, tmp_path)
    assert list(found.inputs.columns) == ["width", "id"]
    assert found.signature.ignored == ("kind", "spare")
    assert found.left_out == {"spare": "the model does not take it"}
    assert found.task == "classification"


def test_whole_numbers_are_numbers_where_the_model_says_so(tmp_path: Path) -> None:
    """Examples may hold whole ones by chance; requests may then hold others."""
    table = pd.DataFrame({"a": range(40), "b": range(40), "kind": np.arange(40) / 7})
    found = examples_of(table, Wants(width=2, all_numbers=True), tmp_path)
    assert [column.kind for column in found.signature.inputs] == [Kind.NUMBER, Kind.NUMBER]
    wants = Wants(names=("a", "b"), kinds={"a": Kind.NUMBER, "b": Kind.INTEGER})
    found = examples_of(table, wants, tmp_path)
    assert [column.kind for column in found.signature.inputs] == [Kind.NUMBER, Kind.INTEGER]
    assert found.inputs["a"].dtype == np.float64


def test_rows_with_a_gap_that_the_model_does_not_take_are_left_out(tmp_path: Path) -> None:
    """They are counted; rows without a true value, too."""
    table = TABLE.assign(kind=TRUTH, place="here")
    table.loc[3, "place"] = None
    table.loc[5, "kind"] = None
    wants = Wants(names=("width", "place"), has_no_gaps=frozenset({Kind.STRING}))
    found = examples_of(table, wants, tmp_path)
    assert found.dropped == {"without a true value": 1, "without place": 1}
    assert len(found.truth) == len(found.inputs) == 38


WRONG = {
    "a column is missing": (
        Wants(names=("width", "depth")),
        "do not have: depth.*width, height, kind",
    ),
    "too few columns": (Wants(width=3), "takes 3 columns and names none.*2 beside"),
    "the target is an input": (Wants(names=("kind", "width")), "cannot be what it predicts"),
    "a label that it does not know": (
        Wants(width=2, task="classification", classes=("big", "wide")),
        "holds tall, and the model answers big, wide",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_examples_that_do_not_fit_are_refused(name: str, tmp_path: Path) -> None:
    """With what the model takes and what they have."""
    wants, sentence = WRONG[name]
    with pytest.raises(TableError, match=sentence):
        examples_of(TABLE.assign(kind=TRUTH), wants, tmp_path)
    with pytest.raises(TableError, match="several targets"):
        read_examples(tmp_path / "examples.csv", "kind,width", wants, ReadingOptions())
    with pytest.raises(TableError, match="no column"):
        examples_of(TABLE, Wants(), tmp_path)
