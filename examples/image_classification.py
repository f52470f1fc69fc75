"""Classify images with losses that withstand wrong labels: 30 % of the training labels are wrong.

Run it with

    python examples/image_classification.py

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]". The digits come with
it. Fashion-MNIST is a package of Debian and Ubuntu, which needs no root to unpack:

    apt-get download dataset-fashion-mnist && dpkg-deb -x dataset-fashion-mnist_*.deb fashion
    python examples/image_classification.py --fashion fashion/usr/share/datasets/fashion-mnist

Without it the example uses the digits only.

Images go in as they are, integers from 0 to 255 in an array (n, 28, 28), and the network is
`module="cnn"`. In the training rows 30 % of the labels are replaced by another class; test labels
are right. Look at cross_entropy first: it classifies new images well until it has had the time to
memorise the wrong labels. Then compare the losses after equal epochs, and stopped early by
validation rows that have wrong labels, too.

At the end a network of torchvision learns the digits, where that is installed.
"""

import argparse
import functools
import textwrap

import numpy as np
import pandas as pd
import torch
from data import fashion_mnist, mnist_5000
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier

LOSSES = ("cross_entropy", "mse", "focal", "gce")
NOISE_RATE, EPOCHS = 0.3, 14
GARMENTS = 3_000
STOPPED = {"early_stopping": True, "n_iter_no_change": 3}
N_COLOURED, RESNET_EPOCHS = 1_000, 3


def network(loss: str, **params: object) -> NeuralClassifier:
    """Return the default convolutional network, trained with Adam."""
    settings = {"max_epochs": EPOCHS, "random_state": 0, **params}
    return NeuralClassifier(loss, module="cnn", optimizer="adam", **settings)


def relabelled(y: np.ndarray, seed: int) -> np.ndarray:
    """Return labels, each replaced by a random other class with probability NOISE_RATE."""
    rng = np.random.default_rng(seed)
    classes, index = np.unique(y, return_inverse=True)
    moved = (index + rng.integers(1, len(classes), len(y))) % len(classes)
    return classes[np.where(rng.random(len(y)) < NOISE_RATE, moved, index)]


def compare(X: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Return one row per loss: accuracy on new images after all epochs and stopped early."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    noisy = relabelled(y_train, seed=0)
    rows = {}
    for loss in LOSSES:
        trained = network(loss).fit(X_train, noisy)
        stopped = network(loss, **STOPPED).fit(X_train, noisy)
        rows[loss] = {
            f"{EPOCHS} epochs": trained.score(X_test, y_test),
            "stopped early": stopped.score(X_test, y_test),
            "after epochs": len(stopped.history_),
            "wrong labels learnt": (trained.predict(X_train) == noisy)[noisy != y_train].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def accuracy_without_noise(X: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy of cross_entropy on new images when all training labels are right."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    return network("cross_entropy").fit(X_train, y_train).score(X_test, y_test)


def print_table(name: str, table: pd.DataFrame) -> None:
    print(f"{name}, {NOISE_RATE:.0%} of the training labels wrong: accuracy on new images\n")
    formats = {"after epochs": "{:.0f}".format}
    print(table.to_string(formatters=formats, float_format="{:.3f}".format), flush=True)


def print_conclusion(table: pd.DataFrame, clean: float) -> None:
    trained, stopped = table[f"{EPOCHS} epochs"], table["stopped early"]
    learnt = table["wrong labels learnt"]
    text = (
        f"With right labels the accuracy of cross_entropy is {clean:.1%}. With wrong labels it is"
        f" {trained['cross_entropy']:.1%} after {EPOCHS} epochs, when the network has memorised"
        f" {learnt['cross_entropy']:.0%} of the wrong labels; {trained.idxmax()} has an accuracy of"
        f" {trained.max():.1%} and has memorised {learnt[trained.idxmax()]:.0%}. Stopped early,"
        f" cross_entropy has {stopped['cross_entropy']:.1%} and the best, {stopped.idxmax()},"
        f" {stopped.max():.1%}."
    )
    print("\n" + textwrap.fill(text, width=90) + "\n", flush=True)


def report(name: str, X: np.ndarray, y: np.ndarray) -> None:
    table = compare(X, y)
    print_table(name, table)
    print_conclusion(table, accuracy_without_noise(X, y))


@functools.cache
def operators_of_torchvision() -> torch.library.Library | None:
    """Import torchvision; declare, and keep, what it needs of operators built for another torch."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None


def report_resnet(X: np.ndarray, y: np.ndarray) -> None:
    """Print the accuracy of a network of torchvision, trained from scratch on moved images."""
    operators_of_torchvision()
    from torchvision.models import resnet18
    from torchvision.transforms import v2

    rows = train_test_split(X, y, train_size=N_COLOURED, test_size=N_COLOURED, random_state=0)
    X_train, X_test = (np.stack([images] * 3, axis=1) for images in rows[:2])
    model = NeuralClassifier(
        module=resnet18,
        augment=v2.RandomAffine(10, translate=(0.05, 0.05)),
        max_epochs=RESNET_EPOCHS,
        batch_size=50,
        random_state=0,
    ).fit(X_train, rows[2])
    print(
        f"resnet18 of torchvision, {RESNET_EPOCHS} epochs on {N_COLOURED} digits that are turned and"
        f" shifted differently in each: accuracy {model.score(X_test, rows[3]):.1%}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion", metavar="FOLDER", help="the folder of Fashion-MNIST")
    folder = parser.parse_args().fashion
    report("Digits", *mnist_5000())
    try:
        report_resnet(*mnist_5000())
    except ModuleNotFoundError as error:
        print(f"{error}: a network of torchvision is left out.\n")
    try:
        garments = fashion_mnist(folder, GARMENTS)
    except FileNotFoundError as error:
        print(error)
    else:
        report("Garments", *garments)


if __name__ == "__main__":
    main()
