"""The estimator: features from every kind of column, and a model that is the same each time."""

import inspect

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
from msgspec.structs import replace
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import Int64TensorType
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe import model_class
from ml_pipe.data_etl import signature_of, task_of
from ml_pipe.model_class import DateParts, TextParts, build_estimator, build_features
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.raw_table import as_raw
from ml_pipe.runner.reading.recognise import recognise
from model_store.compile.compiling import compile_estimator
from model_store.compile.converters.date_converter import convert_date_parts, date_parts_shape
from model_store.compile.named_converters import NAMED, named_converters
from model_store.golden import golden_rows
from model_store.manifest import Task
from model_store.schema.conform import conform
from model_store.schema.signature import Kind, Signature
from settings.model_settings import TRUSTED_TYPES
from tests.mixed_table import mixed_table


def prepared(target: str, rows: int = 120) -> tuple[pd.DataFrame, "pd.Series", Signature]:
    """Return inputs and target of the mixed table as a model is trained on them."""
    other = {"Label": "amount", "amount": "Label"}[target]
    raw = as_raw(mixed_table(rows, seed=1).drop(columns=other))
    table = recognise(raw, target, ReadingOptions(keep=("constant",))).table
    signature = signature_of(table, target, task_of(table[target]))
    conformed = conform(table, tuple(signature))
    return conformed.drop(columns=target), conformed[target], signature


def test_a_date_becomes_its_parts_and_a_missing_one_stays_missing() -> None:
    """Days since 1970 with fraction, month, day, weekday (Monday 0) and hour."""
    dates = np.array(["1970-01-02T12:00", "NaT"], dtype="datetime64[us]")
    parts = DateParts().fit_transform(pd.DataFrame({"a": dates, "b": dates[::-1]}))
    assert parts[0].tolist()[:5] == [1.5, 1, 2, 4, 12]
    assert np.isnan(parts[0, 5:]).all()
    assert parts.shape == (2, 10)


def test_a_text_becomes_its_length_and_its_frequent_words() -> None:
    """Words that occur once are left out; a missing text has no length."""
    texts = pd.DataFrame({"t": ["ab cd", "ab ef", None]}, dtype=object)
    parts = TextParts().fit_transform(texts)
    assert parts[:, 0].tolist()[:2] == [5, 5]
    assert np.isnan(parts[2, 0])
    assert parts[:, 1].tolist() == [1, 1, 0]


def test_identifiers_become_their_length_alone() -> None:
    """No word of them occurs twice."""
    texts = pd.DataFrame({"t": ["x1", "x22", "x333"]}, dtype=object)
    assert TextParts().fit_transform(texts).tolist() == [[2], [3], [4]]


@pytest.mark.parametrize(
    ("target", "task"), [("Label", "classification"), ("amount", "regression")]
)
def test_a_mixed_table_is_learnt(target: str, task: Task) -> None:
    """From 120 rows of 18 columns, both tasks, better than by guessing."""
    inputs, truth, signature = prepared(target)
    estimator = build_estimator(task, signature.inputs, seed=0)
    estimator.fit(inputs.iloc[:80], truth.iloc[:80])
    assert estimator.score(inputs.iloc[80:], truth.iloc[80:]) > 0.7


def test_the_same_seed_gives_the_same_model() -> None:
    """To the last bit of its probabilities."""
    inputs, truth, signature = prepared("Label")
    first, second = (
        build_estimator("classification", signature.inputs, seed=3).fit(inputs, truth)
        for _ in range(2)
    )
    assert np.array_equal(first.predict_proba(inputs), second.predict_proba(inputs))


@pytest.mark.parametrize(
    ("target", "task"), [("Label", "classification"), ("amount", "regression")]
)
def test_skops_stores_it_with_the_types_that_we_name(target: str, task: Task) -> None:
    """So that the settings can list them; a seal stands for scikit-learn's and numpy's."""
    inputs, truth, signature = prepared(target)
    estimator = build_estimator(task, signature.inputs, seed=0).fit(inputs, truth)
    stored = skops.io.dumps(estimator)
    found = skops.io.get_untrusted_types(data=stored)
    others = {name for name in found if not name.startswith(("sklearn.", "numpy."))}
    assert others <= set(TRUSTED_TYPES)
    loaded = skops.io.loads(stored, trusted=found)
    assert np.array_equal(loaded.predict(inputs), estimator.predict(inputs))


