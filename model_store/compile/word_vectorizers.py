"""Which words a step counts in a column of texts, and how it weighs them."""

import re
from typing import Any

import msgspec
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from model_store.compile.onnx_graph import NotCompilableError
from model_store.compile.word_weights import MOST_LETTERS, PATTERN, WordWeights

MOST_WORDS = 5_000
"""Weights are sent to the graph as a table without gaps: of more words it would be too large."""
TEXT_PARTS = "ml_pipe.model_class.TextParts"


def is_vectorizer(step: Any) -> bool:
    """Return whether a step makes numbers of one column of texts."""
    kind = type(step)
    return kind in {CountVectorizer, TfidfVectorizer} or _name(step) == TEXT_PARTS


def weights_of(step: Any, column: str) -> WordWeights:
    """Return what a fitted vectorizer does to a column's texts.

    Raises:
        NotCompilableError: it splits texts in a way that a compiled model does not.
    """
    if _name(step) == TEXT_PARTS:
        if step.words_ is None:
            return WordWeights(column=column, words=(), length=True)
        return _weights(step.words_, column, length=True)
    return _weights(step, column)


def with_tfidf(weights: WordWeights, step: TfidfTransformer) -> WordWeights:
    """Return counts as a TfidfTransformer weighs them."""
    return msgspec.structs.replace(
        weights,
        sublinear=bool(step.sublinear_tf),
        idf=_factors(getattr(step, "idf_", None)),
        norm=step.norm or "",
    )


def _weights(step: Any, column: str, *, length: bool = False) -> WordWeights:
    _check(step)
    places = step.vocabulary_
    if len(places) > MOST_WORDS:
        raise NotCompilableError(
            f"It counts {len(places):,} words, of which a compiled model takes {MOST_WORDS:,}: set "
            "max_features."
        )
    shortest, longest = step.ngram_range
    idf = getattr(step, "idf_", None) if getattr(step, "use_idf", False) else None
    is_tfidf = isinstance(step, TfidfVectorizer)
    return WordWeights(
        column=column,
        words=tuple(sorted(places, key=places.__getitem__)),
        length=length,
        lowercase=bool(step.lowercase),
        shortest=shortest,
        longest=longest,
        analyzer=step.analyzer,
        accents=step.strip_accents or "",
        # Of letters scikit-learn ignores them.
        stop_words=tuple(sorted(step.get_stop_words() or ())) if step.analyzer == "word" else (),
        binary=bool(step.binary),
        sublinear=is_tfidf and bool(step.sublinear_tf),
        idf=_factors(idf),
        norm=(is_tfidf and step.norm) or "",
    )


def _check(step: Any) -> None:
    """See that a vectorizer splits texts as `word_weights` does."""
    known = {
        "analyzer": ("word", "char", "char_wb"),
        "input": ("content",),
        "preprocessor": (None,),
        "strip_accents": (None, "ascii", "unicode"),
        "tokenizer": (None,),
        "token_pattern": (PATTERN,),
    }
    if step.analyzer in {"char", "char_wb"}:
        # Letters are no tokens.
        del known["tokenizer"], known["token_pattern"]
    for name, values in known.items():
        value = getattr(step, name)
        if isinstance(value, re.Pattern):
            value = value.pattern
        if value not in values:
            raise NotCompilableError(
                f"A compiled model finds words as scikit-learn does by default, and {name} is "
                "another."
            )
    if step.analyzer != "word" and step.ngram_range[1] > MOST_LETTERS:
        raise NotCompilableError(f"It counts more than {MOST_LETTERS} letters in a row.")
    if sorted(step.vocabulary_.values()) != list(range(len(step.vocabulary_))):
        raise NotCompilableError("Two words of its vocabulary have one place.")
    if np.dtype(step.dtype) == np.float32:
        raise NotCompilableError("It computes in single precision (dtype).")


def _name(step: Any) -> str:
    return f"{type(step).__module__}.{type(step).__qualname__}"


def _factors(idf: np.ndarray | None) -> tuple[float, ...]:
    return () if idf is None else tuple(np.asarray(idf, dtype=np.float64).tolist())
