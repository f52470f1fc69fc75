"""scikit-learn's base classes, with the types that they lack.

mypy takes any argument of a constructor where a base class has no types; these stand in for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class BaseEstimator:
        """scikit-learn's."""

        @classmethod
        def _get_param_names(cls) -> list[str]: ...

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Return the constructor's parameters."""

        def set_params(self, **params: Any) -> Any:
            """Set parameters, nested ones too."""

        def __sklearn_tags__(self) -> Any: ...

        def __sklearn_clone__(self) -> Any: ...

        def __getstate__(self) -> dict[str, Any]: ...

        def __setstate__(self, state: dict[str, Any]) -> None: ...

    class ClassifierMixin:
        """scikit-learn's."""

    class RegressorMixin:
        """scikit-learn's."""

    class TransformerMixin:
        """scikit-learn's."""

    class ClassNamePrefixFeaturesOutMixin:
        """scikit-learn's."""

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
