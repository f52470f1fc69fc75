"""Find a digit among clutter: which pixels belong to it, and which box holds it.

Run it with

    python examples/segmentation_and_boxes.py
    python examples/segmentation_and_boxes.py --picture canvases.png    draws predictions
    python examples/segmentation_and_boxes.py --splits 5    prints means over five splits

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

Every canvas of 40 x 40 pixels has one whole digit of MNIST at a random place and size, among noise,
strokes and pieces of other digits that are as bright as the digit itself. So brightness alone says
nothing: look at the score of "all bright pixels". The mask has two classes, digit and background,
because the question is where the digit is; image_classification.py asks which digit it is. Test
canvases consist of digits and pieces that are on no training canvas. The losses are compared by
intersection over union, the estimators' own `score`: of the pixels that the truth or the prediction
assigns to a class, the share that both assign to it.
"""

import argparse
import textwrap
import time
from typing import NamedTuple

import numpy as np
import pandas as pd
from data import mnist_5000
from scipy import ndimage
from sklearn.model_selection import train_test_split
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import NeuralBoxRegressor, NeuralSegmenter

# Height and width of a canvas, in pixels.
SIZE = 40
# Canvases per step.
BATCH = 32
# Half-open ranges of the clutter on a canvas.
STROKES, PIECES = (1, 4), (2, 5)
MASK_EPOCHS, BOX_EPOCHS = 4, 12
MASK_LOSSES, BOX_LOSSES = ("cross_entropy", "dice"), ("giou", "mse")


class Canvases(NamedTuple):
    """Images with their masks and boxes.

    Attributes
    ----------
    X : ndarray of shape (n, SIZE, SIZE)
        Integers from 0 to 255.
    masks : ndarray of shape (n, SIZE, SIZE)
        "digit" or "background".
    boxes : ndarray of shape (n, 4)
        x1, y1, x2, y2 of the digit.
    """

    X: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray


def canvases(digits: np.ndarray, seed: int) -> Canvases:
    """Return a canvas for each digit, with pieces of the others as clutter."""
    rng = np.random.default_rng(seed)
    X = np.empty((len(digits), SIZE, SIZE), dtype=np.uint8)
    shown, boxes = np.zeros(X.shape, dtype=bool), np.empty((len(digits), 4))
    for row, digit in enumerate(digits):
        canvas = cluttered(digits, rng)
        shown[row], boxes[row] = placed(digit, canvas, rng)
        X[row] = canvas.astype(np.uint8)
    return Canvases(X, np.where(shown, "digit", "background"), boxes)


def cluttered(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a canvas of noise with a few strokes and pieces of digits."""
    canvas = rng.normal(20, 20, (SIZE, SIZE)).clip(0, 255)
    for _ in range(rng.integers(*STROKES)):
        np.maximum(canvas, stroke(rng), out=canvas)
    for _ in range(rng.integers(*PIECES)):
        piece = part_of(ink_of(digits[rng.integers(len(digits))]), rng)
        where = anywhere(piece.shape, rng)
        np.maximum(canvas[where], piece, out=canvas[where])
    return canvas


def placed(
    digit: np.ndarray, canvas: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[int]]:
    """Draw a digit somewhere on a canvas, and return which pixels it covers and its box."""
    larger = ndimage.zoom(ink_of(digit).astype(float), rng.uniform(0.7, 1.2), order=1)
    larger = larger[:SIZE, :SIZE]
    where = anywhere(larger.shape, rng)
    covers = larger >= 128
    # A dark rim separates the digit from the clutter behind it.
    under = np.where(larger < 20, canvas[where], 0)
    canvas[where] = np.where(covers, larger, np.maximum(under, larger))
    shown = np.zeros(canvas.shape, dtype=bool)
    shown[where] = covers
    rows, columns = np.nonzero(shown)
    return shown, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def ink_of(digit: np.ndarray) -> np.ndarray:
    """Return a digit without its empty border."""
    rows, columns = np.nonzero(digit)
    return digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def part_of(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a piece whose height and width are 4 to 7 pixels."""
    sides = np.minimum(ink.shape, rng.integers(4, 8, 2))
    top, left = rng.integers(np.array(ink.shape) - sides + 1)
    return ink[top : top + sides[0], left : left + sides[1]]


def anywhere(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    """Return a random place on a canvas for a given height and width."""
    top, left = rng.integers(SIZE - np.array(shape) + 1)
    return slice(top, top + shape[0]), slice(left, left + shape[1])


def stroke(rng: np.random.Generator) -> np.ndarray:
    """Return a bent stroke, as thick as a digit's."""
    start, angle, bend = rng.uniform(0, SIZE, 2), rng.uniform(0, 2 * np.pi), rng.normal(0, 0.03)
    along = np.linspace(0, rng.uniform(5, 12), 60)
    direction = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-direction[1], direction[0]])
    points = start + np.outer(along, direction) + np.outer(bend * along**2, across)
    points = points[((points >= 0) & (points < SIZE)).all(1)].astype(int)
    layer = np.zeros((SIZE, SIZE))
    layer[points[:, 0], points[:, 1]] = 1
    layer = ndimage.gaussian_filter(layer, 0.8)
    return layer * (rng.uniform(150, 255) / layer.max())


