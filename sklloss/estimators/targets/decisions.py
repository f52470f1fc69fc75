"""From probabilities to the label that a metric of decisions asks for."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score

# Powers of the prior that are tried: 0 is the likeliest class, 1 the likelihood of the features.
POWERS = np.linspace(0, 1, 21)


def best_offsets(probability: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Return offsets ``power * log(prior)`` with which the argmax has the largest macro-F1.

    The macro-F1 of an argmax is poor where classes are rare, because these are seldom likeliest.
    Offsets in proportion to the log prior have one parameter only, whatever the number of classes,
    so that a few hundred rows determine it (Menon et al., "Long-tail learning via logit
    adjustment", 2021).

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_targets, n_classes)
        Out-of-fold probabilities, NaN in rows that were not held out.
    y : ndarray of shape (n_samples, n_targets)
        Class indices.
    sample_weight : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_targets, n_classes)
        Of equally good powers the smallest counts.
    """
    known = ~np.isnan(probability).any((1, 2))
    probability, y, sample_weight = probability[known], y[known], sample_weight[known]
    classes = np.arange(probability.shape[2])
    is_class = y[..., None] == classes
    prior = np.average(is_class, axis=0, weights=sample_weight)
    log_prior = np.log(np.maximum(prior, np.finfo(np.float64).tiny))
    with np.errstate(divide="ignore"):
        log_probability = np.log(probability)
    given = {"average": "macro", "sample_weight": sample_weight, "zero_division": 0}
    scores = []
    for power in POWERS:
        chosen = (log_probability - power * log_prior).argmax(-1)
        if y.shape[1] == 1:
            scores.append(f1_score(y[:, 0], chosen[:, 0], labels=classes, **given))
        else:
            scores.append(f1_score(y, chosen, **given))
    return POWERS[int(np.argmax(scores))] * log_prior
