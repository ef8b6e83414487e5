"""A graph from elsewhere answers as it did there, or is refused with what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import ModelProto, TensorProto, helper

from ml_pipe.runner.errors import AcceptanceError
from mlops.exchange.graphs.model import GraphSource, read_graph
from mlops.exchange.judgement import judge
from mlops.exchange.wants import Examples, Made
from model_store.errors import RefusedError
from model_store.golden import check, golden_answers
from model_store.schema.arrays.array_cells import arrays_of
from model_store.schema.columns import Columns
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Kind
from tests.mlops.exchange.examples import examples, rows
from tests.mlops.exchange.graphs import (
    FLOAT,
    INT64,
    classifier,
    convolution,
    line,
    model,
    node,
    tensor,
    value,
)

TABLE = rows()
POSITIVE = (TABLE["a"] > 0).astype(int)


def source(graph: ModelProto, **options: Any) -> GraphSource:
    """Return a graph from elsewhere; MLflow said nothing of its columns."""
    defaults = {"labels": [], "output": "", "scores": ""}
    return GraphSource(graph, options.pop("types", {}), **defaults | options)


def made(graph: ModelProto, known: Examples, **options: Any) -> Made:
    """Return it as the service is to run it."""
    return source(graph, **options).made(known)


def columns(table: pd.DataFrame) -> Columns:
    """Return a table as a model takes it."""
    return {str(name): table[name].to_numpy() for name in table.columns}


def test_a_regression_answers_what_it_did() -> None:
    """Columns are given to its one input side by side, in single precision."""
    truth = 2 * TABLE["a"] + 3 * TABLE["b"]
    predictor = made(line(), examples(TABLE, truth, "regression")).predictor
    ((values,), _) = predictor.predict(columns(TABLE))
    assert np.abs(values - truth).max() < 1e-5
    assert predictor.classes == ()


def test_a_graph_says_how_many_columns_it_takes() -> None:
    """A graph of one input names none of them; whole numbers may have fractions later."""
    wants = source(line()).wants
    assert (wants.names, wants.width, wants.all_numbers) == ((), 2, True)
    assert source(line(), types={"b": "double", "a": "double"}).wants.names == ("b", "a")


@pytest.mark.parametrize("scores", ["logits", "probabilities", "log-probabilities"])
def test_what_a_network_answers_becomes_probabilities(scores: str) -> None:
    """Of logits, of probabilities and of their logarithms, the same come out."""
    found = made(classifier(scores), examples(TABLE, POSITIVE))
    labels, shares = found.predictor.predict(columns(TABLE), probabilities=True)
    assert (labels[0] == POSITIVE).all()
    assert shares is not None
    assert np.allclose(shares[:, 1], 1 / (1 + np.exp(-8 * TABLE["a"])), atol=1e-6)
    assert found.predictor.classes == (0, 1)


def test_one_number_a_row_is_the_share_of_the_second_label() -> None:
    """As a network with one sigmoid at its end gives it; without one it is a logit."""
    graph = model(
        [node("MatMul", ["x", "w"], "raw"), node("Sigmoid", ["raw"], "share")],
        [value("x", FLOAT, "batch", 2)],
        [value("share", FLOAT, "batch", 1)],
        [tensor("w", [[50.0], [0.0]])],
    )
    truth = np.where(POSITIVE == 1, "yes", "no").astype(object)
    found = made(graph, examples(TABLE, truth))
    assert found.predictor.predict(columns(TABLE))[0][0].tolist() == truth.tolist()
    assert found.predictor.classes == ("no", "yes")
    assert "order of its labels" in found.notes[0]


def test_a_dictionary_of_probabilities_is_taken_apart() -> None:
    """What skl2onnx ends with by default; it names the labels, in its own order."""
    graph = classifier(labels=("no", "yes"))
    assert source(graph).wants.classes == ("no", "yes")
    truth = np.where(POSITIVE == 1, "yes", "no").astype(object)
    found = made(graph, examples(TABLE, truth))
    assert found.predictor.predict(columns(TABLE))[0][0].tolist() == truth.tolist()
    assert found.notes == ()


def test_labels_that_only_a_person_knows() -> None:
    """Texts that stand for class indexes, in an order that is none of the alphabet's."""
    truth = np.where(POSITIVE == 1, "dog", "owl").astype(object)
    with pytest.raises(RefusedError, match=r"3 classes.*--labels"):
        made(
            model(
                [node("MatMul", ["x", "w"], "raw")],
                [value("x", FLOAT, "batch", 2)],
                [value("raw", FLOAT, "batch", 3)],
                [tensor("w", [[-4, 4, 0], [0, 0, 0]])],
            ),
            examples(TABLE, truth),
        )
    found = made(classifier(), examples(TABLE, truth), labels=["owl", "dog"])
    assert found.predictor.predict(columns(TABLE))[0][0].tolist() == truth.tolist()


