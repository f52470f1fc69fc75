"""scikit-learn's base classes, with the types that they lack.

mypy takes any argument of a constructor where a base class has no types; these stand in for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class BaseEstimator:  # noqa: D101
        @classmethod
        def _get_param_names(cls) -> list[str]: ...

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...  # noqa: D102

        def set_params(self, **params: Any) -> Any: ...  # noqa: D102

        def __sklearn_tags__(self) -> Any: ...

    class ClassifierMixin: ...  # noqa: D101

    class RegressorMixin: ...  # noqa: D101

    class TransformerMixin: ...  # noqa: D101

    class ClassNamePrefixFeaturesOutMixin: ...  # noqa: D101

else:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "RegressorMixin",
    "TransformerMixin",
]
