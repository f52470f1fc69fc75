"""compare_losses: tests whether one candidate of a search is better than another."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError

from ...parameters.domains import Interval, check_in_domain
from .cv_results import last_iteration, scores_of
from .labels import distinct, labels_of, losses_of
from .metric import Metric, metric_of
from .phrases import LEAST_P, decimals, listed, significant, wrapped
from .resampled_tests import corrected_t, p_of_pairs, practical_probabilities, spread_of
from .split_sizes import OPEN_UNIT, ratio_of_rows
from .verdict import Verdict

ROPE = Interval(0)
# Share of the best mean score that counts as no difference in practice.
ROPE_SHARE = 0.01
# Rows of the table that are printed.
MOST_ROWS = 20
# Columns that the best candidate has no values in.
TESTS = ["p_holm", "worse", "equivalent", "better"]
PRINTED = {
    "candidate": "candidate",
    "mean": "mean",
    "std": "std",
    "difference": "difference",
    "ahead": "best ahead",
    "p_holm": "p (Holm)",
    "worse": "P(worse)",
    "equivalent": "P(equivalent)",
    "better": "P(better)",
    "tied": "tied",
}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Tests of the best candidate of a search against the others, as `compare_losses` returns.

    It prints as a table with a sentence.

    Attributes
    ----------
    metric : str
        The metric, without ``neg_``; means and differences are in its units.
    rope : float
        Differences up to this size count as equivalent in practice.
    alpha : float
        Significance level of the tests.
    n_splits : int
        Number of scores per candidate.
    failed : list of str
        Candidates that are left out because they have no score on some split.
    verdict : str
        The result in a sentence.
    """

    metric: str
    rope: float
    alpha: float
    n_splits: int
    failed: list[str]
    verdict: str
    _frame: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the table, best candidate first.

        Returns
        -------
        DataFrame
            Its index is the row of ``cv_results_``; its columns are

            - ``candidate`` and ``loss``: label, and name of the loss (None without one);
            - ``mean``, ``std``: of the score over splits, ``std`` as in ``cv_results_``;
            - ``difference``: the mean minus the best mean;
            - ``ahead``: number of splits on which the best candidate has the better score;
            - ``t``, ``p``: corrected resampled t-test against the best, two-sided;
            - ``p_holm``: the same p, corrected by Holm for all pairs of candidates;
            - ``worse``, ``equivalent``, ``better``: probabilities that the candidate is worse than
              the best by more than `rope`, within it, or better by more;
            - ``tied``: whether the candidate cannot be told from the best; False for the best;
            - ``params``: as in ``cv_results_``.

            Tests have NaN for the best candidate, and for all where there is only one split.
        """
        return self._frame.copy()

    @property
    def best(self) -> str:
        """The label of the candidate with the best mean score."""
        return self._frame["candidate"].iloc[0]

    @property
    def tied(self) -> list[str]:
        """Labels of the candidates that cannot be told from the best."""
        return self._frame["candidate"][self._frame["tied"]].tolist()

    def __repr__(self) -> str:
        table = self._printed().to_string(index=False)
        return "\n".join([self._caption(), table, *self._left_out(), "", wrapped(self.verdict)])

    def _repr_html_(self) -> str:
        rows = self._printed().to_html(index=False, border=0)
        notes = "".join(f"<p>{html.escape(text)}</p>" for text in self._left_out())
        caption, verdict = html.escape(self._caption()), html.escape(self.verdict)
        return f"<div><p>{caption}</p>{rows}{notes}<p><strong>{verdict}</strong></p></div>"

    def _caption(self) -> str:
        splits = f"{self.n_splits} split{'s' * (self.n_splits != 1)}"
        return f"{self.metric} on {splits}; equivalent within {significant(self.rope)}"

    def _printed(self) -> pd.DataFrame:
        """Return the rows that are printed, as text."""
        shown = self._frame.head(MOST_ROWS)
        std = self._frame["std"]
        number = f"{{:.{decimals(std[std > 0].min())}f}}".format
        texts = {name: shown[name].map(number) for name in ("mean", "std", "difference")}
        texts |= {name: shown[name].map("{:.2f}".format) for name in TESTS[1:]}
        texts["p_holm"] = shown["p_holm"].map(lambda p: f"{p:.3f}" if p >= LEAST_P else "<0.001")
        texts["ahead"] = shown["ahead"].map(lambda n: f"{n} of {self.n_splits}")
        texts["tied"] = shown["tied"].map({True: "yes", False: "no"})
        table = shown.assign(**texts)[list(PRINTED)]
        table.iloc[0, table.columns.get_indexer(["ahead", "tied", *TESTS])] = ""
        if self.n_splits == 1:
            table = table.drop(columns=[*TESTS, "tied"])
        return table.rename(columns=PRINTED)

    def _left_out(self) -> list[str]:
        """Return what the printed table does not show."""
        n_more = len(self._frame) - MOST_ROWS
        texts = [f"... and {n_more} more: to_frame() has all."] if n_more > 0 else []
        if self.failed:
            texts.append(f"Failed and left out: {listed(self.failed)}.")
        return texts


def compare_losses(
    search: Any,
    *,
    metric: str | None = None,
    rope: float | str = "auto",
    alpha: float = 0.05,
    test_size: float | None = None,
) -> Comparison:
    """Test whether the best candidate of a search is really better than the others.

    The scores of a search on different splits are correlated, because splits share training rows.
    A plain t-test, or a test of ranks over splits, is too confident; the tests here are corrected.

    Parameters
    ----------
    search : fitted search, or its ``cv_results_`` as a dict or DataFrame
        `LossSearchCV`, or any search of scikit-learn.  After successive halving, the candidates of
        the last iteration are compared.  With several seeds, a score is the mean over seeds.
    metric : str or None, default=None
        The metric to compare by, if the search has several; None takes that of ``refit``.
    rope : float >= 0 or "auto", default="auto"
        Region of practical equivalence: differences of mean scores up to this size, in units of the
        metric, do not count.  "auto" is 1 % of the best mean score.
    alpha : float in (0, 1), default=0.05
        Significance level: the probability of calling any candidate worse than the best if there is
        no difference at all.
    test_size : float in (0, 1) or None, default=None
        Share of test rows in a split.  None takes it from the search's ``cv``, which is not
        possible for a table, `TimeSeriesSplit` and splitters of other libraries.

    Returns
    -------
    Comparison
        The result, which prints as a table with a sentence.

    Raises
    ------
    NotFittedError
        If the search is not fitted.
    ValueError
        If there is no such metric, if `rope`, `alpha` or `test_size` is outside its range, if
        `test_size` is needed, or if all candidates failed.

    Notes
    -----
    Two candidates are compared by the corrected resampled t-test [1]_: over n splits,
    ``t = mean / sqrt(variance (1/n + test rows / training rows))``, with n - 1 degrees of freedom.
    Because the best candidate was selected by these scores, p is corrected by Holm's method for all
    pairs of candidates; a correction only for the pairs with the best would give false alarms.  The
    probabilities are those of the Bayesian correlated t-test [2]_.  Under its assumptions they need
    no correction for the number of candidates, but they do not account for the selection of the
    best either.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning,
       2003.
    .. [2] A. Benavoli, G. Corani, J. Demsar and M. Zaffalon, "Time for a change: a tutorial for
       comparing multiple classifiers through Bayesian analysis", JMLR, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklloss import compare_losses
    >>> X, y = load_diabetes(return_X_y=True)
    >>> grid = {"alpha": [0.01, 0.1, 1000.0]}
    >>> search = GridSearchCV(Ridge(), grid, scoring="neg_mean_absolute_error", cv=10).fit(X, y)
    >>> compared = compare_losses(search)
    >>> print(compared.verdict)
    alpha=0.01 leads ...
    >>> compared.tied
    ['alpha=0.1']
    """
    owner = "compare_losses"
    _check(alpha, rope, owner)
    table, source = _table_of(search, owner)
    metric_ = metric_of(table, source, metric, owner)
    if "params" not in table:
        raise ValueError(f"{owner} needs the column params of cv_results_; got {list(table)}.")
    named, scores = _candidates(table, metric_.column)
    finished = np.isfinite(scores).all(axis=1)
    if not finished.any():
        raise ValueError(
            f"{owner} needs a candidate with a score on every split; all {len(scores)} have failed."
            " Search with error_score='raise' to see why."
        )
    failed, named, scores = named["candidate"][~finished], named[finished], scores[finished]
    n_candidates, n_splits = scores.shape
    # Nothing is tested with one candidate or one split, so that nobody needs to know it.
    is_tested = n_candidates > 1 and n_splits > 1
    ratio = ratio_of_rows(source, n_splits, test_size, owner) if is_tested else 0.0
    width = ROPE_SHARE * abs(scores.mean(axis=1).max()) if rope == "auto" else float(rope)
    frame = _compared(named, scores, metric_, ratio, width, alpha)
    are_gone = n_candidates < len(table["params"])
    verdict = Verdict(frame, metric_.name, n_splits, width, alpha, are_gone).text()
    return Comparison(metric_.name, width, alpha, n_splits, failed.tolist(), verdict, frame)


def _check(alpha: Any, rope: Any, owner: str) -> None:
    check_in_domain(owner, "alpha", alpha, OPEN_UNIT, "The default is 0.05.")
    if not (rope in ROPE or (isinstance(rope, str) and rope == "auto")):
        raise ValueError(
            f"{owner} needs rope >= 0, in units of the metric, or 'auto'; got {rope!r}. With 0, no"
            " difference is too small to matter."
        )


def _table_of(search: Any, owner: str) -> tuple[Mapping[str, Any], Any]:
    """Return ``cv_results_``, and the search that it comes from or None."""
    if isinstance(search, pd.DataFrame):
        return search.to_dict("list"), None
    if isinstance(search, Mapping):
        return search, None
    if hasattr(search, "cv_results_"):
        return search.cv_results_, search
    if isinstance(search, type) or not hasattr(search, "fit"):
        kind = f"the class {search.__name__}" if isinstance(search, type) else type(search).__name__
        raise TypeError(f"{owner} needs a fitted search, or its cv_results_; got {kind}.")
    remedy = "Call fit first."
    if not hasattr(search, "scoring"):
        remedy = "Give a search, such as LossSearchCV or GridSearchCV."
    elif hasattr(search, "partial_results_"):
        remedy = "It ended early: give its partial_results_, with test_size."
    kind = type(search).__name__
    raise NotFittedError(f"{owner} needs cv_results_, and this {kind} has none. {remedy}")


def _candidates(table: Mapping[str, Any], column: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return candidate, loss and params by row of ``cv_results_``, and scores by split."""
    kept = last_iteration(table)
    settings = [table["params"][row] for row in kept]
    columns = {
        "candidate": distinct(labels_of(settings), list(kept)),
        "loss": pd.Series(losses_of(settings), dtype=object),
        "params": pd.Series(settings, dtype=object),
    }
    return pd.DataFrame(columns).set_index(kept), scores_of(table, column)[kept]


