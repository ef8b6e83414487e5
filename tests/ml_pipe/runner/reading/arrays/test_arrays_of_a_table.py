"""Arrays in the files that people bring: in cells, in NumPy's archives, in numbered columns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_pipe.data_etl import prepare
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.read_table import read_table
from ml_pipe.runner.table.prepared_table import Prepared
from model_store.errors import SignatureError
from model_store.schema.row_decoder import RowDecoder
from model_store.schema.signature import Kind

PICTURES = np.arange(24 * 12).reshape(24, 3, 4).astype("uint8")
LABELS = ["cat", "dog"] * 12
USUAL: dict[str, Any] = {
    "target": "label",
    "task": "",
    "leave_out": [],
    "drop_duplicates": False,
    "same_columns": True,
}


def prepared(path: Path, **options: Any) -> Prepared:
    """Return the table of a file, read and prepared as by a run."""
    return prepare(read_table(path), USUAL | options)


def archive(folder: Path, **arrays: Any) -> Path:
    """Return an archive of NumPy arrays."""
    np.savez(folder / "table.npz", **arrays)
    return folder / "table.npz"


def written(folder: Path, suffix: str) -> Path:
    """Return a file of this kind with a column of arrays of 12 numbers, and labels."""
    cells = [*PICTURES.reshape(24, 12)]
    table = pd.DataFrame({"x": pd.Series(cells), "label": LABELS})
    path = folder / f"table{suffix}"
    match suffix:
        case ".parquet":
            table.to_parquet(path)
        case ".feather":
            table.to_feather(path)
        case ".json":
            table.to_json(path, orient="records")
        case ".jsonl":
            table.to_json(path, orient="records", lines=True)
        case ".csv":
            table.assign(x=table["x"].map(lambda cell: cell.tolist())).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".json", ".jsonl", ".csv"])
def test_a_cell_may_hold_an_array(tmp_path: Path, suffix: str) -> None:
    """A list, in every kind of file that can hold one; its own rows are answered."""
    path = written(tmp_path, suffix)
    made = prepared(path)
    (column,) = made.signature.inputs
    assert (column.kind, column.shape) == (Kind.ARRAY, (12,))
    assert column.dtype == ("uint8" if suffix in {".parquet", ".feather"} else "int64")
    assert np.array_equal(np.stack(list(made.table["x"])), PICTURES.reshape(24, 12))
    rows = [{"x": cell.tolist(), "label": "cat"} for cell in PICTURES.reshape(24, 12)]
    decoder = RowDecoder(made.signature)
    sent = decoder.columns([decoder.decode(json.dumps(rows).encode())])
    assert np.array_equal(sent["x"], PICTURES.reshape(24, 12))


def test_an_archive_of_arrays_is_a_table(tmp_path: Path) -> None:
    """The first axis are the rows; arrays of one axis are columns of plain values."""
    path = archive(tmp_path, image=PICTURES, age=np.arange(24.5), label=np.array(LABELS))
    with pytest.raises(TableError, match=r"different numbers of rows.*age: 25"):
        read_table(path)
    made = prepared(archive(tmp_path, image=PICTURES, age=np.arange(24) / 2, label=LABELS))
    image, age = made.signature.inputs
    assert (image.kind, image.dtype, image.shape) == (Kind.ARRAY, "uint8", (3, 4))
    assert age.kind is Kind.NUMBER
    assert made.task == "classification"
    assert "image: arrays of 3x4 numbers, uint8." in made.notes


def test_an_archive_runs_no_code(tmp_path: Path) -> None:
    """Arrays of objects are pickles."""
    path = archive(tmp_path, label=np.array([{"a": 1}] * 24, dtype=object))
    with pytest.raises(TableError, match="archive of plain arrays"):
        read_table(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TableError, match=r"cannot be unpacked|archive of plain arrays"):
        read_table(path)


def test_a_single_array_says_how_to_name_its_columns(tmp_path: Path) -> None:
    """Nobody knows what is to be predicted."""
    np.save(tmp_path / "table.npy", PICTURES)
    with pytest.raises(TableError, match="savez"):
        read_table(tmp_path / "table.npy")


def numbered(folder: Path, names: list[str], **columns: Any) -> Path:
    """Return a CSV file with the pictures' numbers in columns of these names."""
    table = pd.DataFrame(PICTURES.reshape(24, 12), columns=names).assign(label=LABELS, **columns)
    table.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


@pytest.mark.parametrize("form", ["pixel{}", "pixel_{:03}", "pixel {}", "pixel-{}", "pixel.{}"])
def test_numbered_columns_are_joined(tmp_path: Path, form: str) -> None:
    """In the order of their numbers, constants among them, and what stands beside them stays."""
    order = [*range(11, -1, -1)]
    path = numbered(tmp_path, [form.format(place) for place in order], size=range(24))
    made = prepared(path, arrays=["pixel:3x4:uint8"])
    pixel, size = made.signature.inputs
    assert (pixel.name, pixel.dtype, pixel.shape) == ("pixel", "uint8", (3, 4))
    assert size.name == "size"
    expected = PICTURES.reshape(24, 12)[:, ::-1].reshape(24, 3, 4)
    assert np.array_equal(np.stack(list(made.table["pixel"])), expected)
    assert any("joined of" in note and "requests send them" in note for note in made.notes)


