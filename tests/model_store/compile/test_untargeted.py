"""What is answered without a target is answered the same by its compiled form."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ml_pipe.runner.untargeted.detector import AnomalyDetector
from model_store.bundle import Compilation
from model_store.compile.compiling import compile_estimator
from model_store.compile.onnx_predictor import OnnxPredictor
from model_store.golden import golden_rows
from model_store.schema.infer_signature import infer_signature
from model_store.schema.signature import Signature

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])


def compiled(estimator: Pipeline, outputs: pd.DataFrame) -> tuple[Compilation, Signature]:
    """Return what comes of compiling an estimator that learnt the rows."""
    signature = infer_signature(ROWS, outputs)
    golden = golden_rows(estimator, signature, ROWS)
    return compile_estimator(estimator, signature, golden), signature


def answers(estimator: Pipeline, outputs: pd.DataFrame) -> list[np.ndarray]:
    """Return the compiled answers to the rows, one array an output."""
    found, signature = compiled(estimator, outputs)
    assert found.reason == ""
    assert found.compiled is not None
    predictor = OnnxPredictor(found.graph, signature, found.compiled)
    columns = {str(name): ROWS[name].to_numpy() for name in ROWS.columns}
    return list(predictor.predict(columns).values)


def detector(inner: object, share: float = 0.05) -> Pipeline:
    """Return a detector that learnt the rows."""
    return make_pipeline(StandardScaler(), AnomalyDetector(inner, share)).fit(ROWS)


ODD = pd.DataFrame({"anomaly": [False, True] * 100, "anomaly_score": np.linspace(0, 1, 200)})


@pytest.mark.parametrize("rows", [3, 64, 200])
def test_an_isolation_forest_is_compiled(rows: int) -> None:
    """Its score and its verdict, in the arrays of their kinds; however many rows its trees saw."""
    forest = IsolationForest(n_estimators=10, max_samples=rows, random_state=0)
    estimator = detector(forest)
    flags, scores = answers(estimator, ODD)
    expected = estimator.predict(ROWS)
    assert (flags.dtype, scores.dtype) == (np.dtype(bool), np.dtype(float))
    assert flags.tolist() == expected[:, 0].tolist()
    assert np.abs(scores - expected[:, 1].astype(float)).max() < 1e-9


@pytest.mark.parametrize("kind", [KMeans, MiniBatchKMeans])
def test_clusters_are_compiled(kind: type) -> None:
    """The number of the nearest centre, a whole one."""
    means = kind(n_clusters=4, n_init=1, random_state=0)
    estimator = make_pipeline(StandardScaler(), means).fit(ROWS)
    (labels,) = answers(estimator, pd.DataFrame({"cluster": [0, 1, 2, 3] * 50}))
    assert labels.dtype == np.int64
    assert labels.tolist() == estimator.predict(ROWS).tolist()


def test_what_is_not_compiled_says_why() -> None:
    """Another detector, and a forest whose trees see some of the columns."""
    found, _ = compiled(detector(EllipticEnvelope(random_state=0)), ODD)
    assert "IsolationForest is compiled, and EllipticEnvelope is not" in found.reason
    forest = IsolationForest(n_estimators=5, max_features=0.5, random_state=0)
    found, _ = compiled(detector(forest), ODD)
    assert "max_features" in found.reason