def _compared(
    named: pd.DataFrame,
    scores: np.ndarray,
    metric: Metric,
    ratio: float,
    rope: float,
    alpha: float,
) -> pd.DataFrame:
    """Return the table of `Comparison.to_frame`."""
    means = scores.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    named, scores, means = named.iloc[order], scores[order], means[order]
    differences = scores - scores[0]
    columns = {
        "mean": metric.shown(means),
        "std": spread_of(scores),
        "difference": metric.shown(means - means[0]),
        "ahead": (differences < 0).sum(axis=1),
        **_tested(scores, ratio, rope),
    }
    frame = named[["candidate", "loss"]].assign(**columns)
    frame["tied"] = ~(frame["p_holm"] <= alpha)
    frame.iloc[0, frame.columns.get_loc("tied")] = False
    return frame.assign(params=named["params"])


def _tested(scores: np.ndarray, ratio: float, rope: float) -> dict[str, np.ndarray]:
    """Return the tests of candidates against the first, NaN for itself and on a single split."""
    tests = {name: np.full(len(scores), np.nan) for name in ("t", "p", *TESTS)}
    if scores.shape[1] == 1:
        return tests
    differences = scores[1:] - scores[0]
    p, corrected = p_of_pairs(scores, ratio)
    probabilities = practical_probabilities(differences, ratio, rope)
    values = [corrected_t(differences, ratio)[0], p[0, 1:], corrected[0, 1:], *probabilities.T]
    for column, value in zip(tests.values(), values, strict=True):
        column[1:] = value
    return tests
