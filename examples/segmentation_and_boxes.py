"""How do I find every pixel of an object, and its box?
====================================================

Each canvas has one whole digit at a random place and size, among noise, strokes and pieces of other
digits that are as bright as the digit itself. Which pixels belong to the digit, and which box holds
it? Look at the losses: ``"dice"`` and ``"giou"`` are made of the overlap that the score measures,
cross-entropy and the squared error are not. For boxes that matters, for these masks it does not.

Run it with ``python examples/segmentation_and_boxes.py``, or with ``--splits 5`` for means over
five splits; it needs the ``examples`` extra.
"""

# %%
# Canvases
# --------
# An image has 40 x 40 pixels, a mask the word "digit" or "background" for each of them, and a box
# is ``x1, y1, x2, y2``. Digits and pieces on test canvases are on no training canvas.
import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import cluttered_digits, mnist_5000
from sklearn.model_selection import train_test_split
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import NeuralBoxRegressor, NeuralSegmenter

parser = argparse.ArgumentParser(description="Find a digit among clutter.")
parser.add_argument("--splits", type=int, default=1, help="number of splits to average over")
n_splits = parser.parse_args().splits

N_TRAIN, N_TEST = 1_200, 300


def split(seed):
    """Return training and test canvases, which share no digits."""
    sizes = {"train_size": N_TRAIN, "test_size": N_TEST, "random_state": seed}
    train, test = train_test_split(mnist_5000()[0], **sizes)
    return cluttered_digits(train, seed=2 * seed), cluttered_digits(test, seed=2 * seed + 1)


def with_box(axis, box, colour):
    """Draw a box on an image."""
    (x1, y1), (x2, y2) = box[:2] - 0.5, box[2:] - 0.5
    axis.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], color=colour, linewidth=1.5)


train, test = split(seed=0)
print(f"X {train.X.shape} {train.X.dtype}, masks {train.masks.shape}, boxes {train.boxes.shape}")

figure, axes = plt.subplots(2, 6, figsize=(9, 3.2), layout="constrained")
for (above, below), image, mask, box in zip(axes.T, *train, strict=False):
    above.imshow(image, cmap="gray")
    below.imshow(mask == "digit", cmap="gray")
    with_box(below, box, "lime")
    above.set_axis_off()
    below.set_axis_off()

# %%
# Networks
# --------
# A U-Net of half the default widths for masks and a locator of three quarters of the default widths
# for boxes. The learning rate rises and falls once over all steps.


def one_cycle(epochs, batch_size=32):
    """Return the settings of one cycle of the learning rate."""
    steps = epochs * -(-N_TRAIN // batch_size)
    cycle = LRScheduler(OneCycleLR, max_lr=0.004, total_steps=steps, step_every="batch")
    run = {"max_epochs": epochs, "n_iter_no_change": epochs, "callbacks": [cycle]}
    return {"lr": 0.004 / 25, "batch_size": batch_size, "random_state": 0, **run}


def segmenter(loss):
    """Return an estimator of masks."""
    return NeuralSegmenter(loss, module_params={"channels": (8, 16, 32)}, **one_cycle(5))


def locator(loss):
    """Return an estimator of boxes."""
    return NeuralBoxRegressor(loss, module_params={"channels": (12, 24, 48)}, **one_cycle(16))


# %%
# Masks
# -----
# The score is the mean intersection over union (IoU): of the pixels that the truth or the
# prediction assigns to a class, the share that both assign to it. The first row is for comparison.


def iou(one, other):
    """Return intersection over union of two sets of pixels."""
    return (one & other).sum() / (one | other).sum()


splits = [split(seed) for seed in range(n_splits)]
of_masks, of_boxes = {}, {}
for train, test in splits:
    bright, digit = test.X >= 128, test.masks == "digit"
    found = [(iou(bright, digit) + iou(~bright, ~digit)) / 2, iou(bright, digit)]
    of_masks.setdefault("all bright pixels", []).append(found)
    for loss in ("cross_entropy", "dice"):
        masks = segmenter(loss).fit(train.X, train.masks)
        found = [masks.score(test.X, test.masks), iou(masks.predict(test.X) == "digit", digit)]
        of_masks.setdefault(loss, []).append(found)
of_masks = pd.DataFrame({name: np.mean(found, axis=0) for name, found in of_masks.items()}).T
of_masks.columns = ["mean IoU", "IoU of the digit"]
print(of_masks.to_string(float_format="{:.3f}".format))

# %%
# Boxes
# -----
# Here the score is the mean IoU of the boxes.


def box_iou(one, other):
    """Return intersection over union of boxes."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    both = sides.clip(min=0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (one, other)]
    return both / (sum(areas) - both)


for train, test in splits:
    same = np.tile(train.boxes.mean(0), (len(test.boxes), 1))
    of_boxes.setdefault("always the mean box", []).append(box_iou(same, test.boxes).mean())
    for loss in ("mse", "giou"):
        boxes = locator(loss).fit(train.X, train.boxes)
        of_boxes.setdefault(loss, []).append(boxes.score(test.X, test.boxes))
of_boxes = pd.Series({name: np.mean(found) for name, found in of_boxes.items()}, name="mean IoU")
print(of_boxes.to_frame().to_string(float_format="{:.3f}".format))

# %%
# Masks and boxes on new canvases
# -------------------------------
# Above, the true box (green) and the one found with ``"giou"`` (red); below, pixels found with
# ``"dice"``: right (white), missed (green) and too many (red).
predicted, corners = masks.predict(test.X[:8]) == "digit", boxes.predict(test.X[:8])
figure, axes = plt.subplots(2, 8, figsize=(11, 3.2), layout="constrained")
for k, (above, below) in enumerate(axes.T):
    above.imshow(test.X[k], cmap="gray")
    with_box(above, test.boxes[k], "lime")
    with_box(above, corners[k], "red")
    truth, mine = test.masks[k] == "digit", predicted[k]
    below.imshow(np.stack([mine, truth, mine & truth], axis=-1).astype(float))
    above.set_axis_off()
    below.set_axis_off()

# %%
# What was learnt
# ---------------
digit = of_masks["IoU of the digit"]
print(
    f"Trained on dice, the IoU of the digit is {digit['dice']:.3f}, on cross_entropy",
    f"{digit['cross_entropy']:.3f}; bright pixels alone have"
    f" {digit['all bright pixels']:.3f}. Boxes",
    f"trained on giou, which is made of the overlap, reach {of_boxes['giou']:.3f}, on mse, which",
    f"treats their four numbers separately, {of_boxes['mse']:.3f}.",
    sep="\n",
)