def rise_and_fall(n_canvases: int, epochs: int) -> dict:
    """Return the settings of one cycle of the learning rate over all steps."""
    steps = epochs * -(-n_canvases // BATCH)
    cycle = LRScheduler(OneCycleLR, max_lr=0.004, total_steps=steps, step_every="batch")
    stop = {"max_epochs": epochs, "n_iter_no_change": epochs}
    return {"lr": 0.004 / 25, "batch_size": BATCH, "callbacks": [cycle], **stop}


def segmenter(loss: str, n_canvases: int) -> NeuralSegmenter:
    """Return a U-Net of half the default widths."""
    return NeuralSegmenter(
        loss,
        module_params={"channels": (8, 16, 32)},
        random_state=0,
        **rise_and_fall(n_canvases, MASK_EPOCHS),
    )


def box_regressor(loss: str, n_canvases: int) -> NeuralBoxRegressor:
    """Return a locator of three quarters of the default widths."""
    return NeuralBoxRegressor(
        loss,
        module_params={"channels": (12, 24, 48)},
        random_state=0,
        **rise_and_fall(n_canvases, BOX_EPOCHS),
    )


def split_canvases(digits: np.ndarray, split: int) -> tuple[Canvases, Canvases]:
    """Return training and test canvases, which share no digits."""
    parts = train_test_split(digits, test_size=0.2, random_state=split)
    return canvases(parts[0], seed=2 * split), canvases(parts[1], seed=2 * split + 1)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Return intersection over union of two sets of pixels."""
    return float((one & other).sum() / (one | other).sum())


def mask_row(loss: str, train: Canvases, test: Canvases) -> tuple[NeuralSegmenter, dict]:
    start = time.perf_counter()
    model = segmenter(loss, len(train.X)).fit(train.X, train.masks)
    seconds = time.perf_counter() - start
    digits = iou(model.predict(test.X) == "digit", test.masks == "digit")
    mean = model.score(test.X, test.masks)
    return model, {"mean IoU": mean, "IoU of the digit": digits, "seconds": seconds}


def box_row(loss: str, train: Canvases, test: Canvases) -> tuple[NeuralBoxRegressor, dict]:
    start = time.perf_counter()
    model = box_regressor(loss, len(train.X)).fit(train.X, train.boxes)
    seconds = time.perf_counter() - start
    return model, {"mean IoU": model.score(test.X, test.boxes), "seconds": seconds}


def bright_row(test: Canvases) -> dict:
    """Return the scores of masks of all bright pixels."""
    bright, digit = test.X >= 128, test.masks == "digit"
    mean = (iou(bright, digit) + iou(~bright, ~digit)) / 2
    return {"mean IoU": mean, "IoU of the digit": iou(bright, digit), "seconds": 0.0}


def same_box_row(train: Canvases, test: Canvases) -> dict:
    """Return the score of predicting the mean box of the training canvases."""
    box = train.boxes.mean(0)
    first = np.maximum(box[:2], test.boxes[:, :2])
    both = (np.minimum(box[2:], test.boxes[:, 2:]) - first).clip(min=0).prod(1)
    areas = (test.boxes[:, 2:] - test.boxes[:, :2]).prod(1)
    return {"mean IoU": (both / (areas + (box[2:] - box[:2]).prod() - both)).mean(), "seconds": 0.0}


def print_table(title: str, rows: dict[str, dict]) -> None:
    table = pd.DataFrame.from_dict(rows, orient="index")
    formats = {"seconds": "{:.0f}".format}
    print(f"\n{title}\n")
    print(table.to_string(formatters=formats, float_format="{:.3f}".format), flush=True)


def compare(picture: str | None) -> None:
    """Fit every loss once and print its scores on test canvases."""
    train, test = split_canvases(mnist_5000()[0], 0)
    print(f"{len(train.X)} training canvases, {len(test.X)} test canvases with other digits")
    masks = {loss: mask_row(loss, train, test) for loss in MASK_LOSSES}
    rows = {"all bright pixels": bright_row(test)} | {k: row for k, (_, row) in masks.items()}
    print_table("Masks: digit or background", rows)
    boxes = {loss: box_row(loss, train, test) for loss in BOX_LOSSES}
    rows = {"always the mean box": same_box_row(train, test)}
    print_table("Boxes", rows | {k: row for k, (_, row) in boxes.items()})
    print_conclusion(masks, boxes)
    if picture:
        draw(picture, test, masks["dice"][0], boxes["giou"][0])


def print_conclusion(masks: dict, boxes: dict) -> None:
    mask = {loss: row["IoU of the digit"] for loss, (_, row) in masks.items()}
    box = {loss: row["mean IoU"] for loss, (_, row) in boxes.items()}
    text = (
        f"Trained on dice, the IoU of the digit is {mask['dice']:.3f}, on cross_entropy"
        f" {mask['cross_entropy']:.3f}. Boxes trained on giou, which is the overlap itself, reach"
        f" {box['giou']:.3f}; on mse, which treats their four numbers separately,"
        f" {box['mse']:.3f}."
    )
    print("\n" + textwrap.fill(text, width=90))


def print_splits(n_splits: int) -> None:
    """Print the scores of both estimators on several splits, and their means."""
    digits, rows = mnist_5000()[0], {}
    for split in range(n_splits):
        train, test = split_canvases(digits, split)
        row = {"masks, dice": mask_row("dice", train, test)[1]["mean IoU"]}
        row["masks, cross_entropy"] = mask_row("cross_entropy", train, test)[1]["mean IoU"]
        rows[f"split {split}"] = row | {
            f"boxes, {loss}": box_row(loss, train, test)[1]["mean IoU"] for loss in BOX_LOSSES
        }
        print(rows[f"split {split}"], flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.loc["mean"] = table.mean()
    print("\nMean IoU on test canvases\n")
    print(table.to_string(float_format="{:.4f}".format))


def draw(path: str, test: Canvases, masks: NeuralSegmenter, boxes: NeuralBoxRegressor) -> None:
    """Draw canvases with true and predicted masks and boxes into a file."""
    import matplotlib.pyplot as plt

    n = 12
    predicted, corners = masks.predict(test.X[:n]), boxes.predict(test.X[:n])
    figure, axes = plt.subplots(3, n, figsize=(1.3 * n, 4))
    for column in range(n):
        pictures = (test.X[column], test.masks[column] == "digit", predicted[column] == "digit")
        for axis, pixels in zip(axes[:, column], pictures, strict=True):
            axis.imshow(pixels, cmap="gray")
            axis.set_axis_off()
        for box, colour in ((test.boxes[column], "lime"), (corners[column], "red")):
            (x1, y1), (x2, y2) = box[:2] - 0.5, box[2:] - 0.5
            axes[0, column].plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], colour, lw=1)
    figure.suptitle("canvas with true (green) and predicted (red) box; true mask; predicted mask")
    figure.savefig(path, dpi=110, bbox_inches="tight")
    print(f"\n{path} shows canvases, boxes and masks.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", metavar="FILE", help="draw predictions into this file")
    parser.add_argument(
        "--splits", type=int, help="print scores on this many splits, and their means"
    )
    given = parser.parse_args()
    if given.splits:
        print_splits(given.splits)
    else:
        compare(given.picture)


if __name__ == "__main__":
    main()
