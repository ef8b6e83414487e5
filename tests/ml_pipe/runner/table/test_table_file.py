"""Tables from files: what is read, and the error of a file that cannot be."""

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.table.table_file import load_table
from tests.mixed_table import mixed_table


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_sniffed(tmp_path: Path, separator: str, encoding: str) -> None:
    """Names with spaces and umlauts, quoted separators and empty cells come through."""
    path = tmp_path / "table.csv"
    lines = ["große Stadt,a,b", f'"Köln{separator}Nord",1,', "Bonn,2,true"]
    path.write_bytes("\n".join(lines).replace(",", separator).encode(encoding))
    table = load_table(path)
    assert table["große Stadt"].tolist() == [f"Köln{separator}Nord", "Bonn"]
    assert table["a"].tolist() == [1, 2]
    assert table["b"].isna().tolist() == [True, False]


def test_types_are_reported_even_where_values_are_missing(tmp_path: Path) -> None:
    """A whole number stays whole, `5.0` stays a number, and a boolean a boolean."""
    path = tmp_path / "table.csv"
    path.write_text("whole,number,flag,text\n1,5.0,true,x\n,,,\n3,4.0,false,y\n")
    types = load_table(path).dtypes.astype(str).to_dict()
    assert types == {"whole": "Int64", "number": "Float64", "flag": "boolean", "text": "string"}


def test_decimal_commas_are_read_beside_semicolons(tmp_path: Path) -> None:
    """Spreadsheets write so in half of Europe."""
    path = tmp_path / "table.csv"
    path.write_text("a;b\n1,5;x\n-2,25;y\n")
    assert load_table(path)["a"].tolist() == [1.5, -2.25]


def test_parquet_and_gzip_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    """Whatever the file is called."""
    table = mixed_table(30, seed=0)
    table.to_parquet(tmp_path / "a.table")
    (tmp_path / "b.table").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    pd.testing.assert_frame_equal(load_table(tmp_path / "a.table"), table, check_dtype=False)
    assert load_table(tmp_path / "b.table").to_dict("list") == {"a": [1], "b": [2]}


def test_an_index_that_parquet_kept_is_a_column(tmp_path: Path) -> None:
    """If it has a name; else it says nothing."""
    table = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    table.to_parquet(tmp_path / "named")
    table.rename_axis(None).to_parquet(tmp_path / "nameless")
    assert list(load_table(tmp_path / "named")) == ["key", "a"]
    assert list(load_table(tmp_path / "nameless")) == ["a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cannot be read"),
        (b"a,b\n", "is empty: it needs a header and rows"),
        (b"PAR1 but no more", "cannot be read"),
        (b"\x1f\x8b\x08 cut", "cannot be read"),
        (b"\x00\x01\x02\x81\x8d", "neither Parquet nor text"),
        (b"a,b\n1,2,3\n4,5,6\n", "as many values in each row"),
        (b"a,b\n1,2\n3,4,5\n", "as many values in each row"),
        (b",b\n0,1\n", "Column 1 of the table has no name"),
        (b"a,b,a\n1,2,3\n", 'several columns "a"'),
    ],
)
def test_a_file_that_is_no_table_is_reported(tmp_path: Path, content: bytes, sentence: str) -> None:
    """One sentence, whatever library found out."""
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=re.escape(sentence)) as caught:
        load_table(path)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_no_file_is_reported(tmp_path: Path) -> None:
    """A folder, or nothing at all."""
    for path in (tmp_path, tmp_path / "nothing.csv"):
        with pytest.raises(TableError, match="There is no file"):
            load_table(path)
