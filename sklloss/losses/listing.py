"""What is known of each loss of the catalogue, as a table."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from .base import Loss, RegressionLoss, Task
from .catalogue import CATALOGUE

if TYPE_CHECKING:
    import pandas as pd


def losses_of(task: Task | None = None) -> list[type[Loss]]:
    """Return the classes of the catalogue, of one task or of both."""
    return [cls for cls in CATALOGUE if task in (None, cls.task)]


def list_losses(task: Task | None = None) -> pd.DataFrame:
    """Return the catalogue as a table, one row per loss.

    Parameters
    ----------
    task : {"regression", "classification"} or None, default=None
        Only the losses of this task.

    Returns
    -------
    DataFrame
        With the columns name, task, aliases, parameters (defaults and domains), functional, y_domain, predict_proba (bool),
        reference and class.

    Examples
    --------
    >>> table = list_losses("regression").set_index("name")
    >>> table.loc["quantile", "parameters"]
    'quantile=0.5 (0 < quantile < 1)'
    >>> table.loc["huber", "aliases"]
    ('HuberLoss',)
    """
    import pandas as pd

    if task not in (None, "regression", "classification"):
        raise ValueError(
            f"list_losses needs task to be 'regression', 'classification' or None; got {task!r}."
        )
    return pd.DataFrame([_row(cls) for cls in losses_of(task)])


def _row(cls: type[Loss]) -> dict[str, Any]:
    loss = cls()
    parameters = (
        f"{f.name}={f.default!r} ({f.metadata['domain'].describe(f.name)})"
        for f in dataclasses.fields(cls)
    )
    is_regression = isinstance(loss, RegressionLoss)
    return {
        "name": cls.name,
        "task": cls.task,
        "aliases": cls.aliases,
        "parameters": "; ".join(parameters),
        "functional": cls.functional,
        "y_domain": loss.y_domain.describe("y") if is_regression else "class labels",
        "predict_proba": hasattr(cls, "predict_proba"),
        "reference": cls.reference,
        "class": cls.__name__,
    }
