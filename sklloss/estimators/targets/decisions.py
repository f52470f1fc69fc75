"""From probabilities to the label that a metric of decisions asks for."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score

# Powers of the prior that are tried: 0 is the likeliest class, 1 the likelihood of the features.
POWERS = np.linspace(0, 1, 21)


def best_offsets(
    probability: np.ndarray, y: np.ndarray, row_weight: np.ndarray, sample_weight: np.ndarray
) -> np.ndarray:
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
    row_weight : ndarray of shape (n_samples,)
        What rows count in shares of classes and in the macro-F1.
    sample_weight : ndarray of shape (n_samples,)
        The same times weights of classes, which have changed the probabilities: offsets undo that.

    Returns
    -------
    ndarray of shape (n_targets, n_classes)
        Of equally good powers the smallest counts.
    """
    classes = np.arange(probability.shape[2])
    is_class = y[..., None] == classes
    mass = np.tensordot(row_weight, is_class, 1)
    weighted_mass = np.tensordot(sample_weight, is_class, 1)
    # A class without rows, as of a label that nobody has, has no offset.
    occurs = mass > 0
    log_prior = np.log(mass / row_weight.sum(), out=np.zeros(mass.shape), where=occurs)
    log_factor = np.log(np.divide(weighted_mass, mass, out=np.ones(mass.shape), where=occurs))
    log_factor -= log_factor[:, :1]
    known = ~np.isnan(probability).any((1, 2))
    probability, y, row_weight = probability[known], y[known], row_weight[known]
    with np.errstate(divide="ignore"):
        log_probability = np.log(probability) - log_factor
    given = {"average": "macro", "sample_weight": row_weight, "zero_division": 0}
    scores = []
    for power in POWERS:
        chosen = (log_probability - power * log_prior).argmax(-1)
        if y.shape[1] == 1:
            scores.append(f1_score(y[:, 0], chosen[:, 0], labels=classes, **given))
        else:
            scores.append(f1_score(y, chosen, **given))
    return POWERS[int(np.argmax(scores))] * log_prior + log_factor
