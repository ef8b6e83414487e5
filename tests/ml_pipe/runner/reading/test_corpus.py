"""Tables as people bring them: each is read right, or refused by name; none is silently wrong."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_pipe.data_etl import prepare
from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions
from ml_pipe.runner.reading.read_table import read_table
from ml_pipe.runner.table.prepared_table import Prepared
from model_store.schema.signature import Kind
from tests.ml_pipe.runner.reading.corpus.dates import DATES
from tests.ml_pipe.runner.reading.corpus.files import FILES
from tests.ml_pipe.runner.reading.corpus.layouts import LAYOUTS
from tests.ml_pipe.runner.reading.corpus.numbers import NUMBERS
from tests.ml_pipe.runner.reading.corpus.values import VALUES
from tests.ml_pipe.runner.reading.corpus.variant import Variant, cycled

CORPUS = [*NUMBERS, *DATES, *VALUES, *LAYOUTS, *FILES]
KINDS = {
    bool: {Kind.BOOLEAN},
    int: {Kind.INTEGER},
    float: {Kind.NUMBER},
    str: {Kind.CATEGORY, Kind.STRING},
    datetime: {Kind.DATETIME},
}


def prepared(variant: Variant, folder: Path) -> Prepared:
    """Return a variant's table as a model would be trained on it."""
    path = folder / variant.file
    path.write_bytes(variant.content)
    usual = {"target": variant.target, "task": "", "drop_duplicates": False, "same_columns": True}
    parameters = usual | variant.options
    return prepare(read_table(path, ReadingOptions.of(parameters)), parameters)


def values(series: "pd.Series[Any]", kind: Kind) -> list[Any]:
    """Return a column's values as Python has them, None for a missing one."""
    if kind is Kind.DATETIME:
        return [None if pd.isna(v) else pd.Timestamp(v).to_pydatetime() for v in series]
    read = [None if v is None or v != v else v for v in series.tolist()]  # noqa: PLR0124 - NaN
    return [bool(v) if kind is Kind.BOOLEAN and v is not None else v for v in read]


def test_the_corpus_is_large_and_its_names_are_its_own() -> None:
    """A name is how a failure is found."""
    assert len({variant.name for variant in CORPUS}) == len(CORPUS) >= 120


@pytest.mark.parametrize("variant", CORPUS, ids=lambda variant: variant.name)
def test_a_table_is_read_right_or_refused_by_name(variant: Variant, tmp_path: Path) -> None:
    """Columns, kinds, rows and values; or the words that name the cause and what settles it."""
    if variant.refused:
        with pytest.raises(TableError) as caught:
            prepared(variant, tmp_path)
        assert variant.refused in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    found = prepared(variant, tmp_path)
    columns = {column.name: column for column in found.signature}
    assert list(columns) == [*(n for n in variant.reads if n != variant.target), variant.target]
    assert len(found.table) == variant.rows
    for name, cells in variant.reads.items():
        expected = cycled(cells, variant.rows)
        [type_] = {type(cell) for cell in cells if cell is not None}
        is_amount = name == variant.target and found.task == "regression"
        assert columns[name].kind in (KINDS[type_] if not is_amount else {Kind.NUMBER}), name
        assert values(found.table[name], columns[name].kind) == expected, name
    assert set(variant.left_out) == set(found.left_out)
    assert {variant.target, *variant.left_out} <= set(found.signature.ignored)
    assert variant.noted in " ".join(found.notes)
    for name, known in variant.signature.items():
        assert {key: getattr(columns[name], key) for key in known} == known


def test_nothing_is_read_from_an_empty_corpus_entry() -> None:
    """Each entry says what is right: values, or a refusal."""
    assert [v.name for v in CORPUS if bool(v.reads) == bool(v.refused)] == []
    assert np.isfinite(len(CORPUS))
