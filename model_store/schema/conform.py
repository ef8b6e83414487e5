"""Tables in the form that a request gives them: what a model is trained on is what it is served."""

from collections.abc import Sequence

import pandas as pd

from model_store.errors import SignatureError
from model_store.schema.columns import Columns, to_frame
from model_store.schema.signature import Column
from model_store.schema.table_columns import observe


def conform(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the columns of a table in the dtypes that a request gives them.

    Train on what this returns, and the model is served exactly what it was trained on. The index
    stays, other columns of the table are left out, and a category that training did not see passes
    through.

    Raises:
        SignatureError: a column is absent, of another kind, or has missing values that the
            signature does not allow.
    """
    names = list(frame.columns)
    arrays: Columns = {}
    for column in columns:
        if names.count(column.name) != 1:
            raise SignatureError(
                f'The table must have one column "{column.name}": add it, or train on a table '
                "without it."
            )
        arrays[column.name] = observe(frame[column.name]).as_array(column)
    result = to_frame(arrays, columns)
    result.index = frame.index
    return result
