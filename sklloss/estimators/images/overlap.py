"""Scores of images: intersection over union of masks and of boxes."""

from __future__ import annotations

import numpy as np


def mean_iou(y: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return the mean over classes of intersection over union, counted over all pixels.

    Classes are those with a pixel in `y` or in `predicted`, of images whose weight is not 0; it
    equals scikit-learn's ``jaccard_score(average="macro")`` of all pixels.

    Parameters
    ----------
    y, predicted : ndarray of shape (n_samples, height, width)
        Labels.
    sample_weight : ndarray of shape (n_samples,)
        What a pixel of each image counts.
    """
    counted = sample_weight != 0
    y, predicted, weights = y[counted], predicted[counted], sample_weight[counted]
    labels = np.union1d(y, predicted)
    cells = np.searchsorted(labels, y) * len(labels) + np.searchsorted(labels, predicted)
    per_pixel = np.broadcast_to(weights[:, None, None], y.shape).ravel()
    counts = np.bincount(cells.ravel(), per_pixel, len(labels) ** 2).reshape(len(labels), -1)
    both = np.diag(counts)
    return float((both / (counts.sum(0) + counts.sum(1) - both)).mean())


def box_ious(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return intersection over union of each pair of boxes, (n_samples, 4) to (n_samples,)."""
    first = np.maximum(y[:, :2], predicted[:, :2])
    second = np.minimum(y[:, 2:], predicted[:, 2:])
    both = (second - first).clip(min=0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (y, predicted)]
    return both / (areas[0] + areas[1] - both)
