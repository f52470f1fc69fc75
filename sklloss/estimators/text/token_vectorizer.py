"""TokenVectorizer: documents to rows of token ids, as the network of texts reads them."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_is_fitted

from ...modules.text.pooling import PADDING
from ...modules.text.text import UNKNOWN
from ...parameters.declared import check_declared, parameter
from ...parameters.domains import Choice, Either, Interval, Satisfies
from ...parameters.memory import check_memory
from ...parameters.refusals import count, refuse_rows
from ..fit.documentation import documented
from ..fit.parameters import BOOL, COUNT
from ..fit.scikit_learn import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from ..notebook import LinkedToGuide

# Id of the most frequent token.
FIRST = UNKNOWN + 1
# Bytes of an id in a row.
INT32 = 4
NO_LIMIT = Choice(None)


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (TypeError, re.error):
        return False
    return isinstance(value, str)


ANALYZER = Either(Choice("word", "char", "char_wb"), Satisfies(callable, "a function"))
PATTERN = Satisfies(_is_pattern, "a string that is a regular expression")


@dataclass(frozen=True)
class Corpus:
    """Documents as ids of their tokens, one document after another.

    Attributes
    ----------
    ids : ndarray of shape (n_tokens,)
    lengths : ndarray of shape (n_documents,)
        How many of them each document has.
    """

    ids: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, documents: Iterable[list[Any]], id_of: Callable[[Any], int]) -> Corpus:
        """Look up the tokens of every document."""
        # Of 8 bytes per id, where a list takes several times as many.
        ids, lengths = array("q"), array("q")
        for document in documents:
            try:
                ids.extend(map(id_of, document))
            except TypeError as error:
                raise TypeError(
                    f"analyzer returns tokens that cannot be hashed ({error}). Return strings or"
                    " tuples."
                ) from error
            lengths.append(len(document))
        return cls(np.array(ids, dtype=np.int64), np.array(lengths, dtype=np.int64))

    def document_frequencies(self, n_ids: int) -> np.ndarray:
        """Return in how many documents each id stands, (n_ids,)."""
        starts = np.concatenate(([0], self.lengths.cumsum()))
        once = np.ones(len(self.ids), dtype=bool)
        shape = (len(self.lengths), n_ids)
        counts = sparse.csr_array((once, self.ids.copy(), starts), shape=shape)
        counts.sum_duplicates()  # in place
        return np.bincount(counts.indices, minlength=n_ids)

    def check_fits(self, width: int) -> None:
        """Raise if rows of this length would need more memory than there is."""
        rows = count(len(self.lengths), "row")
        check_memory(
            INT32 * width * len(self.lengths),
            f"{rows} of {width} token ids, the length that max_length gives,",
            "Choose a smaller max_length; None is the length of the longest document.",
        )

    def padded(self, width: int, keep: str) -> np.ndarray:
        """Return ids (n_documents, width), padding behind; longer documents keep one end."""
        self.check_fits(width)
        kept = np.minimum(self.lengths, width)
        first = self.lengths.cumsum() - (self.lengths if keep == "start" else kept)
        place = np.arange(kept.sum()) - np.repeat(kept.cumsum() - kept, kept)  # in its row
        matrix = np.full((len(kept), width), PADDING, dtype=np.int32)
        matrix[np.arange(width) < kept[:, None]] = self.ids[np.repeat(first, kept) + place]
        return matrix


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class TokenVectorizer(
    LinkedToGuide, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Convert documents to rows of token ids, padded to one length.

    Put it before ``NeuralClassifier(module="text")`` or ``NeuralRegressor(module="text")`` in a
    Pipeline.  Ids are in order of frequency in the training documents: 2 is the most frequent
    token.  1 stands for tokens outside the vocabulary, and 0 is padding.

    %(parameters)s

    Attributes
    ----------
    vocabulary_ : dict
        Ids of the tokens, starting at 2.
    length_ : int
        Length of the rows.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfVectorizer : Weighted counts without order, whose sparse
        matrix ``module="mlp"`` takes.

    Notes
    -----
    A document without tokens becomes a row of padding; `fit` raises an error if no document has a
    token.  The columns of ``get_feature_names_out`` are positions in the document.

    Examples
    --------
    >>> documents = ["The sea, the sea.", "The sky", ""]
    >>> tokens = TokenVectorizer(max_length=4).fit(documents)
    >>> tokens.transform(documents)
    array([[2, 3, 2, 3],
           [2, 4, 0, 0],
           [0, 0, 0, 0]], dtype=int32)
    >>> tokens.transform(["The blue sea"])
    array([[2, 1, 3, 0]], dtype=int32)
    >>> tokens.vocabulary_
    {'the': 2, 'sea': 3, 'sky': 4}
    """

    analyzer: Any = parameter(
        "word",
        ANALYZER,
        """What the tokens are, as in scikit-learn's CountVectorizer: words, characters, characters
        with a space around each word, or the result of a function of one document.  With a
        function, documents may also be lists or tuples; ``list`` takes tokens from another program
        unchanged.""",
        kind='{"word", "char", "char_wb"} or callable',
    )
    lowercase: bool = parameter(
        True, BOOL, "Whether text is converted to lower case first.", kind="bool"
    )
    token_pattern: str = parameter(
        r"(?u)\b\w\w+\b",
        PATTERN,
        r"""Regular expression of a word, for ``analyzer="word"``.  The default is
        CountVectorizer's: two or more letters or digits.  ``r"(?u)\w+|[^\w\s]"`` takes every word and every
        punctuation mark.""",
        kind="str",
    )
    max_features: int | None = parameter(
        None,
        Either(COUNT, NO_LIMIT),
        """Maximum number of tokens in the vocabulary: the most frequent ones, and the first in
        alphabetical order of those that are equally frequent.""",
        kind="int or None",
    )
    min_df: float = parameter(
        1,
        Either(COUNT, Interval(0, 1)),
        """Minimum number of training documents that contain a token of the vocabulary, or their
        share in [0, 1].""",
        kind="int or float",
    )
    max_length: float | None = parameter(
        0.95,
        Either(COUNT, Interval(0, 1, closed="right"), NO_LIMIT),
        """Length of the rows in tokens; or a share in (0, 1] of the training documents that should
        not be cut; None for the length of the longest document.""",
        kind="int, float or None",
    )
    keep: str = parameter(
        "start",
        Choice("start", "end"),
        "Which end of a document that is too long is kept.",
        kind='{"start", "end"}',
    )

    def fit(self, X: Any, y: Any = None) -> TokenVectorizer:
        """Learn the vocabulary and the length of rows.

        Parameters
        ----------
        X : list, Series or array of str, of shape (n_documents,)
            Documents.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The vectorizer itself.

        Raises
        ------
        TypeError
            If X is one string, or holds anything other than strings.
        ValueError
            If X is a table, no document has a token, or no token is in `min_df` documents.
        """
        self._learned_from(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn from documents and return their rows, faster than `fit` and `transform`.

        Parameters
        ----------
        X : list, Series or array of str, of shape (n_documents,)
            Documents.
        y : object, default=None
            Ignored.

        Returns
        -------
        ndarray of int32 of shape (n_documents, length_)
            Ids of the tokens.
        """
        return self._learned_from(X).padded(self.length_, self.keep)

    def transform(self, X: Any) -> np.ndarray:
        """Return rows of ids.

        Parameters
        ----------
        X : list, Series or array of str, of shape (n_documents,)
            Documents.

        Returns
        -------
        ndarray of int32 of shape (n_documents, length_)
            Ids of the tokens.
        """
        check_is_fitted(self, "vocabulary_")
        id_of = defaultdict(lambda: UNKNOWN, self.vocabulary_).__getitem__
        return Corpus.of(self._analyzed(X), id_of).padded(self.length_, self.keep)

    def inverse_transform(self, X: Any) -> list[list[Any]]:
        """Return the tokens of rows of ids, with None for unknown tokens.

        Parameters
        ----------
        X : array-like of shape (n_documents, n_columns)
            Ids; padding is dropped.

        Returns
        -------
        list of list
            The tokens of each document, in order.

        Examples
        --------
        >>> tokens = TokenVectorizer().fit(["the sea", "the sky"])
        >>> tokens.inverse_transform([[2, 1, 4], [3, 0, 0]])
        [['the', None, 'sky'], ['sea']]
        """
        check_is_fitted(self, "vocabulary_")
        ids = check_array(X, dtype=np.int64)
        tokens = dict(enumerate(self.vocabulary_, FIRST)) | {UNKNOWN: None}
        unknown = sorted(set(ids[ids != PADDING].tolist()) - set(tokens))
        if unknown:
            raise ValueError(
                f"X has {count(len(unknown), 'id')} that this TokenVectorizer does not know, for"
                f" example {unknown[0]}; its ids are 0 to {len(self.vocabulary_) + UNKNOWN}. Give"
                " the result of its transform."
            )
        return [[tokens[i] for i in row if i != PADDING] for row in ids.tolist()]

    # ------------------------------------------------------------------ documents to tokens

    def _analyzed(self, X: Any) -> Iterator[list[Any]]:
        """Yield the tokens of each document."""
        from sklearn.feature_extraction.text import CountVectorizer

        analyze = CountVectorizer(
            analyzer=self.analyzer, lowercase=self.lowercase, token_pattern=self.token_pattern
        ).build_analyzer()
        kinds = (str, list, tuple) if callable(self.analyzer) else (str,)
        for document in checked_documents(X, kinds):
            try:
                tokens = list(analyze(document))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"analyzer={self.analyzer!r} does not turn a document into a list of tokens:"
                    f" {error}. Give a function that does."
                ) from error
            yield tokens

    def _learned_from(self, X: Any) -> Corpus:
        """Learn from documents and return them as ids."""
        check_declared("TokenVectorizer", self, self.get_params())
        found: defaultdict[Any, int] = defaultdict()
        found.default_factory = found.__len__
        corpus = Corpus.of(self._analyzed(X), found.__getitem__)
        if not found:
            raise ValueError(
                "TokenVectorizer finds no token in any of"
                f" {count(len(corpus.lengths), 'document')}: all are empty to"
                f" analyzer={self.analyzer!r}, token_pattern={self.token_pattern!r}. Give other"
                " documents or another pattern."
            )
        names, frequency = list(found), np.bincount(corpus.ids).tolist()
        kept = self._frequent_enough(names, corpus)
        length = self._length(corpus.lengths)
        corpus.check_fits(length)
        kept = sorted(kept, key=lambda old: (-frequency[old], names[old]))[: self.max_features]
        new = np.full(len(names), UNKNOWN)
        new[kept] = np.arange(FIRST, FIRST + len(kept))
        self.vocabulary_ = {names[old]: id_ for id_, old in enumerate(kept, FIRST)}
        self.length_ = self._n_features_out = length
        return Corpus(new[corpus.ids], corpus.lengths)

    def _frequent_enough(self, names: list[Any], corpus: Corpus) -> list[int]:
        """Return which of the tokens are in as many documents as `min_df` says."""
        n_documents = len(corpus.lengths)
        is_count = isinstance(self.min_df, Integral)
        least = self.min_df if is_count else self.min_df * n_documents
        if least <= 1:
            return list(range(len(names)))
        frequencies = corpus.document_frequencies(len(names))
        if frequencies.max() < least:
            raise ValueError(
                f"TokenVectorizer finds no token in {least:g} of {count(n_documents, 'document')},"
                f" as min_df={self.min_df!r} asks; the most frequent,"
                f" {names[frequencies.argmax()]!r}, is in {frequencies.max()}. Lower min_df."
            )
        return np.flatnonzero(frequencies >= least).tolist()

    def _length(self, lengths: np.ndarray) -> int:
        """Return the length of rows."""
        if isinstance(self.max_length, Integral):
            return int(self.max_length)
        share = 1.0 if self.max_length is None else float(self.max_length)
        return max(1, int(np.quantile(lengths, share, method="inverted_cdf")))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.transformer_tags.preserves_dtype = []
        return tags


def checked_documents(X: Any, kinds: tuple[type, ...]) -> list[Any]:
    """Return documents as a list.

    Parameters
    ----------
    X : list, Series, array or other iterable of documents, of shape (n_documents,)
    kinds : tuple of type
        What a document may be.

    Raises
    ------
    TypeError
        If X is one string or has no order, or if something in it is no document.
    ValueError
        If X is a table.
    """
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has the shape {tuple(X.shape)}, and documents are one column of strings,"
            " (n_documents,). Choose the column, as in X['text'] or X[:, 0]; in a ColumnTransformer"
            " name it by a string, not by a list."
        )
    if isinstance(X, str | bytes | Mapping | Set) or not hasattr(X, "__iter__"):
        raise TypeError(
            "X must be a list, Series or array of strings, one per document; got"
            f" {type(X).__name__}. Put a single document into a list, as in [document]."
        )
    documents = list(X)
    refuse_rows(
        [not isinstance(document, kinds) for document in documents],
        "Documents must be strings",
        "are something else",
        "Leave such rows out, or put '' instead of missing documents.",
        example=documents.__getitem__,
        error=TypeError,
    )
    return documents
