"""Models as other tools save them, each with what it answered there: the worlds of `imports`."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import onnx
import pandas as pd
import skops.io
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROWS = 80
NAMES = ["tall", "square", "wide"]


class World(NamedTuple):
    """A model in a file, and examples of its answers."""

    model: str
    file: str
    needs: str
    """What is given with it, a phrase."""
    path: Path
    examples: pd.DataFrame
    """`(rows, columns)`, the true values in the column "kind"."""
    answers: np.ndarray
    """What it answered there: `(rows, labels)` probabilities, or `(rows,)` amounts."""
    labels: tuple[str, ...] = ()


def worlds(folder: Path) -> Iterator[World]:
    """Yield models that are saved in a folder, one after the other."""
    for place, make in enumerate((_of_sklearn, _of_onnx, _of_boosters)):
        own = folder / str(place)
        own.mkdir()
        yield from make(own)


def _table() -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows of numbers and of a text, and the places of their labels."""
    random = np.random.default_rng(0)
    sizes = random.uniform(0, 2, (ROWS, 2)).round(3)
    codes = np.digitize(sizes[:, 0] - sizes[:, 1], [-0.5, 0.5])
    colours = random.choice(["blue", "red"], ROWS).astype(object)
    return pd.DataFrame({"width": sizes[:, 0], "height": sizes[:, 1], "colour": colours}), codes


def _of_sklearn(folder: Path) -> Iterator[World]:
    table, codes = _table()
    texts = np.array(NAMES, dtype=object)[codes]
    numbers = table[["width", "height"]]
    columns = make_column_transformer(
        (StandardScaler(), list(numbers)),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
    )
    mixed = make_pipeline(columns, LogisticRegression()).fit(table, texts)
    examples, shares = table.assign(kind=texts), mixed.predict_proba(table)
    joblib.dump(mixed, folder / "mixed.joblib", compress=3)
    yield World(
        "pipeline of a table", "joblib", "`--approve`", folder / "mixed.joblib", examples, shares
    )
    (folder / "mixed.pkl").write_bytes(pickle.dumps(mixed))
    yield World(
        "pipeline of a table", "pickle", "`--approve`", folder / "mixed.pkl", examples, shares
    )
    skops.io.dump(mixed, folder / "mixed.skops")
    yield World("pipeline of a table", "skops", "nothing", folder / "mixed.skops", examples, shares)
    nameless = RandomForestClassifier(10, random_state=0).fit(numbers.to_numpy(), texts)
    examples = numbers.assign(kind=texts)
    shares = nameless.predict_proba(numbers.to_numpy())
    joblib.dump(nameless, folder / "forest.joblib")
    path = folder / "forest.joblib"
    yield World("forest of an array", "joblib", "`--approve`", path, examples, shares)
    saved = folder / "mlflow"
    saved.mkdir()
    (saved / "model.pkl").write_bytes(pickle.dumps(nameless))
    inputs = '[{"type": "double", "name": "width"}, {"type": "double", "name": "height"}]'
    (saved / "MLmodel").write_text(
        f"flavors: {{sklearn: {{pickled_model: model.pkl}}}}\nsignature: {{inputs: '{inputs}'}}\n",
        "utf-8",
    )
    yield World("forest of an array", "folder of MLflow", "`--approve`", saved, examples, shares)


def _of_onnx(folder: Path) -> Iterator[World]:
    table, codes = _table()
    texts = np.array(NAMES, dtype=object)[codes]
    numbers = table[["width", "height"]]
    array = numbers.to_numpy(np.float32)
    forest = RandomForestClassifier(10, random_state=0).fit(array, texts)
    path = _save(to_onnx(forest, array[:1]), folder / "forest.onnx")
    shares = forest.predict_proba(array)
    kinds = numbers.assign(kind=texts)
    yield World("forest, by skl2onnx", "ONNX", "nothing", path, kinds, shares)
    columns = make_column_transformer(
        (StandardScaler(), list(numbers)), (OneHotEncoder(), ["colour"])
    )
    mixed = make_pipeline(columns, LogisticRegression()).fit(table, texts)
    types = [(str(name), FloatTensorType([None, 1])) for name in numbers]
    types.append(("colour", StringTensorType([None, 1])))
    path = _save(to_onnx(mixed, initial_types=types), folder / "mixed.onnx")
    shares = mixed.predict_proba(table)
    kinds = table.assign(kind=texts)
    yield World("pipeline, an input a column", "ONNX", "nothing", path, kinds, shares)
    amounts = array.sum(axis=1)
    trees = GradientBoostingRegressor(n_estimators=10, random_state=0).fit(array, amounts)
    path = _save(to_onnx(trees, array[:1]), folder / "amounts.onnx")
    kinds = numbers.assign(kind=amounts.astype(float))
    yield World("regression, by skl2onnx", "ONNX", "nothing", path, kinds, trees.predict(array))
    yield _network(folder)


def _network(folder: Path) -> World:
    """Return a small convolution, as `torch.onnx.export` writes one: its weights in a file beside."""
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (ROWS, 4, 4)).astype(np.uint8)
    kernel = np.concatenate([np.full((1, 1, 4, 2), -0.01), np.full((1, 1, 4, 2), 0.01)], axis=3)
    tensors = {"kernel": kernel, "weights": np.array([[-1.0, 1.0]]), "bias": np.zeros(2)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["picture", "kernel"], ["map"]),
            helper.make_node("Flatten", ["map"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
        ],
        "network",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 1, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in tensors.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    path = folder / "network.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0)
    halves = pictures[:, :, 2:].sum((1, 2), dtype=float) - pictures[:, :, :2].sum(
        (1, 2), dtype=float
    )
    right = 1 / (1 + np.exp(-0.02 * halves))
    cells = pd.Series(list(pictures), dtype=object)
    examples = pd.DataFrame({"picture": cells, "kind": (halves > 0).astype(int)})
    shares = np.column_stack([1 - right, right])
    return World(
        "convolution of pictures", "ONNX, as of PyTorch", "nothing", path, examples, shares
    )


def _of_boosters(folder: Path) -> Iterator[World]:
    # They are no part of the documents' own environment.
    import catboost  # noqa: PLC0415
    import lightgbm  # noqa: PLC0415
    import xgboost  # noqa: PLC0415

    table, codes = _table()
    numbers = table[["width", "height"]]
    texts = np.array(NAMES, dtype=object)[codes]
    kinds, labels = numbers.assign(kind=texts), tuple(NAMES)
    boosted = xgboost.XGBClassifier(n_estimators=5).fit(numbers, codes)
    shares = boosted.predict_proba(numbers)
    for name, file in {"boosted.json": "JSON", "boosted.ubj": "UBJSON"}.items():
        boosted.save_model(folder / name)
        yield World("XGBoost", file, "`--labels`", folder / name, kinds, shares, labels)
    light = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(numbers, codes)
    light.booster_.save_model(folder / "boosted.txt")
    shares = np.asarray(light.predict_proba(numbers))
    yield World("LightGBM", "text", "`--labels`", folder / "boosted.txt", kinds, shares, labels)
    options: dict[str, Any] = {"iterations": 5, "verbose": 0, "allow_writing_files": False}
    cats = catboost.CatBoostClassifier(**options).fit(numbers, texts)
    cats.save_model(str(folder / "boosted.cbm"))
    shares = cats.predict_proba(numbers)
    yield World("CatBoost", "cbm", "nothing", folder / "boosted.cbm", kinds, shares)


def _save(model: Any, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


Make = Callable[[Path], Iterator[World]]
