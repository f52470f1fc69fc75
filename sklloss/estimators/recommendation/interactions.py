"""Interactions: which users took which items, from what is given to the rows of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import InputTags
from torch import Tensor, nn

from ...modules.recommendation.factors import Factors
from ...modules.recommendation.generalized_factors import GeneralizedFactors
from ...parameters.refusals import refuse_rows
from ...training import Encoding, InputScaler, NegativeSampler, TrainingSet
from ..inputs.base import Inputs
from ..inputs.data import Checked, FitData, LearnedInputs
from ..inputs.missing import check_plain
from ..inputs.sample import Sample
from ..inputs.weights import checked_weights
from .labels import Numbering

GIVE_PAIRS = (
    "Give one pair (user, item) per row: a DataFrame of two columns, an array of shape"
    " (n_samples, 2) or a list of pairs."
)


@dataclass(frozen=True)
class Pairs:
    """Interactions as they are given, one user and one item per row.

    Attributes
    ----------
    users, items : list
        Labels, as many as there are rows.
    columns : list of str
        The names of the columns of a DataFrame, where they are text; otherwise empty.
    """

    users: list[Any]
    items: list[Any]
    columns: list[str]

    @classmethod
    def of(cls, interactions: Any) -> Pairs:
        """Read interactions in any form.

        Raises
        ------
        ValueError
            If there are none, or rows are not pairs.
        TypeError
            If they are a sparse matrix, have no order (a set) or can be read only once (a
            generator).
        """
        if sparse.issparse(interactions):
            raise TypeError(
                "interactions are a sparse matrix. Give its pairs, and what it holds as ratings or"
                " counts: rows, columns = X.nonzero(); fit(np.column_stack((rows, columns)),"
                " X[rows, columns])."
            )
        if isinstance(interactions, Set | Mapping | Iterator):
            raise TypeError(
                f"interactions are a {type(interactions).__name__}; they need an order of rows that"
                " can be read again. Give list(...) of the pairs, and what belongs to each pair as"
                " ratings."
            )
        has_axes = hasattr(interactions, "iloc") or hasattr(interactions, "__array__")
        has_axes |= isinstance(interactions, memoryview)
        users, items = _by_axis(interactions) if has_axes else _by_row(interactions)
        if not users:
            raise ValueError(f"interactions have 0 rows, and at least 1 is needed. {GIVE_PAIRS}")
        names = list(getattr(interactions, "columns", ()))
        return cls(users, items, names if all(isinstance(name, str) for name in names) else [])

    def __len__(self) -> int:
        return len(self.users)

    def by_user(self, numbers: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, list[set[Any]]]:
        """Return the users of some rows and, of each, what it took.

        Parameters
        ----------
        numbers : ndarray of shape (n_samples, 2)
            Those of all users and items, -1 for each unknown one.
        rows : ndarray of shape (n,)

        Returns
        -------
        users : ndarray of shape (n_users,)
            Their numbers, -1 for each unknown one.
        items : list of set
            Of each user the numbers of the items, and a tuple instead of a number for an unknown
            item.
        """
        number_of: dict[Any, int] = {}
        taken: dict[Any, set[Any]] = {}
        for row, (user, item) in zip(rows.tolist(), numbers[rows].tolist(), strict=True):
            label = self.users[row]
            number_of[label] = user
            taken.setdefault(label, set()).add(item if item >= 0 else (self.items[row],))
        return np.array(list(number_of.values()), dtype=np.int64), list(taken.values())


def _by_axis(interactions: Any) -> tuple[list[Any], list[Any]]:
    check_plain(interactions, "interactions")
    table: Any = interactions if hasattr(interactions, "iloc") else np.asarray(interactions)
    if table.ndim != 2 or table.shape[1] != 2:
        hint = " Ratings or counts are an argument of their own." if table.shape[1:] == (3,) else ""
        raise ValueError(
            "interactions need two columns, a user and an item; got the shape"
            f" {table.shape}.{hint} {GIVE_PAIRS}"
        )
    columns = getattr(table, "iloc", table)
    return columns[:, 0].tolist(), columns[:, 1].tolist()


def _by_row(interactions: Any) -> tuple[list[Any], list[Any]]:
    rows = list(interactions) if isinstance(interactions, Iterable) else [interactions]
    refuse_rows(
        [not _is_pair(row) for row in rows],
        "interactions need pairs (user, item)",
        "are something else",
        GIVE_PAIRS,
        example=rows.__getitem__,
    )
    return [row[0] for row in rows], [row[1] for row in rows]


def _is_pair(row: Any) -> bool:
    is_row = isinstance(row, Sequence | np.ndarray) and not isinstance(row, str | bytes | bytearray)
    return is_row and len(row) == 2


@dataclass(frozen=True, kw_only=True)
class LearnedInteractions(LearnedInputs):
    """What a fit learns of interactions.

    Attributes
    ----------
    users, items : Numbering
    columns : list of str
        The names of the columns, where they had any.
    seen : csr_array of shape (n_users, n_items)
        The total weight of the rows of each pair.
    """

    users: Numbering
    items: Numbering
    columns: list[str]
    seen: Any = None

    @cached_property
    def popularity(self) -> np.ndarray:
        """The total weight of each item's rows, (n_items,)."""
        return np.asarray(self.seen.sum(0), dtype=np.float64)

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator."""
        return {
            "n_features_in_": self.n_features,
            "users_": self.users.array,
            "items_": self.items.array,
            "popularity_": self.popularity,
        }

    def numbers(self, pairs: Pairs) -> np.ndarray:
        """Return the numbers of users and items, (n_samples, 2); -1 for unknown ones."""
        if pairs.columns and self.columns and pairs.columns != self.columns:
            raise ValueError(
                f"interactions have the columns {pairs.columns}, and those of fit were"
                f" {self.columns}. Put users first and items second, under the same names."
            )
        return np.column_stack((self.users.encode(pairs.users), self.items.encode(pairs.items)))

    def keys(self, users: Any, items: Any) -> Any:
        """Return one number for each pair of a number of a user and one of an item."""
        return users * len(self.items) + items


@dataclass(frozen=True)
class Interactions(Inputs):
    """Pairs of a user and an item, labels of any type that hashes.

    Attributes
    ----------
    n_factors : int
        Length of the vectors of users and items.
    """

    n_factors: int = 64
    stacks: ClassVar[bool] = False
    # The first column has users, the second items, whatever their names.
    names_columns: ClassVar[bool] = False

    def tag(self, tags: InputTags) -> None:
        """Labels, which may be text."""
        tags.string = tags.categorical = True

    def opened(self, X: Any) -> Pairs:
        """Return users and items."""
        return Pairs.of(X)

    def checked(
        self,
        owner: Any,
        data: FitData,
        y_options: Mapping[str, Any] | None = None,
        learned: Any = None,
    ) -> Checked:
        """Return the numbers of users and items, (n_samples, 2); -1 only in rows of weight 0."""
        pairs, named = data.X, data.named or (None, None)
        kept = np.flatnonzero(checked_weights(data.sample_weight, pairs.users))
        if learned is None:
            users = Numbering.of("user", [pairs.users[k] for k in kept.tolist()], named[0])
            items = Numbering.of("item", [pairs.items[k] for k in kept.tolist()], named[1])
            learned = LearnedInteractions((2,), 2, users=users, items=items, columns=pairs.columns)
        else:
            learned.users.check_named(named[0])
            learned.items.check_named(named[1])
        numbers = learned.numbers(pairs)
        learned.users.check_known(numbers[:, 0], pairs.users, kept)
        learned.items.check_known(numbers[:, 1], pairs.items, kept)
        return Checked(numbers, data.y, learned)

    def learn(self, sample: Sample, data: FitData, learned: Any, before: Any) -> Any:
        """Add up who took what, with what earlier calls have seen."""
        shape = len(learned.users), len(learned.items)
        seen = sparse.coo_array((sample.row_weight, (*sample.X.T,)), shape=shape).tocsr()
        if before is not None:
            seen = sparse.csr_array(before.seen + seen)
        return replace(learned, seen=seen)

    def scaler(self, sample: Sample, learned: Any, scales: bool) -> InputScaler:
        """Leave numbers of users and items as they are."""
        return InputScaler()

    def prediction_rows(
        self, owner: Any, X: Any, learned: Any, scaler: Encoding, dtype: torch.dtype
    ) -> Tensor:
        """Return the numbers of users and items; those of unknown ones are -1."""
        return torch.from_numpy(learned.numbers(Pairs.of(X)))

    def network(
        self,
        module: Any,
        learned: Any,
        n_outputs: int,
        params: Mapping[str, Any],
        source: torch.Generator,
    ) -> nn.Module:
        """Return a matrix factorisation, generalised where a loss takes several outputs."""
        shape = len(learned.users), len(learned.items), self.n_factors
        if n_outputs == 1:
            return Factors(*shape, source)
        return GeneralizedFactors(*shape, n_outputs, source)

    def batch_change(
        self, augment: Any, scaler: Encoding, data: TrainingSet, loss: Any, learned: Any
    ) -> NegativeSampler | None:
        """Return what draws items that users did not take, for a loss that learns an order.

        Training may draw the items of validation rows.
        """
        if loss.task != "recommendation":
            return None
        users, items = learned.seen.nonzero()
        at_all = torch.from_numpy(np.sort(learned.keys(users.astype(np.int64), items)))
        at_all = taken = at_all.to(data.y.device)
        if data.valid is not None:
            parts = (data.X.take(part).long() for part in (data.train, data.valid))
            train, valid = (learned.keys(*part.unbind(1)) for part in parts)
            only_valid = valid[~torch.isin(valid, train)]
            taken = at_all[~torch.isin(at_all, only_valid)]
        return NegativeSampler(len(learned.items), loss.n_negatives, taken, at_all)
