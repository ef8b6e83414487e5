"""A stored estimator is one of a closed list of formats, and holds only types that are trusted."""

import fnmatch
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import skops.io
from sklearn.cluster import Birch, FeatureAgglomeration
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer
from sklearn.tree import DecisionTreeRegressor

from model_store import formats
from model_store.errors import RefusedError
from model_store.store import LoadPolicy

SKOPS = LoadPolicy()


def test_skops_is_the_only_format_unless_the_policy_says_more() -> None:
    """A pickle runs whatever is in it."""
    stored = formats.dump(LinearRegression(), "pickle")
    with pytest.raises(RefusedError, match="format pickle is not allowed"):
        formats.check_allowed(stored, "pickle", SKOPS)
    formats.check_allowed(stored, "pickle", LoadPolicy(formats=frozenset({"pickle"})))


def test_a_type_that_the_policy_does_not_trust_is_named() -> None:
    """So a person can find it and allow it."""
    stored = formats.dump(FunctionTransformer(fnmatch.translate), "skops")
    with pytest.raises(RefusedError, match=r"not trusted \(.*fnmatch\.translate"):
        formats.check_allowed(stored, "skops", SKOPS)
    with pytest.raises(RefusedError, match="cannot be loaded here"):
        formats.load(stored, "skops", SKOPS)
    trusting = LoadPolicy(trusted_types=("fnmatch.translate",))
    formats.check_allowed(stored, "skops", trusting)
    assert formats.load(stored, "skops", trusting).func is fnmatch.translate


def test_all_types_of_scikit_learn_are_let_in() -> None:
    """A seal stands for them, and without one nothing gets here."""
    stored = formats.dump(DecisionTreeRegressor().fit([[0.0]], [1.0]), "skops")
    formats.check_allowed(stored, "skops", SKOPS)
    assert formats.load(stored, "skops", SKOPS).predict([[0.0]]).tolist() == [1.0]


def test_a_type_that_is_not_trusted_is_not_even_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing a module runs it."""
    marker = tmp_path / "it ran"
    module = tmp_path / "trap_of_this_test.py"
    module.write_text("def trap(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    trap = importlib.import_module(module.stem)
    stored = skops.io.dumps(FunctionTransformer(trap.trap))
    del sys.modules[module.stem]
    module.write_text(f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n")
    with pytest.raises(RefusedError, match=r"trap_of_this_test\.trap"):
        formats.check_allowed(stored, "skops", SKOPS)
    assert module.stem not in sys.modules
    assert not marker.exists()


@pytest.mark.parametrize("stored", [b"", b"no archive", skops.io.dumps(np.arange(3))[:-9]])
def test_an_invalid_skops_file_is_refused(stored: bytes) -> None:
    """The error is a sentence, whatever its cause."""
    with pytest.raises(RefusedError, match="skops file cannot be loaded here"):
        formats.check_allowed(stored, "skops", SKOPS)
    with pytest.raises(RefusedError, match="skops file cannot be loaded here"):
        formats.load(stored, "skops", SKOPS)


def test_an_invalid_pickle_is_refused() -> None:
    """The error is a sentence, whatever its cause."""
    with pytest.raises(RefusedError, match="pickle file cannot be loaded here"):
        formats.load(b"junk", "pickle", LoadPolicy(formats=frozenset({"pickle"})))


def test_an_estimator_that_a_format_cannot_hold_is_refused() -> None:
    """An example is one with a function without a name."""
    with pytest.raises(RefusedError, match="cannot be stored as pickle"):
        formats.dump(FunctionTransformer(lambda x: x), "pickle")


def test_a_function_without_a_name_is_not_said_to_be_a_matter_of_trust() -> None:
    """No setting would let it be loaded again."""
    stored = formats.dump(FunctionTransformer(lambda x: x), "skops")
    with pytest.raises(RefusedError, match=r"without a name of their own \(.*<lambda>\)"):
        formats.check_allowed(stored, "skops", SKOPS)


def test_what_estimators_are_made_of_is_stored_and_loaded() -> None:
    """A Birch refers to itself, as a search's distributions do: no answer needs either of them.

    Splines are scipy's, and numpy's functions only compute.
    """
    rows = np.random.default_rng(0).normal(size=(60, 2))
    drawn = {"max_depth": scipy.stats.randint(1, 5)}
    for fitted in (
        Birch(n_clusters=3).fit(rows),
        RandomizedSearchCV(DecisionTreeRegressor(), drawn, n_iter=2, cv=2).fit(rows, rows[:, 0]),
        make_pipeline(SplineTransformer(), LinearRegression()).fit(rows, rows[:, 0]),
        make_pipeline(FeatureAgglomeration(), LinearRegression()).fit(rows, rows[:, 0]),
        make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression()).fit(rows, rows[:, 0]),
    ):
        stored = formats.dump(fitted, "skops")
        formats.check_allowed(stored, "skops", SKOPS)
        loaded = formats.load(stored, "skops", SKOPS)
        assert loaded.predict(rows).tolist() == fitted.predict(rows).tolist()
    birch = Birch().fit(rows)
    root = birch.root_
    formats.dump(birch, "skops")
    assert birch.root_ is root  # the fitted one is not changed
