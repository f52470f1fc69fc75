"""Check what the default convolutional network achieves on images, each figure beside its bar.

Figures are means over `train_test_split(test_size=.2, random_state=0..4)`. The sections are:

clean    5,000 digits of MNIST with right labels: accuracy on test rows, and the time of a fit
noise    the same digits with 30 % of the training labels wrong: accuracy on right test labels, of
         cross_entropy, mse, focal and gce, after equal epochs and stopped early by validation rows
         with wrong labels
fashion  5,000 garments of Fashion-MNIST, with right and with wrong labels, without bars

A label is wrong with probability .3 and is then any of the other nine classes. Only `loss`,
`max_epochs`, `random_state` and, where stated, `early_stopping` differ from the defaults.

    python benchmarks/images.py clean noise
    python benchmarks/images.py fashion --fashion fashion/usr/share/datasets/fashion-mnist
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import fashion_mnist, mnist_5000

LOSSES = ("cross_entropy", "mse", "focal", "gce")
NOISE_RATE = 0.3
CLEAN_EPOCHS, NOISE_EPOCHS, MOST_EPOCHS = 30, 30, 100
ACCURACY_BAR, SECONDS_BAR = 0.97, 120
GARMENTS = 5_000

Images = tuple[np.ndarray, np.ndarray]


def network(loss: str, seed: int, **params: object) -> NeuralClassifier:
    return NeuralClassifier(loss, module="cnn", random_state=seed, **params)


def relabelled(y: np.ndarray, seed: int) -> np.ndarray:
    """Return labels, each replaced by a random other class with probability NOISE_RATE."""
    rng = np.random.default_rng(seed)
    classes, index = np.unique(y, return_inverse=True)
    moved = (index + rng.integers(1, len(classes), len(y))) % len(classes)
    return classes[np.where(rng.random(len(y)) < NOISE_RATE, moved, index)]


def clean_accuracies(images: Images, splits: Sequence[int]) -> tuple[list[float], list[float]]:
    """Return accuracy and seconds of a fit for every split, with right labels."""
    accuracies, seconds = [], []
    for split in splits:
        X_train, X_test, y_train, y_test = train_test_split(
            *images, test_size=0.2, random_state=split
        )
        model, start = network("cross_entropy", split, max_epochs=CLEAN_EPOCHS), time.perf_counter()
        model.fit(X_train, y_train)
        seconds.append(time.perf_counter() - start)
        accuracies.append(model.score(X_test, y_test))
    return accuracies, seconds


def noisy_accuracy(images: Images, loss: str, split: int, **params: object) -> float:
    """Return the accuracy on right labels after training on wrong ones."""
    X_train, X_test, y_train, y_test = train_test_split(*images, test_size=0.2, random_state=split)
    model = network(loss, split, **params).fit(X_train, relabelled(y_train, split))
    return model.score(X_test, y_test)


def report_clean(images: Images, splits: Sequence[int], has_bars: bool = True) -> None:
    accuracies, seconds = clean_accuracies(images, splits)
    mean, most = np.mean(accuracies), max(seconds)
    print(f"cross_entropy, {CLEAN_EPOCHS} epochs: accuracy {shown(accuracies)}", end="")
    print(f"  bar {ACCURACY_BAR} {verdict(mean >= ACCURACY_BAR)}" if has_bars else "")
    print(f"seconds of a fit: at most {most:.0f}", end="")
    print(f"  bar {SECONDS_BAR} {verdict(most <= SECONDS_BAR)}" if has_bars else "", flush=True)


def report_noise(images: Images, splits: Sequence[int], has_bars: bool = True) -> None:
    print(f"{NOISE_RATE:.0%} wrong labels{f'{NOISE_EPOCHS} epochs':>16}{'stopped early':>44}")
    means = {}
    for loss in LOSSES:
        trained, stopped = (
            [noisy_accuracy(images, loss, split, **params) for split in splits]
            for params in (
                {"max_epochs": NOISE_EPOCHS, "early_stopping": False},
                {"max_epochs": MOST_EPOCHS, "early_stopping": True},
            )
        )
        means[loss] = np.mean(trained)
        print(f"{loss:16}{shown(trained):>44}{shown(stopped):>44}", flush=True)
    gain = means["gce"] - means["cross_entropy"]
    print(f"gce over cross_entropy at {NOISE_EPOCHS} epochs: {gain:+.3f}", end="")
    print(f"  bar > 0 {verdict(gain > 0)}" if has_bars else "", flush=True)


def shown(accuracies: Sequence[float]) -> str:
    """Return the mean, and in brackets the accuracy on every split."""
    return f"{np.mean(accuracies):.4f} ({' '.join(f'{a:.3f}' for a in accuracies)})"


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def report_fashion(images: Images, splits: Sequence[int]) -> None:
    report_clean(images, splits, has_bars=False)
    report_noise(images, splits, has_bars=False)


SECTIONS: dict[str, Callable[[Images, Sequence[int]], None]] = {
    "clean": report_clean,
    "noise": report_noise,
    "fashion": report_fashion,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--fashion", metavar="FOLDER", help="the folder of Fashion-MNIST")
    parser.add_argument("--splits", type=int, default=5, help="how many, from random_state=0")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}; the sections are {', '.join(SECTIONS)}")
    for section in given.sections or ["clean", "noise"]:
        start = time.perf_counter()
        print(f"== {section}", flush=True)
        is_fashion = section == "fashion"
        images = fashion_mnist(given.fashion, GARMENTS) if is_fashion else mnist_5000()
        SECTIONS[section](images, range(given.splits))
        print(f"{time.perf_counter() - start:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
