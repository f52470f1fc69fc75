"""TokenVectorizer: scikit-learn's tokens, ids by frequency, rows of one length."""

import pickle
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import estimator_checks

from sklloss import TokenVectorizer

PAGES = [load().DESCR for load in (load_breast_cancer, load_diabetes, load_wine)]
DOCUMENTS = [line for page in PAGES for line in page.splitlines()]  # some of them empty


def first_letters(document):
    return (word[0] for word in document.split())


ANALYZERS = {
    "words": {},
    "case": {"lowercase": False},
    "punctuation": {"token_pattern": r"(?u)\w+|[^\w\s]"},
    "characters": {"analyzer": "char"},
    "characters in words": {"analyzer": "char_wb"},
    "function": {"analyzer": first_letters},
}


@pytest.mark.parametrize("params", ANALYZERS.values(), ids=ANALYZERS.keys())
def test_rows_hold_the_tokens_of_count_vectorizer_in_their_order(params):
    analyze = CountVectorizer(**params).build_analyzer()
    tokens = TokenVectorizer(max_length=None, **params)
    rows = tokens.fit_transform(DOCUMENTS)
    expected = [list(analyze(document)) for document in DOCUMENTS]
    assert tokens.inverse_transform(rows) == expected
    assert rows.dtype == np.int32
    assert rows.shape == (len(DOCUMENTS), max(map(len, expected)))
    for row, document in zip(rows, expected, strict=True):
        assert (row[: len(document)] > 1).all()
        assert (row[len(document) :] == 0).all()


def test_ids_count_down_frequency_and_equal_ones_the_alphabet():
    vocabulary = TokenVectorizer().fit(DOCUMENTS).vocabulary_
    analyze = CountVectorizer().build_analyzer()
    frequency = Counter(token for document in DOCUMENTS for token in analyze(document))
    expected = sorted(frequency, key=lambda token: (-frequency[token], token))
    assert list(vocabulary) == expected
    assert list(vocabulary.values()) == list(range(2, 2 + len(expected)))
    assert TokenVectorizer().fit(DOCUMENTS[::-1]).vocabulary_ == vocabulary
    assert list(TokenVectorizer(max_features=5).fit(DOCUMENTS).vocabulary_) == expected[:5]


@pytest.mark.parametrize("min_df", [1, 2, 5, 0.0, 0.01, 0.1])
def test_min_df_is_that_of_count_vectorizer(min_df):
    tokens = TokenVectorizer(min_df=min_df)
    rows = tokens.fit_transform(DOCUMENTS)
    assert set(tokens.vocabulary_) == set(CountVectorizer(min_df=min_df).fit(DOCUMENTS).vocabulary_)
    np.testing.assert_array_equal(rows, tokens.transform(DOCUMENTS))
    least = min(tokens.vocabulary_, key=tokens.vocabulary_.get)
    assert tokens.vocabulary_[least] == 2


def test_tokens_outside_the_vocabulary_are_unknown_not_left_out():
    tokens = TokenVectorizer(max_features=2, max_length=5).fit(["aa bb aa cc", "bb dd"])
    rows = tokens.transform(["aa xx bb", "cc dd", "", "!"])
    expected = [[2, 1, 3, 0, 0], [1, 1, 0, 0, 0], [0] * 5, [0] * 5]
    np.testing.assert_array_equal(rows, expected)
    assert tokens.inverse_transform(rows) == [["aa", None, "bb"], [None, None], [], []]
    assert tokens.vocabulary_ == {"aa": 2, "bb": 3}


@pytest.mark.parametrize(
    ("max_length", "expected"),
    [(3, 3), (50, 50), (0.5, 2), (0.75, 3), (0.76, 9), (1.0, 9), (None, 9), (Fraction(3, 4), 3)],
)
def test_length_is_a_number_or_a_share_of_documents_left_whole(max_length, expected):
    documents = ["aa", "aa bb", "aa bb cc", "aa bb cc dd ee ff gg hh ii"]
    tokens = TokenVectorizer(max_length=max_length)
    assert tokens.fit_transform(documents).shape == (4, expected)
    assert tokens.length_ == expected
    assert tokens.transform(["aa " * 99]).shape == (1, expected)


def test_either_end_of_long_documents_is_kept():
    documents = ["aa bb cc dd", "aa", ""]
    start, end = (TokenVectorizer(max_length=2, keep=keep) for keep in ("start", "end"))
    np.testing.assert_array_equal(start.fit_transform(documents), [[2, 3], [2, 0], [0, 0]])
    np.testing.assert_array_equal(end.fit_transform(documents), [[4, 5], [2, 0], [0, 0]])
    np.testing.assert_array_equal(end.transform(documents), end.fit_transform(documents))


def test_forms_of_documents_are_alike():
    expected = TokenVectorizer().fit_transform(DOCUMENTS)
    as_series = pd.Series(DOCUMENTS, index=np.arange(len(DOCUMENTS))[::-1])
    for X in (
        as_series,
        as_series.astype(object),
        as_series.astype("string"),
        np.array(DOCUMENTS),
        np.array(DOCUMENTS, dtype=object),
        tuple(DOCUMENTS),
        iter(DOCUMENTS),
    ):
        np.testing.assert_array_equal(TokenVectorizer().fit_transform(X), expected)


def test_a_function_takes_lists_of_tokens_too():
    words = [document.lower().split() for document in DOCUMENTS]
    expected = TokenVectorizer(token_pattern=r"\S+").fit_transform(DOCUMENTS)
    for X in (words, pd.Series(words), [tuple(of_document) for of_document in words]):
        np.testing.assert_array_equal(TokenVectorizer(analyzer=list).fit_transform(X), expected)
    with pytest.raises(TypeError, match="row 1: None"):
        TokenVectorizer(analyzer=list).fit([["good"], None])