def test_a_list_takes_another_shape(tmp_path: Path) -> None:
    """A file may hold pictures as lists of all of their numbers."""
    made = prepared(written(tmp_path, ".parquet"), arrays=["x:3x4"])
    assert made.signature.inputs[0].shape == (3, 4)
    assert np.array_equal(np.stack(list(made.table["x"])), PICTURES)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("pixel:3x5", "asks for 15 columns named pixel .* has 12"),
        ("pixel", "is not understood"),
        ("pixel:0", "is not understood"),
        ("pixel:3x4:int99", "is not understood"),
        ("pixel:3x4:int8", "no int8"),
        ("size:4", "has 0 such columns|holds no lists"),
    ],
)
def test_arrays_that_are_not_there_are_named(tmp_path: Path, entry: str, word: str) -> None:
    """With what the table has instead."""
    path = numbered(tmp_path, [f"pixel{place}" for place in range(12)])
    with pytest.raises(TableError, match=word):
        prepared(path, arrays=[entry])


def test_a_gap_in_a_joined_column_is_named(tmp_path: Path) -> None:
    """An array has no missing number."""
    path = numbered(tmp_path, [f"pixel{place}" for place in range(12)])
    table = pd.read_csv(path)
    table.astype(object).where(table["pixel3"] > 20, None).to_csv(path, index=False)
    with pytest.raises(TableError, match="pixel"):
        prepared(path, arrays=["pixel:3x4"])


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (["[1, 2]"] * 23 + ["[1, 2, 3]"], "several shapes: 2 first, and 3 in row 24"),
        (["[1, 2]"] * 23 + ["[0.1 0.2 ... 0.3]"], "in row 24 a text that is none.*tolist"),
        (["[1, 2]"] * 23 + ['["a", "b"]'], "not of numbers alone"),
    ],
)
def test_odd_lists_of_a_text_file_are_named(tmp_path: Path, cells: list[str], word: str) -> None:
    """By their rows."""
    table = pd.DataFrame({"x": cells, "label": LABELS})
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises((TableError, SignatureError), match=word):
        prepared(tmp_path / "table.csv")
    assert prepared(tmp_path / "table.csv", read_as=["x:text"]).signature.inputs[0].kind in {
        Kind.STRING,
        Kind.CATEGORY,
    }


def test_texts_in_brackets_are_texts(tmp_path: Path) -> None:
    """As the lines of a log are."""
    table = pd.DataFrame({"x": ["[warn] hot", "[info] all fine now"] * 12, "label": LABELS})
    table.to_csv(tmp_path / "table.csv", index=False)
    assert prepared(tmp_path / "table.csv").signature.inputs[0].kind is not Kind.ARRAY


def test_an_array_may_be_missing(tmp_path: Path) -> None:
    """An empty cell, where a file has one."""
    table = pd.DataFrame({"x": ["[1, 2]"] * 20 + [""] * 4, "label": LABELS})
    table.to_csv(tmp_path / "table.csv", index=False)
    made = prepared(tmp_path / "table.csv")
    assert made.signature.inputs[0].nullable
    assert made.table["x"].isna().sum() == 4


def test_an_array_is_no_target(tmp_path: Path) -> None:
    """It is refused before anything is trained."""
    path = archive(tmp_path, label=PICTURES, age=np.arange(24))
    with pytest.raises(TableError, match='target "label" is an array'):
        prepared(path)


def test_repeated_arrays_can_be_dropped(tmp_path: Path) -> None:
    """As rows of numbers are."""
    path = archive(tmp_path, image=np.concatenate([PICTURES, PICTURES]), label=LABELS * 2)
    assert prepared(path, drop_duplicates=True).dropped["duplicate"] == 24


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (PICTURES.astype("int64") * 2, "kind of image"),
        (PICTURES / 2, "kind of image"),
        (PICTURES.reshape(24, 4, 3), "kind of image"),
        (np.arange(24), "kind of image"),
    ],
)
def test_a_later_table_has_the_same_arrays(tmp_path: Path, images: np.ndarray, word: str) -> None:
    """Those of another type are taken where their numbers fit into it: clients send its bytes."""
    first = prepared(archive(tmp_path, image=PICTURES, label=LABELS))
    wider = archive(tmp_path, image=PICTURES.astype("int64"), label=LABELS)
    again = prepare(read_table(wider), USUAL, first.signature)
    assert (again.signature.inputs, again.remarks) == (first.signature.inputs, [])
    other = archive(tmp_path, image=images, label=LABELS)
    with pytest.raises(TableError, match=word):
        prepare(read_table(other), USUAL, first.signature)


def test_a_later_table_may_have_other_numbers(tmp_path: Path) -> None:
    """They are remarked on."""
    first = prepared(archive(tmp_path, image=PICTURES // 2, label=LABELS))
    brighter = archive(tmp_path, image=PICTURES, label=LABELS)
    found = prepare(read_table(brighter), USUAL, first.signature)
    assert found.remarks[0].startswith("image: values that the last version did not see")
