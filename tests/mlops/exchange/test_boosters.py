"""Boosted trees from the files of their own packages answer as they did there."""

import sys
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from mlops.exchange.booster_model import BoosterSource, read_boosters
from mlops.exchange.files.recognition import Form, recognised
from model_store.compile.compiling import compile_estimator
from model_store.errors import RefusedError
from model_store.golden import golden_answers
from tests.mlops.exchange.examples import examples, rows

TABLE = rows(120, ["width", "height"])
CODES = np.digitize(TABLE["width"] - TABLE["height"], [-0.5, 0.5])
NAMES = ["tall", "square", "wide"]
TEXTS = np.array(NAMES, dtype=object)[CODES]
QUIET: dict[str, Any] = {"verbose": 0, "allow_writing_files": False, "random_seed": 0}


def source(path: Path, labels: list[str] | None = None) -> BoosterSource:
    """Return what is read of a file."""
    return read_boosters(path, recognised(path).form, {}, labels or [])


def answered(path: Path, truth: Any, labels: list[str] | None = None) -> tuple[Any, Any]:
    """Return labels and probabilities of the rows, by the model in a file; it is compiled, too."""
    found = examples(TABLE, truth)
    made = source(path, labels).made(found)
    golden = golden_answers(made.predictor, found.signature, TABLE)
    assert compile_estimator(made.estimator, found.signature, golden).reason == ""
    columns = {str(name): TABLE[name].to_numpy() for name in TABLE.columns}
    (values,), shares = made.predictor.predict(columns, probabilities=True)
    return values, shares


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_xgboost_knows_its_columns_and_no_labels(tmp_path: Path, name: str) -> None:
    """In both of its formats; the names of labels are given with the file."""
    model = xgboost.XGBClassifier(n_estimators=5).fit(TABLE, CODES)
    model.save_model(tmp_path / name)
    wants = source(tmp_path / name).wants
    assert (wants.names, wants.classes) == (("width", "height"), (0, 1, 2))
    values, shares = answered(tmp_path / name, TEXTS, NAMES)
    assert values.tolist() == np.array(NAMES)[model.predict(TABLE)].tolist()
    assert np.abs(shares - model.predict_proba(TABLE)).max() < 1e-6


def test_lightgbm_from_its_text(tmp_path: Path) -> None:
    """It learnt from an array, and answers whole numbers."""
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(TABLE.to_numpy(), CODES)
    file = tmp_path / "model.txt"
    model.booster_.save_model(file)
    wants = source(file).wants
    assert (wants.names, wants.width, wants.all_numbers) == ((), 2, True)
    values, shares = answered(file, CODES)
    assert values.tolist() == np.asarray(model.predict(TABLE.to_numpy())).tolist()
    assert np.abs(shares - model.predict_proba(TABLE.to_numpy())).max() < 1e-12


def test_catboost_knows_its_labels(tmp_path: Path) -> None:
    """As they were in training."""
    model = catboost.CatBoostClassifier(iterations=5, **QUIET).fit(TABLE, TEXTS)
    file = tmp_path / "model.cbm"
    model.save_model(str(file))
    assert source(file).wants.classes == ("square", "tall", "wide")
    values, shares = answered(file, TEXTS)
    assert values.tolist() == model.predict(TABLE).ravel().tolist()
    assert np.abs(shares - model.predict_proba(TABLE)).max() < 1e-12


def test_two_labels_of_a_truth_value(tmp_path: Path) -> None:
    """Zero and one stand for false and true, where the examples say so."""
    is_wide = CODES == 2
    model = xgboost.XGBClassifier(n_estimators=5).fit(TABLE, is_wide.astype(int))
    model.save_model(tmp_path / "model.json")
    values, _ = answered(tmp_path / "model.json", is_wide)
    assert values.dtype == bool
    assert values.tolist() == (model.predict(TABLE) == 1).tolist()


def test_amounts(tmp_path: Path) -> None:
    """A regression of each package answers what it did."""
    truth = TABLE["width"] * 2 + TABLE["height"]
    models = {
        "model.json": xgboost.XGBRegressor(n_estimators=5),
        "model.txt": lightgbm.LGBMRegressor(n_estimators=5, verbose=-1),
        "model.cbm": catboost.CatBoostRegressor(iterations=5, **QUIET),
    }
    columns = {str(name): TABLE[name].to_numpy() for name in TABLE.columns}
    for name, model in models.items():
        model.fit(TABLE, truth)
        getattr(model, "booster_", model).save_model(str(tmp_path / name))
        read = source(tmp_path / name)
        assert (read.wants.task, read.wants.names) == ("regression", ("width", "height"))
        predictor = read.made(examples(TABLE, truth, "regression")).predictor
        ((values,), _) = predictor.predict(columns)
        assert np.abs(values - model.predict(TABLE)).max() < 1e-6


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    """Rankings, categories of which the file does not say the numbers, damaged files."""
    ranker = xgboost.XGBRanker(n_estimators=2).fit(TABLE, CODES, qid=np.repeat([0, 1], 60))
    ranker.save_model(tmp_path / "rank.json")
    with pytest.raises(RefusedError, match=r"objective is rank:.*binary:logistic"):
        source(tmp_path / "rank.json")
    mixed = TABLE.assign(kind=pd.Categorical(TEXTS))
    trees = xgboost.XGBClassifier(n_estimators=2, enable_categorical=True).fit(mixed, CODES)
    trees.save_model(tmp_path / "mixed.json")
    with pytest.raises(RefusedError, match="takes categories"):
        source(tmp_path / "mixed.json")
    boosted = catboost.CatBoostClassifier(iterations=2, cat_features=["kind"], **QUIET)
    boosted.fit(mixed.assign(kind=TEXTS), CODES).save_model(str(tmp_path / "mixed.cbm"))
    with pytest.raises(RefusedError, match="takes categories"):
        source(tmp_path / "mixed.cbm")
    light = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(mixed, CODES)
    light.booster_.save_model(tmp_path / "mixed.txt")
    with pytest.raises(RefusedError, match="takes categories"):
        source(tmp_path / "mixed.txt")
    (tmp_path / "cut.json").write_bytes(b'{"learner": {}}')
    with pytest.raises(RefusedError, match="cannot be read by xgboost"):
        source(tmp_path / "cut.json")
    file = tmp_path / "three.json"
    xgboost.XGBClassifier(n_estimators=2).fit(TABLE, CODES).save_model(file)
    with pytest.raises(RefusedError, match="3 classes, and --labels names 2"):
        source(file, ["a", "b"])


def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(RefusedError, match="make boosters"):
        read_boosters(tmp_path / "model.txt", Form.LIGHTGBM, {}, [])
