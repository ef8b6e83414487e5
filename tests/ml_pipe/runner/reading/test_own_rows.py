"""A table's own rows, as pandas reads and writes them, mean in a request what training read."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from api.http.body_errors import Explainer
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from tests.ml_pipe.runner.reading.corpus.dates import DATES
from tests.ml_pipe.runner.reading.corpus.numbers import NUMBERS
from tests.ml_pipe.runner.reading.corpus.values import VALUES
from tests.ml_pipe.runner.reading.corpus.variant import Variant
from tests.ml_pipe.runner.reading.test_corpus import prepared

LONGEST = 20_000
READABLE = [
    variant
    for variant in (*NUMBERS, *DATES, *VALUES)
    # Rows that training left out have no line in what it made.
    if not variant.refused and "missing_words" not in variant.options
]


def rows_of(variant: Variant) -> bytes:
    """Return the rows of a table as pandas reads it without a word, and writes them."""
    header = variant.content.partition(b"\n")[0].decode()
    separator = next((mark for mark in ";\t" if mark in header), ",")
    table = pd.read_csv(io.BytesIO(variant.content), sep=separator)
    return table.to_json(orient="records", double_precision=15).encode()


@pytest.mark.parametrize("variant", READABLE, ids=lambda variant: variant.name)
def test_own_rows_are_answered_as_they_were_learnt_or_refused_by_field(
    variant: Variant, tmp_path: Path
) -> None:
    """Accepted rows give the columns that training had; a refusal names row, field and form."""
    found = prepared(variant, tmp_path)
    decoder, body = RowDecoder(found.signature, max_string=LONGEST), rows_of(variant)
    try:
        columns = decoder.columns([decoder.decode(body)])
    except InvalidRowsError:
        problem = Explainer(found.signature, max_string=LONGEST).explain(body, 10_000)
        assert problem.errors
        assert all(error.pointer.count("/") == 2 and error.detail for error in problem.errors)
        assert variant not in DATES or variant.name == "dates of zeros"
        return
    for column in found.signature.inputs:
        np.testing.assert_array_equal(columns[column.name], found.table[column.name].to_numpy())
