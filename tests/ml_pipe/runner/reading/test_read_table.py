"""Files of several kinds and parts: what the corpus of single files does not hold."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ml_pipe.data_etl import prepare
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.files.packing import fingerprint
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.read_table import read_table
from model_store.errors import SignatureError
from model_store.schema.signature import Kind, Signature
from tests.mixed_table import mixed_table
from tests.ml_pipe.runner.reading.spreadsheet import spreadsheet

USUAL = {"target": "y", "task": "", "drop_duplicates": False, "same_columns": True}
HEADER = ["when", "n", "x", "y"]
ROWS = [["2024-01-31", 3, 1.5, "u"], ["2024-03-02", 4, 2.5, "v"]] * 12


def signature(path: Path, **options: object) -> Signature:
    """Return the signature of a model that is trained on a file."""
    parameters = USUAL | options
    return prepare(read_table(path, ReadingOptions.of(parameters)), parameters).signature


@pytest.mark.parametrize("target", ["amount", "Label"])
def test_text_and_parquet_of_one_table_have_one_signature(tmp_path: Path, target: str) -> None:
    """Twenty columns as people bring them: kinds, gaps, forms, zones; ranges but for rounding."""
    table = mixed_table(200, seed=3).drop(columns="share %")
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    table.to_feather(tmp_path / "a.feather")
    written = signature(tmp_path / "a.csv", target=target)
    assert written == signature(tmp_path / "a.parquet", target=target)
    assert written == signature(tmp_path / "a.feather", target=target)


def test_whole_numbers_with_gaps_are_the_same_in_text_and_parquet(tmp_path: Path) -> None:
    """As pandas keeps and writes them: 181.0."""
    table = pd.DataFrame({"a": [181.0, None, 186.0] * 8, "y": ["u", "v"] * 12})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    [column] = signature(tmp_path / "a.csv").inputs
    assert (column.kind, column.nullable) == (Kind.INTEGER, True)
    assert signature(tmp_path / "a.parquet").inputs == (column,)


def test_days_of_parquet_are_days_of_text(tmp_path: Path) -> None:
    """Parquet has a type of its own for them, which pandas reads as Python's dates."""
    days = pd.date_range("2024-01-01", periods=24).date
    table = pd.DataFrame({"a": days, "b": [*days[:-1], None], "y": ["u", "v"] * 12})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    written = signature(tmp_path / "a.csv")
    assert [column.kind for column in written.inputs] == [Kind.DATETIME, Kind.DATETIME]
    assert signature(tmp_path / "a.parquet") == written


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ({"a": 1}, "what JSON rows cannot carry"),
        (["x"], "not of numbers alone"),
        ((1, "x"), "not of numbers alone"),
        ([], "is empty"),
    ],
)
def test_a_column_of_what_no_request_can_carry_is_reported(cell: object, word: str) -> None:
    """Whatever a table of one's own holds."""
    table = pd.DataFrame({"a": [cell] * 24, "x": [1.5, 2.5] * 12, "y": ["u", "v"] * 12})
    with pytest.raises(SignatureError, match=f'"a" holds.*{word}'):
        prepare(table, USUAL)


