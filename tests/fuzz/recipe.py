"""Recipes: what a case is made of, as plain values that print and read back."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """What a case is made of: names of twists, and values that are literals of Python.

    Attributes
    ----------
    family : str
        A key of ``families.FAMILIES``.
    seed : int
        Where the data come from.
    n_rows, n_columns : int
        The size of the data before any twist.
    loss : str or None
        A name of a loss, None for the default.
    params : dict
        Parameters of the estimator, as ``set_params`` takes them.
    odd : dict
        Parameters whose values are named in ``odd_values.ODD``.
    values, dtype, container : str
        What is done to X: keys of ``values.VALUES``, ``values.DTYPES``, ``containers.CONTAINERS``.
    target, weights : str
        What is done to y, and what weights are given: keys of ``targets.TARGETS``,
        ``targets.WEIGHTS``.
    call : {"fit", "partial_fit", "predict", "score"}
        Which method receives the twisted data; the last two after a fit on plain data.
    """

    family: str
    seed: int = 0
    n_rows: int = 12
    n_columns: int = 3
    loss: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    values: str = "plain"
    dtype: str = "float64"
    container: str = "array"
    target: str = "plain"
    weights: str = "none"
    call: str = "fit"

    def __str__(self) -> str:
        plain = Recipe(self.family)
        names = [each.name for each in fields(self)]
        changed = {n: getattr(self, n) for n in names if getattr(self, n) != getattr(plain, n)}
        return repr({"family": self.family, **changed})

    @classmethod
    def read(cls, text: str) -> Recipe:
        """Return the recipe that prints as this text."""
        return cls(**ast.literal_eval(text))
