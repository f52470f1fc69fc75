"""one_standard_error: refit the simplest candidate among those as good as the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .cv_results import last_iteration, scores_of
from .metric import metric_of
from .resampled_tests import spread_of


def one_standard_error(cv_results: Mapping[str, Any], *, metric: str | None = None) -> int:
    """Return the simplest candidate whose mean score is within one standard error of the best.

    Use it as ``refit=one_standard_error`` in any search.  The simplest candidate has the fewest
    trained parameters, the column ``n_parameters`` of `LossSearchCV`.  Among equals, and in
    searches without that column, it is the first in the grid, so list simple settings first.

    Parameters
    ----------
    cv_results : dict
        ``cv_results_``, which the search passes.  After successive halving, the last iteration
        counts.
    metric : str or None, default=None
        The metric that decides, if the search has several:
        ``refit=functools.partial(one_standard_error, metric="f1_macro")``.

    Returns
    -------
    int
        The row of the candidate, which becomes ``best_index_``.

    Raises
    ------
    TypeError
        If `cv_results` is not the table of a search.
    ValueError
        If there are several metrics and none is given, or if no candidate has a score on every
        split.

    Notes
    -----
    The standard error is that of the best candidate's mean, ``s / sqrt(n)`` over n splits, as in
    [1]_.  The true error is larger, because splits share training rows; `compare_losses` corrects
    for that, but this rule follows the literature.  Do not use it with repeated splits, where n
    grows without more information.  As with every callable ``refit``, the search has no
    ``best_score_``.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression Trees",
       1984, section 3.4.3.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import LossSearchCV, NeuralRegressor, one_standard_error
    >>> X, y = load_diabetes(return_X_y=True)
    >>> grid = {"hidden_layer_sizes": [(64,), (4,)]}
    >>> net = NeuralRegressor(n_members=1, max_epochs=20, random_state=0)
    >>> search = LossSearchCV(net, grid, cv=5, refit=one_standard_error).fit(X, y)
    >>> search.best_params_["hidden_layer_sizes"] in [(64,), (4,)]
    True
    """
    owner = "one_standard_error"
    _check(cv_results, owner)
    try:
        column = metric_of(cv_results, None, metric, owner).column
    except ValueError as error:
        if metric is not None:
            raise
        raise ValueError(
            f"{error} Write refit=functools.partial(one_standard_error, metric=...)."
        ) from error
    rows = last_iteration(cv_results)
    scores = scores_of(cv_results, column)[rows]
    has_all = np.isfinite(scores).all(axis=1, keepdims=True)
    means = np.where(has_all, scores, np.nan).mean(axis=1)
    if np.isnan(means).all():
        raise ValueError(
            f"{owner} needs a candidate with a score on every split; all {len(rows)} have failed."
            " Search with error_score='raise' to see why."
        )
    best = int(np.nanargmax(means))
    enough = np.flatnonzero(means >= means[best] - _standard_error(scores[best]))
    sizes = np.asarray(cv_results.get("n_parameters", np.zeros(rows.max() + 1)), dtype=float)
    # Unknown sizes come last.
    sizes = np.nan_to_num(sizes[rows[enough]], nan=np.inf)
    return int(rows[enough[np.argmin(sizes)]])


def _check(cv_results: Any, owner: str) -> None:
    if isinstance(cv_results, Mapping) or hasattr(cv_results, "columns"):
        return
    raise TypeError(
        f"{owner} takes the dict cv_results_ of a search; got {type(cv_results).__name__}. Write"
        f" refit={owner}, or call it with search.cv_results_."
    )


def _standard_error(scores: np.ndarray) -> float:
    """Return the plain standard error of a mean over splits; 0 with one split."""
    n_splits = len(scores)
    return float(spread_of(scores, ddof=1) / np.sqrt(n_splits)) if n_splits > 1 else 0.0
