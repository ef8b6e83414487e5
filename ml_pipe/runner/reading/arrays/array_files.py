"""NumPy's archives (`.npz`): each array is a column, the first axis of all are the rows."""

import io
import zipfile

import numpy as np
import pandas as pd

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.raw_table import RawTable, typed_table


def read_archive(raw: bytes) -> RawTable:
    """Return the table of an archive that `numpy.savez` wrote; nothing in it can run.

    Raises:
        TableError: it is damaged, its arrays have different numbers of rows, or one holds objects.
    """
    columns: dict[str, pd.Series] = {}
    try:
        # Without pickles, which can run code when they are opened.
        with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise TableError(
            f"It is no archive of plain arrays ({error}): write it with "
            'numpy.savez("table.npz", image=images, label=labels), each an array of numbers or '
            "texts."
        ) from error
    rows = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(rows.values())) != 1:
        shown = ", ".join(f"{name}: {count}" for name, count in rows.items()) or "none"
        raise TableError(
            f"Its arrays have different numbers of rows, along their first axis ({shown}): give "
            "all of them one row a row of the table."
        )
    for name, array in arrays.items():
        if array.ndim > 1:
            cells = np.empty(len(array), object)
            for place in range(len(array)):
                cells[place] = array[place]
            columns[name] = pd.Series(cells)
        elif array.dtype.kind == "U":
            columns[name] = pd.Series(array, dtype="str")
        else:
            columns[name] = pd.Series(array)
    return typed_table(pd.DataFrame(columns), [])
