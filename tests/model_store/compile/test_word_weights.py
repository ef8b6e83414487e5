"""Words are counted and weighed as scikit-learn does, to the last bit."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_pipe.model_class import TextParts
from model_store.compile.word_vectorizers import weights_of, with_tfidf
from model_store.compile.word_weights import WordCounter, WordWeights
from model_store.errors import PredictionError
from tests.model_store.compile.compiled_pairs import (
    compile_fitted,
    largest_difference,
    pair,
    random_columns,
)

LONGEST = 10_000
ODD = [
    "",
    " ",
    "a b c",
    "Straße STRASSE straße",
    "İstanbul ISTANBUL istanbul \u0131",
    "Cafe\u0301 café CAFÉ",
    "ǅ ﬁn ﬀ ΑΣ ΑΣΑ",
    "東京 大阪 ตัวอย่าง देवनागरी",
    "don't x-y a_b __ _a 12 ١٢ ²³ ½",
    "zero\u200bwidth soft\u00adhyphen no\u00a0break\x01",
    "\U0001f600\U0001f600 emoji \U0001d5ea\U0001d5fc",
    "e\u0301" * (LONGEST // 2),
    ("word other " * LONGEST)[:LONGEST],
]
WORDS = ["quick", "brown", "fox", "Lazy", "dog", "straße", "İstanbul", "naïve", "of", "the", "x1"]


def texts(rows: int, seed: int) -> list[str]:
    """Return texts of words that come again, some often, and odd ones."""
    random = np.random.default_rng(seed)
    made = [" ".join(random.choice(WORDS, random.integers(0, 20))) for _ in range(rows)]
    return [*made, *ODD]


VECTORIZERS = [
    CountVectorizer(),
    CountVectorizer(binary=True, ngram_range=(1, 3), max_features=50),
    CountVectorizer(lowercase=False, min_df=2),
    TfidfVectorizer(),
    TfidfVectorizer(sublinear_tf=True, max_features=8, min_df=2),
    TfidfVectorizer(norm="l1", use_idf=False, binary=True),
    TfidfVectorizer(norm=None, smooth_idf=False, stop_words="english", ngram_range=(2, 2)),
    TfidfVectorizer(vocabulary=["dog", "cat", "fox"]),
    CountVectorizer(strip_accents="unicode"),
    TfidfVectorizer(strip_accents="ascii", lowercase=False, ngram_range=(1, 2), max_features=90),
    TfidfVectorizer(analyzer="char", max_features=400),
    CountVectorizer(analyzer="char", ngram_range=(2, 5), max_features=400, lowercase=False),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=400),
    CountVectorizer(analyzer="char_wb", ngram_range=(1, 7), max_features=900, binary=True),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(6, 9), strip_accents="unicode", min_df=2),
]


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=repr)
def test_weights_are_bit_for_bit_those_of_the_vectorizer(vectorizer: Any) -> None:
    """A difference in the last bit would be a different side of a tree's threshold."""
    vectorizer.fit(texts(300, 0))
    weights = weights_of(vectorizer, "comment")
    asked = texts(1000, 1)
    block = np.full((len(asked), weights.width), np.nan)
    WordCounter(weights).fill(np.array(asked, dtype=object), block)
    assert np.array_equal(block, vectorizer.transform(asked).toarray())


def test_a_count_that_another_step_weighs_is_the_same() -> None:
    """CountVectorizer and TfidfTransformer in a row."""
    counter, weigher = CountVectorizer(), TfidfTransformer(sublinear_tf=True)
    weigher.fit(counter.fit_transform(texts(300, 0)))
    weights = with_tfidf(weights_of(counter, "comment"), weigher)
    asked = texts(500, 1)
    block = np.empty((len(asked), weights.width))
    WordCounter(weights).fill(np.array(asked, dtype=object), block)
    assert np.array_equal(block, weigher.transform(counter.transform(asked)).toarray())


@pytest.mark.parametrize("fitted_on", [texts(300, 0), ["once"], [""]])
def test_parts_of_texts_are_bit_for_bit_the_same(fitted_on: list[str]) -> None:
    """Their lengths too, and no length where a text is missing; also where no word occurs twice."""
    step = TextParts().fit(pd.DataFrame({"comment": fitted_on}))
    weights = weights_of(step, "comment")
    asked = np.array([*texts(500, 1), None], dtype=object)
    block = np.zeros((len(asked), weights.width))
    WordCounter(weights).fill(asked, block)
    expected = step.transform(pd.DataFrame({"comment": pd.Series(asked, dtype=object)}))
    assert np.array_equal(block, expected, equal_nan=True)


def test_a_missing_text_is_refused_where_scikit_learn_refuses_it() -> None:
    """A vectorizer raises for None."""
    counter = WordCounter(WordWeights(column="comment", words=("dog",)))
    with pytest.raises(PredictionError, match="no missing text"):
        counter.fill(np.array(["dog", None], dtype=object), np.empty((2, 1)))


