"""Rows of numbers, and arrays for networks of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.utils import InputTags

from .base import Inputs


@dataclass(frozen=True)
class Table(Inputs):
    """Rows of numbers, dense or sparse: ``(n_samples, n_features)``."""

    takes_any_floats: ClassVar[bool] = True

    def tag(self, tags: InputTags) -> None:
        """Two axes, dense or sparse."""
        tags.sparse = True

    def opened(self, X: Any) -> Any:
        """Refuse more axes, and say what takes them."""
        if len(getattr(X, "shape", ())) > 2:
            raise ValueError(
                f"Found array with dim {len(X.shape)}, while dim <= 2 is required: module='mlp'"
                f" takes tables, and X has the shape {tuple(X.shape)}. For images set module='cnn';"
                " or flatten them, X.reshape(len(X), -1)."
            )
        return X


@dataclass(frozen=True)
class Arrays(Inputs):
    """Any arrays, for a network of your own: ``(n_samples, ...)``; tables may be sparse."""

    takes_any_floats: ClassVar[bool] = True

    def tag(self, tags: InputTags) -> None:
        """Any axes, tables dense or sparse."""
        tags.sparse = tags.three_d_array = True

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers of more axes as they are."""
        if len(getattr(X, "shape", ())) <= 2:
            return {**super().options(X), "allow_nd": True}
        return {"dtype": "numeric", "allow_nd": True}
