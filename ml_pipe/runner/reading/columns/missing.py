"""Words that stand for a missing value: in a column of numbers or dates, nowhere else unasked."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_pipe.runner.reading.columns.distinct import Distinct
from model_store.schema.texts import normalised

WORDS = frozenset(
    [
        "na",
        "n/a",
        "n.a.",
        "nan",
        "-nan",
        "null",
        "nil",
        "none",
        "#n/a",
        "#na",
        "<na>",
        "(null)",
        "<null>",
        "nat",
        "?",
        ".",
        "missing",
        "unknown",
        r"\n",
    ]
) | {"not available", "#n/a n/a", "#null!"}
"""In lower case. In a column of texts each is a value like others: the country NA, a class None."""

ODD = frozenset(["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"]) | {
    *("-", "--", "---", "\u2013", "\u2014", "..", "...", ":"),
    *("#div/0!", "#ref!", "#value!", "#num!", "#name?", "#spill!"),
}
"""Words that are odd in a column whose other cells are numbers or dates, however many they are."""

LIKELY = frozenset(["na", "n/a", "n.a.", "nan", "null", "none", "#n/a", "<na>", "?"])
"""Those that are worth a note where they are taken for a value."""


def means_missing(column: Distinct, words: frozenset[str] = WORDS) -> np.ndarray:
    """Return which distinct texts, `(distinct,)`, bool, are words for a missing value."""
    found = np.zeros(len(column.entries), dtype=bool)
    short = pc.less_equal(pc.binary_length(column.entries), max(map(len, words)) + 1)
    places = np.flatnonzero(short.to_numpy(zero_copy_only=False))
    if len(places):
        lower = pc.utf8_lower(column.entries.filter(short))
        are_words = pc.is_in(lower, value_set=pa.array(sorted(words), pa.large_string()))
        found[places] = are_words.to_numpy(zero_copy_only=False)
    return found


def is_word(column: Distinct, words: tuple[str, ...]) -> np.ndarray:
    """Return which distinct texts, `(distinct,)`, bool, are among the user's words."""
    if not words:
        return np.zeros(len(column.entries), dtype=bool)
    known = pa.array(sorted({normalised(word) for word in words}), pa.large_string())
    found = pc.is_in(column.entries, value_set=known)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def phrase(column: Distinct, is_meant: np.ndarray) -> str:
    """Return texts and how many rows hold each: `"NA" in 3 rows, "?" in 1 row`."""
    counts = column.counts
    places = np.flatnonzero(is_meant)
    places = places[np.argsort(-counts[places], kind="stable")]
    shown = [
        f'"{str(column.entries[int(p)])[:40]}" in {counts[p]} {"row" if counts[p] == 1 else "rows"}'
        for p in places[:4]
    ]
    rest = f" and {len(places) - 4} more" if len(places) > 4 else ""  # noqa: PLR2004 - see above
    return ", ".join(shown) + rest