def test_probabilities_in_another_order_than_the_labels_are_refused() -> None:
    """A wrong order of labels would name each probability wrongly."""
    graph = classifier(labels=("no", "yes"))
    maps = next(each for each in graph.graph.node if each.op_type == "ZipMap")
    maps.attribute[0].strings[:] = [b"yes", b"no"]
    truth = np.where(POSITIVE == 1, "yes", "no").astype(object)
    with pytest.raises(RefusedError, match="order of its labels is unknown"):
        made(graph, examples(TABLE, truth))


def test_numbers_that_may_be_two_things_are_asked_about() -> None:
    """Shares that do not add up to one are no probabilities of one label."""
    numbers = np.array([[0.2, 0.1], [0.9, 0.8]])
    graph = model(
        [node("MatMul", ["x", "w"], "raw"), node("Sigmoid", ["raw"], "shares")],
        [value("x", FLOAT, "batch", 2)],
        [value("shares", FLOAT, "batch", 2)],
        [tensor("w", numbers)],
    )
    with pytest.raises(RefusedError, match="--scores logits"):
        made(graph, examples(TABLE, POSITIVE))
    assert made(graph, examples(TABLE, POSITIVE), scores="logits").predictor.classes == (0, 1)


def test_a_small_convolution_takes_its_picture_as_columns() -> None:
    """As torch exports one: its 16 columns are a picture of 1x4x4."""
    pixels = rows(30, [f"p{place}" for place in range(16)])
    pictures = pixels.to_numpy().reshape(-1, 4, 4)
    right = (pictures[:, :, 2:].sum((1, 2)) > pictures[:, :, :2].sum((1, 2))).astype(int)
    assert source(convolution()).wants.width == 16
    found = made(convolution(), examples(pixels, right))
    assert found.predictor.predict(columns(pixels))[0][0].tolist() == right.tolist()
    # A file that says one row, and does not mean it.
    assert made(convolution(1), examples(pixels, right)).predictor.classes == (0, 1)


def test_what_is_no_better_than_guessing_is_refused() -> None:
    """As with the labels in the wrong order: nothing of it is stored, unless it is asked for."""
    known = examples(TABLE, POSITIVE)
    right = judge(made(classifier(), known).predictor, known, accept_guessing=False, seed=0)
    assert right.scores["accuracy"] == 1.0
    assert right.comparison.is_beaten
    wrong = made(classifier(), known, labels=["1", "0"]).predictor
    with pytest.raises(AcceptanceError, match=r"not better than guessing.*--labels"):
        judge(wrong, known, accept_guessing=False, seed=0)
    assert judge(wrong, known, accept_guessing=True, seed=0).scores["accuracy"] == 0.0


