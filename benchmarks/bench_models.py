"""What the comparison serves and sends: two models of the iris, each in three forms, and rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from benchmarks.errors import LoadError
from mlops.process.publisher_key import ensure_signer
from model_store.bundle import Compilation, Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from monitoring.statistics import profile
from settings.settings import Settings

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
OUTPUT = "species"
SEED = 0
BODIES = 100
"""How many different requests are sent, in turn."""

Rows = list[dict[str, Any]]


def flowers(rows: Rows) -> np.ndarray:
    """Return rows of the iris as the plain array that the estimator takes."""
    return np.array([[row[name] for name in COLUMNS] for row in rows])


@dataclass(frozen=True, kw_only=True)
class BenchModel:
    """A trained model, and where its forms stand."""

    name: str
    estimator: Any
    """Fitted to what `tabulate` returns, as `plain` uses it."""
    joblib: Path
    onnx: Path | None
    """None: `limit` does not serve it."""
    models: Path
    """The store, which holds this model alone."""
    version: str
    """The champion in it."""
    plain: str = "plain"
    """The module in `baselines` that serves it by hand."""
    tabulate: Callable[[Rows], Any] = flowers

    def answers(self, rows: Rows) -> Rows:
        """Return what must be answered to rows."""
        labels = self.estimator.predict(self.tabulate(rows))
        return [{OUTPUT: label} for label in labels.tolist()]


def iris() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return inputs and outputs of the iris data, `(150, 4)` and `(150, 1)`."""
    data, target = load_iris(return_X_y=True)
    species = load_iris().target_names[target].astype(object)
    return pd.DataFrame(data, columns=list(COLUMNS)), pd.DataFrame({OUTPUT: species})


def make_model(name: str, folder: Path, *, versions: int = 1) -> BenchModel:
    """Train `tree` or `forest` and write its forms into a folder.

    Args:
        name: which one.
        folder: gets the files.
        versions: how many versions the store gets; the last one is the champion.
    """
    folder.mkdir(parents=True)
    inputs, outputs = iris()
    table = inputs.to_numpy()
    # The store's model knows the names of its columns; the same seed makes the same trees.
    estimator = _estimator(name).fit(table, outputs[OUTPUT].to_numpy(str))
    joblib.dump(estimator, folder / "model.joblib")
    compiled = to_onnx(estimator, table[:1].astype(np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(compiled.SerializeToString())
    return BenchModel(
        name=name,
        estimator=estimator,
        joblib=folder / "model.joblib",
        onnx=folder / "model.onnx",
        models=folder / "models",
        version=publish(
            name, folder / "models", (inputs, outputs), _estimator(name), versions=versions
        ),
    )


def check_answers(model: BenchModel, bodies: Sequence[Rows], answers: Sequence[bytes]) -> None:
    """See that a server answers what the estimator answers.

    Raises:
        LoadError: one of its answers is another.
    """
    for rows, answer in zip(bodies, answers, strict=True):
        if msgspec.json.decode(answer) != model.answers(rows):
            raise LoadError(f"A wrong answer, {answer[:200]!r}..., to {rows[:2]}...")


def make_bodies(rows: int) -> list[Rows]:
    """Return the rows of different requests: to a tenth, as flowers are measured, and in range."""
    random = np.random.default_rng(SEED)
    inputs, _ = iris()
    drawn = random.uniform(inputs.min(), inputs.max(), (BODIES, rows, len(COLUMNS))).round(1)
    return [[dict(zip(COLUMNS, row, strict=True)) for row in body] for body in drawn.tolist()]


def _estimator(name: str) -> Any:
    if name == "forest":
        return RandomForestClassifier(n_estimators=100, random_state=SEED)
    return DecisionTreeClassifier(random_state=SEED)


def publish(  # noqa: PLR0913 - what is published, and how
    name: str,
    root: Path,
    data: tuple[pd.DataFrame, pd.DataFrame],
    estimator: Any,
    *,
    versions: int = 1,
    compilation: Compilation | None = None,
) -> str:
    """Publish versions of a model to a store and return the last, which is the champion.

    Args:
        name: of the model.
        root: the store's folder.
        data: inputs and outputs.
        estimator: what is fitted to them.
        versions: how many.
        compilation: the compiled form, or why there is none; None: it is made.
    """
    inputs, outputs = data
    signature = infer_signature(inputs, outputs)
    estimator = estimator.fit(conform(inputs, signature.inputs), outputs[OUTPUT])
    # What the service trusts by default is trusted here.
    policy = LoadPolicy(trusted_types=Settings.model_fields["model_trusted_types"].default)
    # The service that is started on this folder knows who sealed them.
    store = FileModelStore(root, policy, signer=ensure_signer(root.parent / "secrets"))
    kinds = {column.name: column.kind for column in signature}
    table = conform(inputs, signature.inputs).join(outputs)
    columns = {name: table[name].to_numpy() for name in kinds}
    draft = Draft(
        model=name,
        task="classification",
        estimator=estimator,
        signature=signature,
        golden=golden_rows(estimator, signature, inputs),
        reference=msgspec.json.encode(profile(columns, kinds)),
        compilation=compilation,
    )
    version = [store.publish(draft) for _ in range(versions)][-1]
    store.promote(name, version)
    return version
