"""Files: packed, typed, of several parts, or of a kind that nobody reads here."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.ml_pipe.runner.reading.corpus.variant import LABELS, ROWS, Variant, column, cycled

A, READS = ["1.5", "2.5", "3.5"], {"a": [1.5, 2.5, 3.5], "y": LABELS}
PLAIN = column(A)
FRAME = pd.DataFrame({"a": cycled([1.5, 2.5, 3.5]), "y": cycled(LABELS)})
MIXED: dict[str, list[Any]] = {
    "n": [1, None],
    "f": [0.5, 1.5],
    "b": [True, False],
    "t": ["x", None, "z"],
    "y": LABELS,
}
RECORDS = [
    dict(zip(MIXED, row, strict=True)) for row in zip(*map(cycled, MIXED.values()), strict=True)
]


def zipped(**files: bytes) -> bytes:
    """Return an archive of files, by name without the suffix."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return out.getvalue()


def written(method: str, frame: pd.DataFrame, **how: Any) -> bytes:
    """Return what a method of pandas writes of a table."""
    out = io.BytesIO()
    getattr(frame, method)(out, **how)
    return out.getvalue()


def zstd(content: bytes) -> bytes:
    """Return bytes packed with Zstandard."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return bytes(out.getvalue())


def numpy_array() -> bytes:
    """Return a file of NumPy's."""
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def sqlite() -> bytes:
    """Return a database with a table."""
    database = sqlite3.connect(":memory:")
    database.execute("create table t (a)")
    return database.serialize()


FILES = [
    Variant("gzip", gzip.compress(PLAIN), READS, file="table.csv.gz"),
    Variant("gzip by another name", gzip.compress(PLAIN), READS, file="table"),
    Variant("zip", zipped(table=PLAIN), READS, file="table.zip"),
    Variant(
        "zip of two", zipped(a=PLAIN, b=PLAIN), refused="holds 2 files (a.csv, b.csv)", file="t.zip"
    ),
    Variant("xz", lzma.compress(PLAIN), READS, file="table.csv.xz"),
    Variant("bz2", bz2.compress(PLAIN), READS, file="table.csv.bz2"),
    Variant("zstd", zstd(PLAIN), READS, file="table.csv.zst"),
    Variant(
        "gzip that is cut", gzip.compress(PLAIN)[:30], refused="cannot be unpacked", file="t.csv.gz"
    ),
    Variant("Parquet", written("to_parquet", FRAME), READS, file="table.parquet"),
    Variant("Parquet by another name", written("to_parquet", FRAME), READS, file="table.csv"),
    Variant("Parquet that is cut", b"PAR1 but no more", refused="cannot be read as Parquet"),
    Variant("Feather", written("to_feather", FRAME), READS, file="table.feather"),
    Variant("JSON lines", "\n".join(map(json.dumps, RECORDS)).encode(), MIXED, file="t.jsonl"),
    Variant(
        "JSON lines with a separator of lines in a text",
        "\n".join(
            json.dumps({"a": t, "y": "u"}, ensure_ascii=False) for t in ["x\u2028z", "w"] * 12
        )
        .replace('"u"', '"v"', 5)
        .encode(),
        {"a": ["x\u2028z", "w"], "y": [*["v"] * 5, *["u"] * 19]},
        file="t.jsonl",
    ),
    Variant(
        "JSON with a name twice",
        b'[{"a": 1, "a": 2, "y": "u"}]',
        refused='"a" twice',
        file="t.json",
    ),
    Variant(
        "days as numbers in Parquet",
        written("to_parquet", FRAME.assign(a=cycled([20240131, 20240302]))),
        {
            "a": [
                pd.Timestamp("2024-01-31").to_pydatetime(),
                pd.Timestamp("2024-03-02").to_pydatetime(),
            ],
            "y": LABELS,
        },
        signature={"a": {"form": "%Y%m%d", "time_zone": "UTC"}},
        file="table.parquet",
    ),
    Variant(
        "an index without a name in Parquet",
        written("to_parquet", FRAME.set_axis([f"r{n}" for n in range(ROWS)])),
        READS,
        noted="The index of the table has no name",
        file="table.parquet",
    ),
    Variant("JSON records", json.dumps(RECORDS).encode(), MIXED, file="table.json"),
    Variant(
        "JSON of pandas", FRAME.to_json().encode(), refused='orient="records"', file="table.json"
    ),
    Variant(
        "JSON that is nested",
        json.dumps([{"a": {"b": 1}, "y": "u"}] * ROWS).encode(),
        refused='"a" holds objects, or lists beside other values',
        file="table.json",
    ),
    Variant(
        "JSON of numbers and texts",
        json.dumps([{"a": 1.5, "y": "u"}] * 23 + [{"a": "none yet", "y": "v"}]).encode(),
        refused='"none yet" in row 24',
        file="table.json",
    ),
    Variant(
        "numbers as texts in Parquet",
        written("to_parquet", FRAME.assign(a=FRAME["a"].astype(str))),
        {"a": ["1.5", "2.5", "3.5"], "y": LABELS},
        noted="although it looks like numbers",
        file="table.parquet",
    ),
    Variant(
        "dates as texts in Parquet",
        written("to_parquet", FRAME.assign(a=cycled(["31/01/2024", "02/03/2024"]))),
        {
            "a": [
                pd.Timestamp("2024-01-31").to_pydatetime(),
                pd.Timestamp("2024-03-02").to_pydatetime(),
            ],
            "y": LABELS,
        },
        file="table.parquet",
    ),
    Variant("a SQLite database", sqlite(), refused="is a SQLite database"),
    Variant("a pickle", pickle.dumps([1]), refused="is a pickle", file="table.pkl"),
    Variant("a NumPy array", numpy_array(), refused="is a NumPy array", file="table.npy"),
    Variant("an HTML page", b"<!DOCTYPE html><html></html>", refused="is an HTML page"),
    Variant("an XML file", b'<?xml version="1.0"?><a/>', refused="is an XML file"),
    Variant("an HDF5 file", b"\x89HDF\r\n\x1a\n", refused="is an HDF5 file"),
    Variant("an ARFF file", b"@relation iris\n", refused="is an ARFF file", file="iris.arff"),
    Variant("a Stata file", b"<stata_dta>", refused="is a Stata file", file="table.dta"),
    Variant("an R object", b"RDX3\n", refused="is an R", file="table.rds"),
    Variant("a PDF", b"%PDF-1.7", refused="is a PDF", file="table.pdf"),
    Variant("an LFS pointer", b"version https://git-lfs.github.com/spec/v1\n", refused="Git LFS"),
]