def pictures(shape: tuple[int, ...], dtype: str = "float64") -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table with one column of pictures, and whether each is brighter on the right."""
    random = np.random.default_rng(1)
    found = random.integers(0, 256, (40, 4, 4)).astype(dtype)
    right = found[:, :, 2:].sum((1, 2)) > found[:, :, :2].sum((1, 2))
    cells = [picture.reshape(shape) for picture in found]
    return pd.DataFrame({"scan": pd.Series(cells, dtype=object)}), right.astype(int)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (4, 4, 1), (16,)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_column_of_pictures_is_one_input(shape: tuple[int, ...], dtype: str) -> None:
    """In any shape that has the same order; the graph's own type is cast to."""
    table, right = pictures(shape, dtype)
    known = examples(table, right)
    found = made(convolution(), known)
    ((values,), _) = found.predictor.predict(arrays_of(known.inputs, known.signature.inputs))
    assert values.tolist() == right.tolist()
    assert judge(found.predictor, known, accept_guessing=False, seed=0).scores["accuracy"] == 1.0
    golden = golden_answers(found.predictor, known.signature, known.inputs)
    decoder = RowDecoder(known.signature)
    check(golden, known.signature, decoder, found.predictor)


def test_pictures_in_another_order_are_refused() -> None:
    """As many numbers are not the same picture."""
    table, right = pictures((2, 8))
    with pytest.raises(RefusedError, match=r"\(rows, 1, 4, 4\).*2x8: give them in its order"):
        made(convolution(), examples(table, right))
    beside = pictures((4, 4))[0].assign(other=1.5)
    with pytest.raises(RefusedError, match="leave these out"):
        made(convolution(), examples(beside, right))


def test_a_graph_of_bytes_takes_pictures_of_bytes_alone() -> None:
    """Numbers would be cut to bytes."""
    graph = model(
        [node("Cast", ["x"], "number", to=FLOAT), node("ReduceMean", ["number"], "y", axes=[1, 2])],
        [value("x", TensorProto.UINT8, "batch", 4, 4)],
        [value("y", FLOAT, "batch")],
        [],
    )
    graph.graph.node[1].attribute.append(helper.make_attribute("keepdims", 0))
    table, _ = pictures((4, 4), "uint8")
    means = [float(cell.mean()) for cell in table["scan"]]
    known = examples(table, means, "regression")
    predictor = made(graph, known).predictor
    ((values,), _) = predictor.predict(arrays_of(known.inputs, known.signature.inputs))
    assert np.abs(values - means).max() < 1e-4
    with pytest.raises(RefusedError, match=r"UINT8.*float64: give them in its type"):
        made(graph, examples(pictures((4, 4))[0], means, "regression"))
    with pytest.raises(RefusedError, match="column of arrays of that type"):
        made(graph, examples(rows(40, [f"p{place}" for place in range(16)]), means, "regression"))


def test_weights_in_a_file_beside_are_read_with_it(tmp_path: Path) -> None:
    """As torch exports a model by default; a file elsewhere is not."""
    graph = line()
    onnx.save(graph, tmp_path / "line.onnx", save_as_external_data=True, size_threshold=0)
    assert len(list(tmp_path.iterdir())) == 2
    options: dict[str, Any] = {"labels": [], "output": "", "scores": ""}
    read = read_graph(tmp_path / "line.onnx", {}, **options)
    truth = 2 * TABLE["a"] + 3 * TABLE["b"]
    predictor = read.made(examples(TABLE, truth, "regression")).predictor
    ((values,), _) = predictor.predict(columns(TABLE))
    assert np.abs(values - truth).max() < 1e-5
    climbing = line()
    (weights,) = climbing.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 8)
    (tmp_path / "deeper" / "line.onnx").write_bytes(climbing.SerializeToString())
    with pytest.raises(RefusedError, match="cannot be read as ONNX"):
        read_graph(tmp_path / "deeper" / "line.onnx", {}, **options)


def test_a_graph_for_one_row_at_a_time_is_refused() -> None:
    """Its rows would be taken for columns, or fail under load."""
    graph = model(
        [
            node("MatMul", ["x", "w"], "raw"),
            node("Reshape", ["raw", "one"], "y"),
        ],
        [value("x", FLOAT, 1, 2)],
        [value("y", FLOAT, 1, 1)],
        [tensor("w", [[2.0], [3.0]]), helper.make_tensor("one", INT64, [2], [1, 1])],
    )
    with pytest.raises(RefusedError, match=r"one row at a time.*dynamic"):
        made(graph, examples(TABLE, TABLE["a"], "regression"))


