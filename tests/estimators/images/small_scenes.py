"""Small images whose masks and boxes are known: bright rectangles in noise; a small segmenter."""

import numpy as np
from sklearn.utils import estimator_checks as checks

from sklloss import NeuralSegmenter
from sklloss.losses.listing import losses_of

SMALL = {"module_params": {"channels": (3, 4)}, "lr": 0.01, "max_epochs": 4, "random_state": 0}
CHECKS = [  # those of scikit-learn that give an estimator no table to learn from
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_sparse_array,
    checks.check_estimator_sparse_matrix,
    checks.check_estimator_tags_renamed,
    checks.check_estimators_unfitted,
    checks.check_fit1d,
    checks.check_get_params_invariance,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_parameters_default_constructible,
    checks.check_requires_y_none,
    checks.check_set_params,
    checks.check_valid_tag_types,
]
PER_PIXEL = [cls.name for cls in losses_of("segmentation") if not cls.whole_batch]


def scenes(n=40, height=12, width=10, seed=0):
    """Return images (n, height, width), masks of 0 and 1, and boxes (n, 4)."""
    rng = np.random.default_rng(seed)
    size = rng.integers(3, 7, (n, 2))
    corner = (rng.random((n, 2)) * ((width, height) - size + 1)).astype(int)
    boxes = np.column_stack((corner, corner + size)).astype(float)
    masks = np.zeros((n, height, width), dtype=np.int64)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks + rng.normal(0, 0.3, masks.shape), masks, boxes


def segmenter(loss="cross_entropy", **params):
    return NeuralSegmenter(loss, **{**SMALL, **params})


def three_classes(n=40, seed=0):
    """Return images and masks of three classes: ground, and two kinds of object by the place in the
    image."""
    X, y, _ = scenes(n, seed=seed)
    rows = np.arange(y.shape[1])[None, :, None]
    return X, np.where(y == 1, 1 + (rows > 5), 0)
