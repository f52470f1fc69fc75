"""Rows of a table in groups: what a ranker takes, and what it learns of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from ...modules.ranking.row_scores import RowScores
from ...training import Encoding
from ..inputs.data import Checked, FitData, LearnedInputs
from ..inputs.ragged import RaggedInputs
from ..inputs.sample import Sample
from ..inputs.tables import Table
from .row_groups import QID, first_rows, group_weights, sizes_of

ONE_GROUP = (
    "{name} got no groups, so that all {n_rows} rows compete as one. Give fit(X, y, group=...), or"
    f" the ids as a column {QID!r} of a DataFrame, which the steps of a Pipeline keep with"
    " set_output(transform='pandas'). If one group is meant, say group=[{n_rows}]."
)


@dataclass(frozen=True)
class GroupedTable:
    """A table whose rows belong to groups, one after the other; indexed by groups.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    sizes : ndarray of shape (n_groups,)
        How many rows each group has.
    """

    X: Any
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, groups: np.ndarray) -> GroupedTable:
        """Return some groups with their rows."""
        spans = zip(first_rows(self.sizes)[groups], self.sizes[groups], strict=True)
        rows = [np.arange(first, first + size) for first, size in spans]
        return GroupedTable(self.X[np.concatenate(rows)], self.sizes[groups])


@dataclass(frozen=True)
class LearnedGroups(LearnedInputs):
    """What a fit learns of rows in groups.

    Attributes
    ----------
    has_groups : bool
        Whether the last call of fit got groups, so that a score without them is another one.
    """

    has_groups: bool = False


@dataclass(frozen=True)
class GroupedRows(RaggedInputs, Table):
    """Rows of a table, dense or sparse, in groups that compete: the engine's rows are groups."""

    unit: ClassVar[str] = "group"

    def checked(
        self, owner: Any, data: FitData, y_options: Any = None, learned: Any = None
    ) -> Checked:
        """Check rows, and group them where there is y, which a prediction has not."""
        checked = super().checked(owner, data, y_options, learned)
        if not y_options:
            return checked
        n_rows = checked.X.shape[0]
        if data.groups is None:
            message = ONE_GROUP.format(name=type(owner).__name__, n_rows=n_rows)
            warnings.warn(message, UserWarning, stacklevel=2)
        return checked._replace(X=GroupedTable(checked.X, sizes_of(data.groups, n_rows)))

    def check_continued(self, X: Any, checked: Checked, learned: Any, scaler: Encoding) -> None:
        """Warn of what the rows of all groups have."""
        super().check_continued(X, checked._replace(X=checked.X.X), learned, scaler)

    def weights(self, sample_weight: Any, X: GroupedTable) -> np.ndarray:
        """Return one weight per group."""
        return group_weights(sample_weight, X.sizes)

    def learn(self, sample: Sample, data: FitData, learned: Any, before: Any) -> LearnedGroups:
        """Return what is learned of the table, and whether this call got groups."""
        of_table = super().learn(sample, data, learned, before)
        return LearnedGroups(**{**vars(of_table), "has_groups": data.groups is not None})

    def concatenated(self, X: GroupedTable) -> tuple[Any, np.ndarray]:
        """Return the rows of all groups, which are below each other already, and the sizes."""
        return X.X, X.sizes

    def wrapped(self, network: nn.Module, learned: Any) -> nn.Module:
        """Return a network for groups from one for rows."""
        return RowScores(network)

    def check_network(
        self, module: nn.Module, few: Tensor, allowed: tuple[int, ...], why: str
    ) -> None:
        """Raise if a network returns anything but a score for each row of a few groups."""
        network: Any = module.network
        super().check_network(network, few[..., :-1][few[..., -1] != 0], allowed, why)
