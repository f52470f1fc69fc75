"""Small images whose masks and boxes are known: bright rectangles in noise."""

import numpy as np


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
