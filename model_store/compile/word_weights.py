"""Texts as weights of their words or letters, bit for bit as scikit-learn's vectorizers give them.

Its pattern of a word and its lower case are Python's own, and no graph has them: a compiled model
takes these weights as numbers. What is counted, and how it is weighed, stands in the graph's file.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np

from model_store.errors import PredictionError

# scikit-learn's default, and the only one: a pattern from a bundle could take for ever.
PATTERN = r"(?u)\b\w\w+\b"
_words_in = re.compile(PATTERN).findall
_BLANKS = re.compile(r"\s\s+")
MOST_LETTERS = 20
"""In a row, counted as one: a text has as many rows of each length as it has letters."""


class WordWeights(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is counted in the texts of a column, and how the counts are weighed."""

    column: str
    words: tuple[str, ...]
    """What is counted, in the order of the weights."""
    length: bool = False
    """Whether the length of the text comes first; a missing text has none, and no words. Without
    it, a missing text is refused."""
    analyzer: Literal["word", "char", "char_wb"] = "word"
    """What stands in a row: words, letters of the whole text, or letters of a word alone."""
    accents: Literal["", "ascii", "unicode"] = ""
    """How accents are taken off, after the lower case."""
    lowercase: bool = True
    shortest: int = 1
    longest: int = 1
    """How many words, or letters, in a row, are counted as one."""
    stop_words: tuple[str, ...] = ()
    """Words that are left out before they are put in a row."""
    binary: bool = False
    """Whether a word counts once, however often it occurs."""
    sublinear: bool = False
    """Whether 1 + log(count) stands for a count."""
    idf: tuple[float, ...] = ()
    """A factor for each word; empty: 1."""
    norm: Literal["", "l1", "l2"] = ""
    """What of a text's weights is made 1."""

    @property
    def width(self) -> int:
        """Return how many numbers a text becomes."""
        return self.length + len(self.words)


class WordCounter:
    """Gives the weights of texts."""

    def __init__(self, weights: WordWeights) -> None:
        """Prepare the look-up of words.

        Raises:
            PredictionError: the weights do not fit each other.
        """
        if weights.idf and len(weights.idf) != len(weights.words):
            raise PredictionError("The compiled model has other words than weights of words.")
        if weights.analyzer != "word" and not 1 <= weights.longest <= MOST_LETTERS:
            raise PredictionError(f"The compiled model counts more than {MOST_LETTERS} letters.")
        self._weights = weights
        # From 1 on, so that what is not counted is the one thing that is false.
        self._numbers = {word: number for number, word in enumerate(weights.words, 1)}
        self._stop_words = frozenset(weights.stop_words)
        self._idf = np.array(weights.idf)

    def fill(self, texts: np.ndarray, block: np.ndarray) -> None:
        """Write the numbers of texts, `(rows,)` of str or None, to a block, `(rows, width)`.

        Raises:
            PredictionError: a text is missing, and scikit-learn would refuse it too.
        """
        known = texts.tolist()
        if None in known:
            if not self._weights.length:
                raise PredictionError("The model takes no missing text.")
            known = ["" if text is None else text for text in known]
        weights = block
        if self._weights.length:
            block[:, 0] = [float("nan") if text is None else len(text) for text in texts.tolist()]
            weights = block[:, 1:]
        weights[:] = self._weighed(self._counts(known))

    def _counts(self, texts: list[str]) -> np.ndarray:
        """Return how often each word occurs, `(rows, words)` of integers."""
        asked = self._weights
        found: list[int] = []
        ends = []
        number_of = self._numbers.get
        for text in texts:
            found += filter(None, map(number_of, self._pieces(text)))
            ends.append(len(found))
        width = len(asked.words)
        rows = np.repeat(np.arange(len(texts)), np.diff([0, *ends]))
        places = rows * width + np.array(found, dtype=np.int64) - 1
        return np.bincount(places, minlength=len(texts) * width).reshape(len(texts), width)

    def _pieces(self, text: str) -> list[str]:
        """Return what is counted of a text, each as often as it occurs."""
        asked = self._weights
        plain = without_accents(text.lower() if asked.lowercase else text, asked.accents)
        if asked.analyzer == "word":
            words: list[str] = _words_in(plain)
            is_single = asked.longest == 1 and not self._stop_words
            return words if is_single else self._in_a_row(words)
        plain = _BLANKS.sub(" ", plain)
        if asked.analyzer == "char":
            sizes = range(asked.shortest, min(asked.longest, len(plain)) + 1)
            return [piece for size in sizes for piece in _rows_of(plain, size)]
        return [piece for word in plain.split() for piece in self._letters_of(f" {word} ")]

    def _letters_of(self, word: str) -> Iterator[str]:
        """Yield the letters in a row of a word between blanks; of a shorter one itself, once."""
        for size in range(self._weights.shortest, self._weights.longest + 1):
            yield from _rows_of(word, size)
            if len(word) <= size:
                break

    def _in_a_row(self, words: list[str]) -> list[str]:
        kept = [word for word in words if word not in self._stop_words]
        sizes = range(self._weights.shortest, self._weights.longest + 1)
        return [
            " ".join(kept[start : start + size])
            for size in sizes
            for start in range(len(kept) - size + 1)
        ]

    def _weighed(self, counts: np.ndarray) -> np.ndarray:
        """Return weights of counts: of those above zero, row by row, as a sparse matrix has them.

        Each number is computed, and each sum is made, in scikit-learn's order: another one would
        differ in the last bit, which a tree may see.
        """
        asked = self._weights
        rows, places = np.nonzero(counts)
        data = counts[rows, places].astype(np.float64)
        if asked.binary:
            data[:] = 1.0
        if asked.sublinear:
            data = np.log(data) + 1.0
        if asked.idf:
            data *= self._idf[places]
        if asked.norm:
            sizes = data * data if asked.norm == "l2" else np.abs(data)
            totals = np.bincount(rows, weights=sizes, minlength=len(counts))
            totals = np.sqrt(totals) if asked.norm == "l2" else totals
            with np.errstate(invalid="ignore", divide="ignore"):
                data = np.where(totals[rows] == 0.0, data, data / totals[rows])
        weights = np.zeros(counts.shape)
        weights[rows, places] = data
        return weights


def without_accents(text: str, how: str) -> str:
    """Return a text without accents, as scikit-learn takes them off: "ascii", "unicode", or not."""
    if not how or text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text)
    if how == "ascii":
        return letters.encode("ascii", "ignore").decode("ascii")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _rows_of(text: str, size: int) -> list[str]:
    """Return all letters of a text, so many in a row; a shorter text itself."""
    return [text[start : start + size] for start in range(max(len(text) - size, 0) + 1)]


def counters_of(weights: tuple[WordWeights, ...]) -> list[tuple[WordCounter, str, slice]]:
    """Return what counts, the column that it reads, and where its numbers stand, side by side."""
    counters = []
    start = 0
    for each in weights:
        counters.append((WordCounter(each), each.column, slice(start, start + each.width)))
        start += each.width
    return counters
