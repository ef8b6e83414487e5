"""Boosted trees stand in a bundle as files of their own packages, and come back as they were."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier

from model_store import formats
from model_store.boosters.booster_file import BoosterFile
from model_store.boosters.storing import put_together, taken_apart
from model_store.boosters.table_booster import BoostedClassifier, BoostedRegressor
from model_store.bundle import Compilation, Draft
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.store import LoadPolicy
from tests.model_store.boosters.boosted_table import SMALL, fitted
from tests.publisher_key import PUBLISHERS, SIGNER

pytestmark = pytest.mark.slow  # the packages take a second to be imported

MADE = {
    "lightgbm": ("lightgbm", "LGBM", "booster-1.txt", b"tree\nversion=v4"),
    "xgboost": ("xgboost", "XGB", "booster-1.json", b'{"learner":'),
    "catboost": ("catboost", "CatBoost", "booster-1.cbm", b"CBM1"),
}


def model_of(package: str, kind: str, **options: Any) -> Any:
    """Return a small unfitted model of a package: kind is "Classifier" or "Regressor"."""
    module, stem, *_ = MADE[package]
    return getattr(importlib.import_module(module), stem + kind)(**SMALL[package] | options)


@pytest.mark.parametrize("package", MADE)
def test_a_bundle_holds_the_trees_in_their_own_format(package: str, tmp_path: Path) -> None:
    """The manifest lists the file with its hash; the version loads, and answers as it did."""
    *_, name, begins = MADE[package]
    model = BoostedClassifier(model_of(package, "Classifier"), 1)
    estimator, signature, rows = fitted(model, "text")
    store = FileModelStore(tmp_path, LoadPolicy(publishers=PUBLISHERS), signer=SIGNER)
    draft = Draft(
        model="trees",
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, rows),
        compilation=Compilation(reason="Not asked for."),
    )
    version = store.publish(draft)

    folder = tmp_path / "trees" / version
    assert (folder / name).read_bytes().startswith(begins)
    manifest = store.manifest("trees", version)
    assert name in {file.name for file in manifest.files}
    assert any(package in known for known in manifest.packages)
    assert begins not in (folder / "model.skops").read_bytes()
    store.load("trees", version)
    # What is sealed is the manifest, which has the hash of each file.
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b" ")
    with pytest.raises(RefusedError, match=f"{name} is not the file that was published"):
        store.verify("trees", version)


@pytest.mark.parametrize("package", MADE)
@pytest.mark.parametrize("target", ["text", "pair", "flag", "code", "amount"])
def test_trees_come_back_as_they_were(package: str, target: str) -> None:
    """Whatever the labels are; to the last bit."""
    is_amount = target == "amount"
    trees = model_of(package, "Regressor" if is_amount else "Classifier")
    around = BoostedRegressor if is_amount else BoostedClassifier
    estimator, _, rows = fitted(around(trees, 1), target)
    apart, contents = taken_apart(estimator)
    stored = formats.dump(apart, "skops")
    formats.check_allowed(stored, "skops", LoadPolicy())
    back = put_together(formats.load(stored, "skops", LoadPolicy()), contents)
    assert np.array_equal(back.predict(rows), estimator.predict(rows))
    assert back.predict(rows).dtype == estimator.predict(rows).dtype
    if not is_amount:
        assert np.array_equal(back.predict_proba(rows), estimator.predict_proba(rows))


def test_trees_are_found_wherever_they_stand() -> None:
    """In a vote too; the estimator that was taken apart goes on answering."""
    members = [(package, BoostedClassifier(model_of(package, "Classifier"))) for package in MADE]
    estimator, _, rows = fitted(VotingClassifier(members, voting="soft"), "text")
    apart, contents = taken_apart(estimator)
    assert sorted(name.rpartition(".")[2] for name in contents) == ["cbm", "json", "txt"]
    stored = formats.dump(apart, "skops")
    back = put_together(formats.load(stored, "skops", LoadPolicy()), contents)
    assert np.array_equal(back.predict_proba(rows), estimator.predict_proba(rows))


def test_a_model_that_stopped_early_answers_as_it_did() -> None:
    """With its best round, and not with all that it has tried."""
    for package in ("lightgbm", "xgboost"):
        random = np.random.default_rng(0)
        rows, truth = random.normal(size=(200, 3)), random.normal(size=200)
        if package == "lightgbm":
            import lightgbm  # noqa: PLC0415 - as slow as it is

            options: dict[str, Any] = {"eval_X": -rows, "eval_y": truth}
            options["callbacks"] = [lightgbm.early_stopping(2, verbose=False)]
            model = model_of(package, "Regressor", n_estimators=50)
        else:
            options = {"eval_set": [(-rows, truth)], "verbose": False}
            model = model_of(package, "Regressor", n_estimators=50, early_stopping_rounds=2)
        model.fit(rows, truth, **options)
        apart, contents = taken_apart(model)
        back = put_together(apart, contents)
        assert np.array_equal(back.predict(rows), model.predict(rows))


def test_a_copy_of_a_process_answers_whatever_the_threads_are(tmp_path: Path) -> None:
    """Loading starts none: the copy would wait for threads that it does not have."""
    script = Path(__file__).with_name("forked_answers.py")
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(Path.cwd())}
    if known := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] += f"{os.pathsep}{known}"
    for verb in ("fit", "answer"):
        command = [sys.executable, str(script), verb, str(tmp_path)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stdout.splitlines() == ["lightgbm 500", "xgboost 500"]


def test_another_estimator_is_not_copied() -> None:
    """Taking apart what has no such trees costs nothing."""
    estimator = {"any": [1, 2]}
    assert taken_apart(estimator)[0] is estimator
    assert put_together(estimator, {}) is estimator


def test_a_file_that_is_missing_or_damaged_is_refused() -> None:
    """With a sentence that names it."""
    place = BoosterFile("xgboost.core.Booster", "booster-1.json", {})
    with pytest.raises(RefusedError, match="trees are in none of its files"):
        put_together([place], {})
    with pytest.raises(RefusedError, match="trees are in none of its files"):
        put_together([BoosterFile("os.system", "booster-1.json", {})], {"booster-1.json": b""})
    with pytest.raises(RefusedError, match="cannot be read by xgboost here"):
        put_together([place], {"booster-1.json": json.dumps({"a": 1}).encode()})
