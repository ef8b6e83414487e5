"""Columns reach each step in its own order, however a table and a pipeline arrange them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from ml_pipe.model_class import DateParts, TextParts, build_features
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from tests.mixed_table import mixed_table
from tests.model_store.compile.compiled_pairs import (
    largest_difference,
    pair,
    random_columns,
)

EXACT = 1e-12
ROWS = 160
COLUMNS = [
    "rooms", "floor", "size", "weight (kg)", "is new", "has garden", "Stadt", "Größe", "built",
    "seen last", "comment",
]  # fmt: skip
MODELS = [
    HistGradientBoostingClassifier(max_iter=8, random_state=0),
    RandomForestClassifier(8, random_state=0),
    make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
]
ENCODER = OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def arranged(seed: int, rows: int = ROWS) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """Return some columns of the mixed table, in an order by chance, with labels."""
    random = np.random.default_rng(seed)
    table = mixed_table(rows, seed)
    names = random.permutation(COLUMNS)[: random.integers(4, len(COLUMNS) + 1)]
    return table[list(names)], table["Label"]


def of_kind(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the table's columns, in its order, by what may be done with them."""
    kinds = {
        "numbers": ["rooms", "floor", "size", "weight (kg)", "is new", "has garden"],
        "words": ["Stadt", "Größe"],
        "days": ["built", "seen last"],
        "texts": ["comment"],
    }
    return {kind: [n for n in table.columns if n in names] for kind, names in kinds.items()}


@pytest.mark.parametrize("seed", range(12))
def test_the_template_s_features_are_compiled_in_any_order_of_columns(seed: int) -> None:
    """Whole numbers, numbers, booleans, categories, dates and texts, as they come."""
    table, truth = arranged(seed)
    signature = infer_signature(table, pd.DataFrame(truth))
    model = make_pipeline(build_features(signature.inputs), MODELS[seed % len(MODELS)])
    found = pair(model, table, truth)
    unseen = mixed_table(500, seed + 100)[list(table.columns)]
    assert largest_difference(found, random_columns(found, unseen)) < EXACT


def selections(table: pd.DataFrame, random: np.random.Generator) -> ColumnTransformer:
    """Return a transformer whose steps come in any order, and select columns in any way."""
    conformed = conform(table, infer_signature(table, pd.DataFrame({"y": [0.0, 1.0]})).inputs)

    def select(names: list[str]) -> Any:
        places = [list(conformed.columns).index(name) for name in names]
        ways: list[Any] = [names, places, [place - conformed.shape[1] for place in places]]
        if sorted(places) == places:
            ways += [[n in names for n in table.columns], lambda _: names]
        if places == list(range(places[0], places[-1] + 1)):
            ways += [slice(places[0], places[-1] + 1), slice(names[0], names[-1])]
        return ways[random.integers(len(ways))]

    def shuffled(names: list[str]) -> list[str]:
        return random.permutation(names).tolist() if random.random() < 0.5 else names

    kinds = of_kind(table)
    union = FeatureUnion(
        [("as is", "passthrough"), ("scaled", MinMaxScaler()), ("none", "drop")],
        transformer_weights={"scaled": 3.0},
    )
    numbers = [
        make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
        make_pipeline(SimpleImputer(), union),
        make_pipeline(SimpleImputer(), ColumnTransformer([("last", StandardScaler(), [-1])],
                                                         remainder="passthrough")),
        make_pipeline(SimpleImputer(), FunctionTransformer()),
    ]  # fmt: skip
    words = [
        ENCODER,
        make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
        make_pipeline(ColumnTransformer([("a", ENCODER, [0])], remainder=ENCODER)),
    ]
    steps = [
        ("numbers", numbers[random.integers(len(numbers))], kinds["numbers"]),
        ("words", words[random.integers(len(words))], kinds["words"]),
        ("days", DateParts(), kinds["days"]),
        ("texts", TextParts(), kinds["texts"]),
    ]
    steps = [steps[place] for place in random.permutation(len(steps))]
    return ColumnTransformer(
        [(name, step, select(shuffled(names))) for name, step, names in steps if names],
        transformer_weights={"numbers": 0.5},
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("ignore:Found unknown categories")  # that is what they are
def test_pipelines_of_pipelines_are_compiled_in_any_order(seed: int) -> None:
    """By name, place, slice or mask; nested, united, weighed, and with a remainder."""
    table, truth = arranged(seed)
    features = selections(table, np.random.default_rng(seed))
    fill = SimpleImputer(keep_empty_features=True)
    found = pair(make_pipeline(features, fill, MODELS[seed % len(MODELS)]), table, truth)
    unseen = mixed_table(500, seed + 100)[list(table.columns)]
    assert largest_difference(found, random_columns(found, unseen)) < EXACT


def test_an_encoder_takes_columns_of_several_kinds() -> None:
    """It looks at each by itself: `make_column_selector` gives it booleans with texts."""
    table = mixed_table(ROWS, 0)[["size", "is new", "Stadt", "rooms", "built"]]
    selected = make_column_selector(dtype_exclude="number")
    features = ColumnTransformer([("categories", ENCODER, selected)], remainder=StandardScaler())
    truth = mixed_table(ROWS, 0)["Label"]
    found = pair(Pipeline([("f", features), ("m", LogisticRegression())]), table, truth)
    unseen = random_columns(found, mixed_table(500, 1)[list(table.columns)])
    assert largest_difference(found, unseen) < EXACT


def test_an_imputer_a_scaler_and_a_linear_model_take_a_mixed_table() -> None:
    """Whole numbers, numbers and booleans with gaps are one block of numbers."""
    table = mixed_table(ROWS, 0)[["size", "floor", "is new", "has garden", "rooms"]]
    truth = mixed_table(ROWS, 0)["Label"]
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    found = pair(model, table, truth)
    unseen = random_columns(found, mixed_table(500, 1)[list(table.columns)])
    assert largest_difference(found, unseen) < EXACT