def test_values_that_training_never_saw_are_answered() -> None:
    """New categories, and gaps where training had some."""
    inputs, truth, signature = prepared("Label")
    estimator = build_estimator("classification", signature.inputs, seed=0).fit(inputs, truth)
    row = inputs.head(1).copy()
    row["Stadt"] = pd.Series(["Wien"], dtype=object)
    row["Größe"] = pd.Series([None], dtype=object)
    row["floor"] = np.nan
    row["seen last"] = pd.Series(np.array(["NaT"], dtype="datetime64[us]"))
    row["comment"] = pd.Series([""], dtype=object)
    assert estimator.predict(row).shape == (1,)


def test_dates_of_any_year_have_parts() -> None:
    """A request may name any moment from the year 1 to 9999; nanoseconds reach 2262 only."""
    moments = np.array(["0001-01-01", "2300-06-05T04:00", "9999-12-31", "NaT"], "datetime64[us]")
    parts = DateParts().fit_transform(pd.DataFrame({"when": moments}))
    assert parts[1].tolist() == [120_685 + 1 / 6, 6, 5, 1, 4]
    assert np.isnan(parts[3]).all()


def test_dates_are_compiled_exactly() -> None:
    """Any moment of any year, at and beside midnight and the turn of months, and missing ones."""
    random = np.random.default_rng(0)
    first, last = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], "datetime64[us]")
    moments = random.integers(first.astype(int), last.astype(int), size=20_000, endpoint=True)
    turns = np.arange(-1970 * 12 + 12, 8030 * 12, dtype="int64").astype("datetime64[M]")
    ends = turns.astype("datetime64[us]").astype("int64")
    every = np.concatenate([moments, ends, ends - 1, [first.astype(int)]]).clip(first.astype(int))
    when = np.concatenate([every.astype("datetime64[us]"), np.array(["NaT"], "datetime64[us]")])
    frame = pd.DataFrame({"when": when, "then": when[::-1]})
    parts = DateParts().fit(frame)
    model = convert_sklearn(
        parts,
        initial_types=[("moments", Int64TensorType([None, 2]))],
        target_opset=20,
        custom_conversion_functions={DateParts: convert_date_parts},
        custom_shape_calculators={DateParts: date_parts_shape},
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (given,) = session.run(None, {"moments": frame.to_numpy().astype("int64")})
    assert np.array_equal(given, parts.transform(frame), equal_nan=True)


@pytest.mark.parametrize("target", ["Label", "amount"])
def test_a_table_without_texts_is_compiled(target: str) -> None:
    """Of numbers, booleans, categories and dates, with gaps in all; whatever model comes after."""
    inputs, truth, signature = prepared(target)
    columns = tuple(c for c in signature.inputs if c.kind is not Kind.STRING)
    task = task_of(truth)
    names = [column.name for column in columns]
    boosted = {
        "classification": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    estimator = make_pipeline(build_features(columns), boosted[task](max_iter=20, random_state=0))
    estimator.fit(inputs[names], truth)
    without = replace(signature, inputs=columns)
    golden = golden_rows(estimator, without, inputs)
    compilation = compile_estimator(estimator, without, golden)
    assert compilation.reason == ""
    assert compilation.graph


def test_a_compiled_date_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class knows nothing of compilers; another class, or a subclass, is not taken for it."""
    assert not [name for name in vars(DateParts) if name.startswith("onnx")]
    assert "model_store.compile" not in inspect.getsource(model_class)
    assert f"{DateParts.__module__}.{DateParts.__qualname__}" in NAMED
    assert list(named_converters(make_pipeline(DateParts(), "passthrough"))) == [DateParts]
    subclass = type("OtherParts", (DateParts,), {})
    assert named_converters(make_pipeline(subclass(), "passthrough")) == {}


@pytest.mark.parametrize(("target", "linear"), [("Label", LogisticRegression), ("amount", Ridge)])
def test_a_model_that_minds_gaps_and_scales_gets_its_numbers_ready(
    target: str, linear: type
) -> None:
    """Numbers, dates and texts with gaps go through what `build_features` is given."""
    inputs, truth, signature = prepared(target)
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    model = make_pipeline(build_features(signature.inputs, numbers), linear())
    model.fit(inputs.iloc[:80], truth.iloc[:80])
    assert model.score(inputs.iloc[80:], truth.iloc[80:]) > 0.7