def test_weights_that_do_not_fit_the_words_are_refused() -> None:
    """A bundle may hold anything."""
    with pytest.raises(PredictionError, match="other words"):
        WordCounter(WordWeights(column="comment", words=("dog", "fox"), idf=(1.0,)))


def test_rows_of_letters_have_a_limit() -> None:
    """A bundle may ask for anything, and a text has as many rows of each length as letters."""
    with pytest.raises(PredictionError, match="more than 20 letters"):
        WordCounter(WordWeights(column="comment", words=("dog",), analyzer="char", longest=21))


def test_weights_that_an_older_service_knows_are_written_as_it_reads_them() -> None:
    """What has its default stands in no bundle."""
    weights = weights_of(CountVectorizer().fit(["one two"]), "comment")
    assert msgspec.to_builtins(weights) == {"column": "comment", "words": ("one", "two")}


def table_of_texts(rows: int, seed: int, *, gaps: bool) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """Return a table with two columns of texts, and labels that follow from their words."""
    random = np.random.default_rng(seed)
    first, second = texts(rows, seed), texts(rows, seed + 1)
    table = pd.DataFrame(
        {
            "first": pd.Series([f"{text} {n}" for n, text in enumerate(first)], dtype=object),
            "size": random.normal(size=len(first)),
            "second": pd.Series([f"{n} {text}" for n, text in enumerate(second)], dtype=object),
            "town": random.choice(np.array(["Köln", "東京"], dtype=object), len(first)),
        }
    )
    if gaps:
        table.loc[::7, "second"] = None
    return table, pd.Series(["yes" if "fox" in text else "no" for text in first], name="y")


@pytest.mark.slow  # fits and compiles several estimators
@pytest.mark.parametrize(
    ("model", "gaps"),
    [
        (HistGradientBoostingClassifier(max_iter=10, random_state=0), False),
        (HistGradientBoostingClassifier(max_iter=10, random_state=0), True),
        (LogisticRegression(max_iter=1000), False),
    ],
    ids=repr,
)
def test_parts_of_texts_are_compiled(model: Any, gaps: bool) -> None:  # noqa: FBT001 - a parameter
    """Beside numbers and categories; texts that nobody saw are answered the same."""
    features = ColumnTransformer(
        [
            ("second", TextParts(), ["second"]),
            ("towns", OneHotEncoder(handle_unknown="ignore"), ["town"]),
            ("size", StandardScaler(), ["size"]),
            ("first", TextParts(most_words=5), ["first"]),
        ],
        sparse_threshold=0,
    )
    table, truth = table_of_texts(200, 0, gaps=gaps)
    found = pair(make_pipeline(features, model), table, truth)
    unseen, _ = table_of_texts(1000, 5, gaps=gaps)
    assert largest_difference(found, random_columns(found, unseen)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "vectorizer",
    [
        TfidfVectorizer(),
        CountVectorizer(ngram_range=(1, 2)),
        make_pipeline(CountVectorizer(), TfidfTransformer()),
    ],
    ids=repr,
)
def test_a_vectorizer_of_one_column_is_compiled(vectorizer: Any) -> None:
    """As a ColumnTransformer gives it a column by its name."""
    table, truth = table_of_texts(100, 0, gaps=False)
    features = ColumnTransformer([("words", vectorizer, "first")], remainder="drop")
    found = pair(make_pipeline(features, LogisticRegression()), table, truth)
    unseen, _ = table_of_texts(500, 5, gaps=False)
    assert largest_difference(found, random_columns(found, unseen)) < 1e-12


@pytest.mark.parametrize(
    ("vectorizer", "reason"),
    [
        (TfidfVectorizer(analyzer=str.split), "analyzer is another"),
        (CountVectorizer(analyzer="char", ngram_range=(21, 21), max_features=9), "20 letters"),
        (TfidfVectorizer(token_pattern=r"\w+"), "token_pattern is another"),
        (TfidfVectorizer(tokenizer=str.split, token_pattern=None), "tokenizer is another"),
        (TfidfVectorizer(dtype=np.float32), "single precision"),
        (TfidfVectorizer(ngram_range=(1, 6), lowercase=False), "set max_features"),
    ],
    ids=repr,
)
def test_another_vectorizer_is_not_compiled_and_says_why(vectorizer: Any, reason: str) -> None:
    """The reason names the step, its column, and what is in the way."""
    table, truth = table_of_texts(200, 0, gaps=False)
    model = make_pipeline(ColumnTransformer([("w", vectorizer, "first")]), LogisticRegression())
    compilation, _, _ = compile_fitted(model, table, truth)
    assert reason in compilation.reason
    assert 'The step "columntransformer > w"' in compilation.reason
    assert 'of "first"' in compilation.reason
