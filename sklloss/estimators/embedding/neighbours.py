"""How well alike rows stand apart from others by their distances."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score


def recall_at_1(vectors: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return the share of rows whose nearest other row has their label.

    Parameters
    ----------
    vectors : ndarray of shape (n_samples, n_components)
    labels : ndarray of shape (n_samples,)
        A row whose label occurs once has no alike row and is left out; others may still find it.
    sample_weight : ndarray of shape (n_samples,)
        What each row counts.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If no label of a row with weight occurs twice.

    Examples
    --------
    >>> vectors = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [0.3, 1.0]])
    >>> recall_at_1(vectors, np.array(["a", "a", "b", "b"]), np.ones(4))
    0.75
    """
    from sklearn.neighbors import NearestNeighbors

    _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    asked = (counts[index] > 1) & (sample_weight > 0)
    if not asked.any():
        raise ValueError(
            f"recall@1 needs a label that occurs twice; each of the {len(counts)} labels of"
            f" {len(labels)} rows occurs once, or its rows have weight 0. Give more rows per label:"
            " in a search, cv=StratifiedKFold()."
        )
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(vectors)
    # Without a query, no row is its own neighbour.
    nearest = search.kneighbors(return_distance=False)[:, 0]
    return float(np.average((index[nearest] == index)[asked], weights=sample_weight[asked]))


def area_under_curve(
    left: np.ndarray, right: np.ndarray, is_alike: np.ndarray, sample_weight: np.ndarray
) -> float:
    """Return how often an alike pair of unit vectors has a larger cosine than an unlike one.

    That is the area under the ROC curve.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs, n_components)
    is_alike : ndarray of shape (n_pairs,)
    sample_weight : ndarray of shape (n_pairs,)

    Returns
    -------
    float
        In [0, 1]; 0.5 by chance.

    Raises
    ------
    ValueError
        If all pairs with weight are alike, or none.

    Examples
    --------
    >>> left, right = np.eye(2)[[0, 0, 1]], np.eye(2)[[0, 1, 1]]
    >>> area_under_curve(left, right, np.array([True, False, True]), np.ones(3))
    1.0
    """
    counted = is_alike[sample_weight > 0]
    if counted.all() or not counted.any():
        kind = "alike" if counted.all() else "unlike"
        raise ValueError(
            f"score needs alike and unlike pairs; all {len(counted)} are {kind}. Give some of the"
            " other kind: in a search, cv=StratifiedKFold()."
        )
    cosine = (left * right).sum(1, dtype=np.float64)
    return float(roc_auc_score(is_alike, cosine, sample_weight=sample_weight))