def test_a_folder_is_one_table(tmp_path: Path) -> None:
    """Its parts in the order of their names, packed or not; hidden files are none."""
    for name, label in (("b", "v"), ("a", "u")):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + f"1.5,{label}\n" * 12)
    (tmp_path / "b.csv").replace(tmp_path / "plain")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    (tmp_path / "plain").unlink()
    (tmp_path / "_SUCCESS").touch()
    raw = read_table(tmp_path)
    assert raw.frame["y"].tolist() == ["u"] * 12 + ["v"] * 12
    assert raw.notes == ["Read from 2 files, a.csv to b.csv.gz."]
    before = fingerprint(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n" + "1.5,w\n" * 12)
    assert fingerprint(tmp_path) != before


def test_parts_of_parquet_have_the_columns_of_their_folders(tmp_path: Path) -> None:
    """As Spark and pandas write them: year=2024/part.parquet."""
    for year in (2023, 2024):
        folder = tmp_path / f"year={year}"
        folder.mkdir()
        pd.DataFrame({"x": [1.5] * 12, "y": ["u", "v"] * 6}).to_parquet(folder / "part-0.parquet")
    names = [column.name for column in signature(tmp_path, keep=["x"]).inputs]
    assert names == ["x", "year"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no table"),
        ({"a.csv": "x,y\n1,2\n", "b.json": "[]"}, r"several kinds \(.csv, .json\)"),
        ({"a.csv": "x,y\n1,u\n", "b.csv": "z,y\n1,u\n"}, "have other columns: x, z"),
    ],
)
def test_a_folder_that_is_no_table_is_reported(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    """With what differs."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(TableError, match=sentence):
        read_table(tmp_path)


def test_a_path_that_is_nothing_is_reported(tmp_path: Path) -> None:
    """With what could be there."""
    with pytest.raises(TableError, match="There is no file"):
        read_table(tmp_path / "nothing.csv")


WriteSheets = Callable[..., Path]


@pytest.fixture
def sheets(tmp_path: Path) -> WriteSheets:
    """Write a spreadsheet, one grid a sheet."""

    def write(name: str = "table.xlsx", **grids: list[list[object]]) -> Path:
        path = tmp_path / name
        path.write_bytes(spreadsheet(grids))
        return path

    return write


class TestSpreadsheets:
    """xlsx, as Excel and others write it."""

    def test_cells_keep_their_types(self, sheets: WriteSheets) -> None:
        """Whole numbers, decimals, texts; dates as texts are recognised as in text files."""
        kinds = [column.kind for column in signature(sheets(Data=[HEADER, *ROWS])).inputs]
        assert kinds == [Kind.DATETIME, Kind.INTEGER, Kind.NUMBER]

    def test_its_name_does_not_matter(self, sheets: WriteSheets) -> None:
        """The first bytes say what it is."""
        assert len(signature(sheets("table.zip", Data=[HEADER, *ROWS])).inputs) == 3

    def test_one_of_several_sheets_is_named(self, sheets: WriteSheets) -> None:
        """Or the user says which."""
        path = sheets(Info=[["about"], ["this"]], Data=[HEADER, *ROWS])
        with pytest.raises(TableError, match=r"several sheets \(Info, Data\).*sheet=Info"):
            read_table(path)
        assert len(signature(path, sheet="Data").inputs) == 3
        with pytest.raises(TableError, match='no sheet "None"'):
            read_table(path, ReadingOptions(sheet="None"))

    def test_what_stands_above_is_left_out(self, sheets: WriteSheets) -> None:
        """A title, and rows without a cell."""
        raw = read_table(sheets(Data=[["Sales"], [], HEADER, *ROWS]))
        assert list(raw.frame) == HEADER
        assert "Sales" in raw.notes[0]

    def test_an_odd_cell_is_named(self, sheets: WriteSheets) -> None:
        """A text in a column of numbers, as in a text file."""
        path = sheets(Data=[HEADER, *ROWS, ["2024-03-02", 4, "unknown?", "v"]])
        with pytest.raises(TableError, match='"unknown\\?" in row 25'):
            signature(path)

    @pytest.mark.parametrize(
        ("grid", "sentence"),
        [
            ([["a", "a"], [1, 2]], "several columns"),
            ([["a", "", "b"], [1, 2, 3]], "Column 2 of the sheet has no name"),
            ([[1.5, 2.5, "u"], [3.5, 4.5, "v"]], "looks like a row"),
            ([["a"]], "is empty"),
        ],
    )
    def test_a_sheet_that_is_no_table_is_reported(
        self, sheets: WriteSheets, grid: list[list[object]], sentence: str
    ) -> None:
        """With what to do."""
        with pytest.raises(TableError, match=sentence):
            read_table(sheets(Data=grid))


def test_a_broken_archive_is_reported(tmp_path: Path) -> None:
    """In one sentence."""
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "x,y\n" * 100)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(TableError, match="packed with zip and cannot be unpacked"):
        read_table(path)


@pytest.mark.parametrize("name", ["bad_bytes", "date_order", "decimal", "header", "odd_cells"])
def test_a_choice_that_there_is_not_is_refused(name: str) -> None:
    """A slip of the pen is no choice: it must not be taken for the default."""
    with pytest.raises(TableError, match=f'{name}="replac" is no choice: say "'):
        ReadingOptions.of({name: "replac"})
