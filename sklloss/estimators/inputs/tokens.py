"""Token ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import InputTags

from ...modules.text.text import UNKNOWN
from ...parameters.refusals import some_of
from ...training import InputScaler
from .base import Inputs
from .sample import Sample

# Ids from here on are not exact in float32.
MANY_TOKENS = 2**24


@dataclass(frozen=True)
class Tokens(Inputs):
    """Token ids, ``(n_samples, length)``: whole numbers from 0, which is padding."""

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers as they are."""
        return {"dtype": "numeric"}

    def opened(self, X: Any) -> Any:
        """Refuse text, and rows of unequal length."""
        if sparse.issparse(X):
            raise TypeError(
                "module='text' takes token ids in a dense array, and X is sparse. Sparse counts"
                " and TF-IDF go to module='mlp'."
            )
        first = np.asarray(X[:1] if hasattr(X, "shape") or isinstance(X, list) else X)
        if first.dtype.kind in "USO" and any(isinstance(value, str) for value in first.flat):
            raise ValueError(
                "module='text' takes token ids, and X has text. Put a TokenVectorizer before it:"
                " make_pipeline(TokenVectorizer(), NeuralClassifier(module='text'))."
            )
        lengths = (
            {len(row) for row in X if hasattr(row, "__len__")} if isinstance(X, list) else set()
        )
        if len(lengths) > 1:
            raise ValueError(
                f"X has rows of {min(lengths)} to {max(lengths)} token ids, and module='text'"
                " takes rows of one length. Fill them up with 0, or let a TokenVectorizer do so."
            )
        return X

    def check(self, X: Any) -> None:
        """Refuse fractions, negative numbers, and ids that float32 does not tell apart."""
        wrong = (X < 0) | (X % 1 != 0)
        if wrong.any():
            kind = "Negative values" if (X[wrong] < 0).all() else "Values"
            raise ValueError(
                f"{kind} in data passed to module='text', which takes token ids, whole numbers"
                f" from 0; {some_of(wrong, 'value', 'are not')}, for example {X[wrong][0]:g}. Give"
                " what a TokenVectorizer returns."
            )
        if X.max() >= MANY_TOKENS:
            raise ValueError(
                f"module='text' takes token ids up to {MANY_TOKENS - 1:,}; the largest of X is"
                f" {X.max():.10g}. Number the tokens by their frequency, as a TokenVectorizer does:"
                " every id below the largest has an embedding."
            )

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the number of ids, those of padding and unknown tokens among them."""
        return {"n_tokens": max(int(X.max()), UNKNOWN) + 1}

    def scaler(self, sample: Sample, learned: Any, scales: bool) -> InputScaler:
        """Leave ids as they are."""
        return InputScaler()

    def tag(self, tags: InputTags) -> None:
        """Say that X holds whole numbers from 0 that have no order."""
        tags.categorical = tags.positive_only = True