def test_a_clone_a_pickle_and_a_second_fit_equal_the_first():
    tokens = TokenVectorizer(max_features=50, min_df=2, keep="end", analyzer=first_letters)
    expected = tokens.fit_transform(DOCUMENTS)
    assert clone(tokens).get_params() == tokens.get_params()
    for again in (tokens, clone(tokens).fit(DOCUMENTS), pickle.loads(pickle.dumps(tokens))):
        np.testing.assert_array_equal(again.transform(DOCUMENTS), expected)
    np.testing.assert_array_equal(clone(tokens).fit_transform(DOCUMENTS), expected)
    other = tokens.fit(DOCUMENTS[:20])
    assert len(other.vocabulary_) < 50


def test_columns_have_names_and_become_a_frame():
    tokens = TokenVectorizer(max_length=3).set_output(transform="pandas")
    frame = tokens.fit_transform(pd.Series(DOCUMENTS, index=range(5, 5 + len(DOCUMENTS))))
    assert list(frame.columns) == [f"tokenvectorizer{i}" for i in range(3)]
    assert list(frame.index[:2]) == [5, 6]
    assert list(tokens.get_feature_names_out()) == list(frame.columns)


def test_no_documents_have_no_rows_and_teach_nothing():
    tokens = TokenVectorizer(max_length=3).fit(DOCUMENTS)
    assert tokens.transform([]).shape == (0, 3)
    with pytest.raises(ValueError, match="no token in any of 0 documents"):
        tokens.fit([])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("one string", TypeError, r"got str. Put a single document into a list"),
        (b"bytes", TypeError, "got bytes"),
        (7, TypeError, "got int"),
        ({"a": 1}, TypeError, "got dict"),
        ({"a", "b"}, TypeError, "got set"),
        (np.array("scalar"), ValueError, r"shape \(\)"),
        (pd.DataFrame({"text": ["a"]}), ValueError, r"shape \(1, 1\).*Choose the column, as in"),
        (np.array([["a", "b"]]), ValueError, r"shape \(1, 2\)"),
        (["good", 3.5, None], TypeError, "2 of 3 rows are something else, for example row 1: 3.5"),
        (["good", None], TypeError, "1 of 2 rows is something else, for example row 1: None"),
        (["good", float("nan")], TypeError, "row 1: nan"),
        (pd.Series(["good", pd.NA], dtype="string"), TypeError, "row 1: <?N"),
        ([b"bytes"], TypeError, "row 0: b'bytes'"),
        ([["several", "strings"]], TypeError, r"row 0: \['several'"),
    ],
)
def test_what_is_no_column_of_strings_is_named(X, error, message):
    tokens = TokenVectorizer().fit(DOCUMENTS)
    for method in (tokens.transform, TokenVectorizer().fit, TokenVectorizer().fit_transform):
        with pytest.raises(error, match=message):
            method(X)


def test_nothing_to_learn_from_is_named():
    with pytest.raises(
        ValueError, match="no token in any of 3 documents: all are empty to analyzer"
    ):
        TokenVectorizer().fit(["", "  ", "!"])
    with pytest.raises(
        ValueError, match="no token in 3 of 3 documents, as min_df=3.*'sea', is in 2"
    ):
        TokenVectorizer(min_df=3).fit(["sea sea", "sea sky", "bird"])
    with pytest.raises(ValueError, match="in 2.7 of 3 documents, as min_df=0.9"):
        TokenVectorizer(min_df=0.9).fit(["sea sea", "sea sky", "bird"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"analyzer": "words"},
            "analyzer to be one of 'word', 'char', 'char_wb' or analyzer to be a",
        ),
        ({"lowercase": 1}, "lowercase to be one of True, False"),
        ({"token_pattern": None}, "token_pattern to be a string"),
        ({"token_pattern": "("}, "that is a regular expression"),
        (
            {"max_features": 0},
            r"max_features >= 1 .*got 0. The default is TokenVectorizer\(max_features=None\)",
        ),
        ({"max_features": True}, "got True"),
        ({"min_df": -1}, "0 <= min_df <= 1; got -1"),
        ({"min_df": 1.5}, "got 1.5"),
        ({"max_length": 0}, "0 < max_length <= 1 or max_length to be None; got 0"),
        ({"max_length": 2.5}, "got 2.5"),
        ({"keep": "middle"}, "keep to be one of 'start', 'end'"),
    ],
)
def test_parameters_outside_their_domains_are_refused_in_fit(params, message):
    tokens = TokenVectorizer(**params)
    with pytest.raises(ValueError, match=f"TokenVectorizer needs .*{message}"):
        tokens.fit(DOCUMENTS)


def test_only_ids_that_it_gives_have_tokens():
    tokens = TokenVectorizer().fit(["aa bb"])
    for ids in ([[4, 9]], [[-1, 2]]):
        with pytest.raises(ValueError, match="does not know, for example .*; its ids are 0 to 3"):
            tokens.inverse_transform(ids)
    for method in (TokenVectorizer().transform, TokenVectorizer().inverse_transform):
        with pytest.raises(NotFittedError):
            method([])


NEED_NO_TABLE = (
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_repr",
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
)


@pytest.mark.parametrize("name", NEED_NO_TABLE)
def test_checks_of_scikit_learn_that_need_no_table_pass(name):
    """The others fit on numbers: scikit-learn leaves them out for its own vectorizers too."""
    assert getattr(estimator_checks, name)("TokenVectorizer", TokenVectorizer()) is None


def test_tags_tell_the_truth():
    tags = TokenVectorizer().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.two_d_array) == (True, False)
    assert tags.transformer_tags.preserves_dtype == []
    assert tags.requires_fit