def test_a_graph_that_mixes_rows_is_refused() -> None:
    """As one that was exported in training, whose norm is that of the batch."""
    graph = model(
        [
            node("ReduceMean", ["x"], "mean", axes=[0], keepdims=1),
            node("Sub", ["x", "mean"], "centred"),
            node("MatMul", ["centred", "w"], "y"),
        ],
        [value("x", FLOAT, "batch", 2)],
        [value("y", FLOAT, "batch", 1)],
        [tensor("w", [[2.0], [3.0]])],
    )
    with pytest.raises(RefusedError, match="otherwise among other rows"):
        made(graph, examples(TABLE, TABLE["a"], "regression"))


def test_each_input_of_several_is_a_column() -> None:
    """As skl2onnx names them; each gets its own type."""
    graph = model(
        [
            node("Cast", ["count"], "number", to=FLOAT),
            node("Add", ["size", "number"], "y"),
        ],
        [value("size", FLOAT, "batch", 1), value("count", INT64, "batch", 1)],
        [value("y", FLOAT, "batch", 1)],
        [],
    )
    wants = source(graph).wants
    assert wants.names == ("size", "count")
    assert wants.kinds == {"size": Kind.NUMBER, "count": Kind.INTEGER}
    assert wants.has_no_gaps == {Kind.INTEGER}
    table = pd.DataFrame({"size": TABLE["a"], "count": range(40)})
    predictor = made(graph, examples(table, table["size"], "regression")).predictor
    ((values,), _) = predictor.predict(columns(table))
    assert np.abs(values - table["size"] - table["count"]).max() < 1e-5


def test_an_operator_that_is_not_listed_is_refused() -> None:
    """The closed list of a compiled model is that of an imported one."""
    graph = model(
        [node("RandomUniformLike", ["x"], "y")],
        [value("x", FLOAT, "batch", 2)],
        [value("y", FLOAT, "batch", 1)],
        [],
    )
    with pytest.raises(RefusedError, match="RandomUniformLike"):
        made(graph, examples(TABLE, TABLE["a"], "regression"))


def test_a_margin_that_would_take_all_memory_is_refused() -> None:
    """A convolution may add a margin around its picture, of any width."""
    graph = convolution()
    graph.graph.node[0].attribute.append(helper.make_attribute("pads", [10**6] * 4))
    pixels = rows(30, [f"p{place}" for place in range(16)])
    with pytest.raises(RefusedError, match="above 1024"):
        made(graph, examples(pixels, [0, 1] * 15))


def test_one_of_several_answers_is_chosen() -> None:
    """A network with two heads answers by the one that is named."""
    graph = model(
        [node("MatMul", ["x", "w"], "first"), node("Neg", ["first"], "second")],
        [value("x", FLOAT, "batch", 2)],
        [value("first", FLOAT, "batch", 1), value("second", FLOAT, "batch", 1)],
        [tensor("w", [[2.0], [3.0]])],
    )
    with pytest.raises(RefusedError, match=r"first, second.*--output"):
        source(graph)
    predictor = made(graph, examples(TABLE, TABLE["a"], "regression"), output="second").predictor
    ((values,), _) = predictor.predict(columns(TABLE))
    assert np.abs(values + 2 * TABLE["a"] + 3 * TABLE["b"]).max() < 1e-5


def test_a_graph_of_dates_or_odd_numbers_is_refused() -> None:
    """It has no sign for what the service would give it."""
    odd = TensorProto.COMPLEX64
    with pytest.raises(RefusedError, match="COMPLEX64"):
        source(model([node("Cast", ["x"], "y", to=FLOAT)], [value("x", odd, "n", 2)], [], []))
    dated = TABLE.assign(b=pd.date_range("2026-01-01", periods=40).astype("datetime64[us]"))
    with pytest.raises(RefusedError, match="read_as=b:text"):
        made(line(), examples(dated, TABLE["a"], "regression"))
