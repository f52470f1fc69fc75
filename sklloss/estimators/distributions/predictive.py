"""The predictive distribution of some rows, as an object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if

from ...parameters.domains import Interval, check_in_domain
from ...parameters.refusals import count, some_of
from ..inputs.floats import floats_of
from .integrals import SPREAD, crps_of

OPEN_UNIT = Interval(0, 1, closed="neither")
# Methods that some distributions lack.
CONDITIONAL = ("pdf", "pmf", "log_likelihood", "mean", "std", "sample")
POSITIVE_COUNT = Interval(1, integer=True)


def checked_levels(quantiles: Any, owner: str = "predict_quantiles") -> np.ndarray:
    """Return levels as float64, (n_levels,).

    Raises
    ------
    ValueError
        If they are not a list of numbers in (0, 1).
    """
    levels = np.atleast_1d(np.asarray(quantiles))
    is_list_of_numbers = levels.dtype.kind in "fiu" and levels.ndim == 1 and len(levels) > 0
    if not (is_list_of_numbers and OPEN_UNIT.inside(levels).all()):
        raise ValueError(
            f"{owner} needs levels with 0 < quantile < 1; got {quantiles!r}. Give a list"
            " such as [0.1, 0.5, 0.9]."
        )
    return levels.astype(np.float64)


def levels_of(coverage: float, owner: str = "predict_interval") -> tuple[float, float]:
    """Return the levels between which the central interval of a coverage lies.

    Raises
    ------
    ValueError
        If the coverage is not in (0, 1).
    """
    check_in_domain(owner, "coverage", coverage, OPEN_UNIT, "0.8 is usual.")
    return (1 - coverage) / 2, (1 + coverage) / 2


def _where(name: str) -> Callable[[PredictiveDistribution], bool]:
    """Return what tells ``available_if`` whether a distribution has a method."""

    def check(distribution: PredictiveDistribution) -> bool:
        if why := distribution._lacks(name):
            raise AttributeError(why)
        return True

    return check


@dataclass(frozen=True, repr=False, eq=False)
class PredictiveDistribution(ABC):
    """Predictive distributions of y for some rows, in the units of y.

    `predict_distribution` returns it. Its methods have the names of a frozen distribution of
    `scipy.stats`. With several targets, each of them has its own distribution, and results have an
    axis of targets after that of rows.

    An argument y is one number for all rows; one per row, of shape (n_samples,) or
    (n_samples, n_targets); or several per row on a last axis, of shape (n_samples, n_values) or
    (n_samples, n_targets, n_values), where a first axis of length 1 stands for all rows. Results
    have the shape of y, broadcast to all rows.

    Attributes
    ----------
    n_samples : int
        Number of rows.
    is_discrete : bool
        Whether y is a count, so that there is a `pmf` instead of a `pdf`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralRegressor("gaussian_nll", n_members=1, max_epochs=10, random_state=0)
    >>> predicted = model.fit(X, y).predict_distribution(X[:3])
    >>> predicted.cdf(y[:3]).shape, predicted.ppf([0.1, 0.9]).shape, predicted.sample(5).shape
    ((3,), (3, 2), (3, 5))
    """

    is_column: bool
    is_discrete: ClassVar[bool] = False

    # ------------------------------------------------------------------ what a kind defines
    # Arrays are (n_samples, n_targets) or (n_samples, n_targets, n_values), in units of y.

    @property
    @abstractmethod
    def _shape(self) -> tuple[int, int]:
        """The numbers of rows and targets."""

    @abstractmethod
    def _cdf(self, y: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        """Return quantiles at levels (n_levels,)."""

    def _log_density(self, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _mean(self) -> np.ndarray:
        raise NotImplementedError

    def _std(self) -> np.ndarray:
        raise NotImplementedError

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        """Return quantiles at levels (n_samples, n_targets, n_levels)."""
        raise NotImplementedError

    def _knots(self) -> np.ndarray:
        """Return increasing values, as dense as the distribution, (n_samples, n_targets, n)."""
        return self._ppf(SPREAD)

    def _crps(self, y: np.ndarray) -> np.ndarray:
        """Return the score of each y (n_samples, n_targets), in its shape."""
        return crps_of(self, y)

    def _lacks(self, name: str) -> str:
        """Return why the method of a name is missing, '' where it is there."""
        if name == "pdf" and self.is_discrete:
            return "Counts have probabilities, not a density: use pmf."
        if name == "pmf" and not self.is_discrete:
            return (
                "A continuous distribution gives no value a probability: use pdf for the density,"
                " or cdf(b) - cdf(a) for the probability of an interval."
            )
        return ""

    @property
    def _of(self) -> str:
        """Where it comes from, in words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        n_samples, n_targets = self._shape
        rows = count(n_samples, "row")
        rows = rows if self.is_column else f"{rows} and {count(n_targets, 'target')}"
        return f"<{type(self).__name__} of {rows}: {self._of}>"

    def __getattr__(self, name: str) -> Any:
        """Say why a method is missing; Python asks here when ``available_if`` has hidden it."""
        why = self._lacks(name) if name in CONDITIONAL else ""
        raise AttributeError(why or f"{type(self).__name__!r} object has no attribute {name!r}")

    # ------------------------------------------------------------------ what a user calls

    @property
    def n_samples(self) -> int:
        """How many rows are predicted."""
        return self._shape[0]

    def __len__(self) -> int:
        return self.n_samples

    def cdf(self, y: Any) -> np.ndarray:
        """Return the probability of at most y.

        Parameters
        ----------
        y : float or array-like
            See the class for its shapes.  Infinity is allowed.

        Returns
        -------
        ndarray
            Probabilities, in the shape of y.

        Raises
        ------
        ValueError
            If y has NaN, or none of these shapes.
        """
        return self._of_y(self._cdf, y, "cdf")

    def ppf(self, q: Any) -> np.ndarray:
        """Return quantiles: the smallest y at which `cdf` reaches q.

        Parameters
        ----------
        q : float or array-like of shape (n_levels,)
            Levels in (0, 1).

        Returns
        -------
        ndarray of shape (n_samples, n_levels) or (n_samples, n_targets, n_levels)
            In units of y, without the last axis if q is one number.

        Raises
        ------
        ValueError
            If a level is outside (0, 1), or outside those of the loss.
        """
        found = self._shown(self._ppf(checked_levels(q, "ppf")))
        return found[..., 0] if np.ndim(q) == 0 else found

    @available_if(_where("pdf"))
    def pdf(self, y: Any) -> np.ndarray:
        """Return the density at y, per unit of y; not for counts.

        Parameters
        ----------
        y : float or array-like
            See the class for its shapes.

        Returns
        -------
        ndarray
            In the shape of y.
        """
        return np.exp(self._of_y(self._log_density, y, "pdf"))

    @available_if(_where("pmf"))
    def pmf(self, y: Any) -> np.ndarray:
        """Return the probability of y, which is 0 if y is not a whole number; only for counts.

        Parameters
        ----------
        y : float or array-like
            See the class for its shapes.

        Returns
        -------
        ndarray
            In the shape of y.
        """
        return np.exp(self._of_y(self._log_density, y, "pmf"))

    @available_if(_where("log_likelihood"))
    def log_likelihood(self, y: Any) -> np.ndarray:
        """Return the logarithm of the density at y, or of the probability of a count.

        Parameters
        ----------
        y : float or array-like
            See the class for its shapes.

        Returns
        -------
        ndarray
            In the shape of y; minus infinity where y is impossible.
        """
        return self._of_y(self._log_density, y, "log_likelihood")

    @available_if(_where("mean"))
    def mean(self) -> np.ndarray:
        """Return the mean of y.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        return self._shown(self._mean())

    @available_if(_where("std"))
    def std(self) -> np.ndarray:
        """Return the standard deviation of y, as ``predict_std`` does.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        return self._shown(self._std())

    def interval(self, coverage: float = 0.8) -> np.ndarray:
        """Return the central interval that contains y with a given probability.

        Parameters
        ----------
        coverage : float, default=0.8
            The probability, in (0, 1).

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper end: the quantiles (1 - coverage) / 2 and (1 + coverage) / 2.
        """
        return self.ppf(levels_of(coverage, "interval"))

    @available_if(_where("sample"))
    def sample(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Draw samples from the distribution of each row.

        Parameters
        ----------
        n : int, default=1
            Number of draws for each row, >= 1.
        random_state : int, RandomState or None, default=None
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n_samples, n) or (n_samples, n_targets, n)
            Independent draws.
        """
        check_in_domain("sample", "n", n, POSITIVE_COUNT, "n is the number of draws of each row.")
        levels = check_random_state(random_state).uniform(size=(*self._shape, n))
        return self._shown(self._ppf_at(levels))

    # ------------------------------------------------------------------ shapes

    def _shown(self, values: np.ndarray) -> np.ndarray:
        """Return values (n_samples, n_targets, ...), without targets where y was a column."""
        return values[:, 0] if self.is_column else values

    def _of_y(self, function: Callable[[np.ndarray], np.ndarray], y: Any, owner: str) -> np.ndarray:
        """Return a function of values of y, in their shape."""
        values, is_single = self._values_of(y, owner)
        found = self._shown(function(values))
        return found[..., 0] if is_single else found

    def _values_of(self, y: Any, owner: str) -> tuple[np.ndarray, bool]:
        """Return y as (n_samples, n_targets, n_values), and whether it is one value per row."""
        values = floats_of(y, "y")
        if np.isnan(values).any():
            raise ValueError(
                f"{owner} needs y without NaN; {some_of(np.isnan(values), 'value', 'are missing')}."
                " Leave these rows out."
            )
        base: tuple[int, ...] = self._shape[:1] if self.is_column else self._shape
        axes = len(base)
        fits = values.shape[:axes] == base or (
            values.ndim == axes + 1 and values.shape[:axes] == (1, *base[1:])
        )
        if values.ndim and not (fits and values.ndim <= axes + 1):
            names = "n_samples" if self.is_column else "n_samples, n_targets"
            raise ValueError(
                f"{owner} needs y of shape (), ({names}) or ({names}, n_values), where n_samples"
                f" is {base[0]}{'' if self.is_column else f' and n_targets {base[1]}'}; got"
                f" {values.shape}. Give one value per row, or values for all rows with the shape"
                f" ({', '.join(map(str, (1, *base[1:])))}, n_values)."
            )
        is_single = values.ndim <= axes
        wide = values[..., None] if is_single else values
        wide = wide[:, None] if self.is_column and values.ndim else wide
        shape = (*self._shape, wide.shape[-1])
        return np.array(np.broadcast_to(wide, shape)), is_single
