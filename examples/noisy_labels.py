"""Learn digits from labels of which 40 % are wrong, with nine losses.

Run it with

    python examples/noisy_labels.py

It needs the core dependencies only.

In the training rows 40 % of the labels are replaced by another digit; test labels are right. A
network that trains for 100 epochs has the time to memorise wrong labels. Look at its accuracy on
the noisy labels that it was given, which nobody who knows the digits can raise far above 60 %, and
at the accuracy on clean ones, which memorising lowers. Then look at the last column: stopping
early, even by validation rows with noisy labels, helps every loss. Only `forward_correction` knows
the share of wrong labels.
"""

import textwrap

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier
from sklloss.losses import ForwardCorrection

NOISE_RATE = 0.4
LOSSES = {
    "cross_entropy": "cross_entropy",
    "generalized_cross_entropy": "generalized_cross_entropy",
    "symmetric_cross_entropy": "symmetric_cross_entropy",
    "forward_correction": ForwardCorrection(noise_rate=NOISE_RATE),
    "absolute_error": "absolute_error",
    "bootstrap": "bootstrap",
    "bi_tempered": "bi_tempered",
    "normalized_cross_entropy": "normalized_cross_entropy",
    "active_passive": "active_passive",
}
REGIMES = {
    "100 epochs": {"early_stopping": False, "max_epochs": 100, "n_iter_no_change": float("inf")},
    "stopped": {"n_members": 1},
}


def flipped(y: np.ndarray, seed: int) -> np.ndarray:
    """Return labels, a share of which is replaced by a random other digit."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < NOISE_RATE
    return np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)


def network(loss: object, regime: str) -> NeuralClassifier:
    """Return a network that is large enough to memorise wrong labels."""
    return NeuralClassifier(loss, lr=0.003, random_state=0, **REGIMES[regime])


def compare() -> pd.DataFrame:
    """Return one row per loss: accuracy on noisy training labels and on clean test labels."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    y_train = flipped(y_train, seed=0)
    rows = {}
    for name, loss in LOSSES.items():
        full, stopped = (network(loss, regime).fit(X_train, y_train) for regime in REGIMES)
        rows[name] = {
            "noisy training labels": full.score(X_train, y_train),
            "clean test labels": full.score(X_test, y_test),
            "clean, stopped early": stopped.score(X_test, y_test),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def print_table(table: pd.DataFrame) -> None:
    print(f"Digits, {NOISE_RATE:.0%} of the training labels wrong: accuracy after 100 epochs\n")
    print(table.to_string(float_format="{:.3f}".format))


def print_conclusion(table: pd.DataFrame) -> None:
    clean, stopped = table["clean test labels"], table["clean, stopped early"]
    best = clean.idxmax()
    text = (
        f"After 100 epochs the accuracy of {best} is {clean[best]:.0%} and that of cross_entropy"
        f" {clean['cross_entropy']:.0%}, which has learnt"
        f" {table['noisy training labels']['cross_entropy']:.0%} of the noisy labels."
        f" Stopped early, cross_entropy has {stopped['cross_entropy']:.0%} and the best,"
        f" {stopped.idxmax()}, {stopped.max():.0%}."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    table = compare()
    print_table(table)
    print_conclusion(table)


if __name__ == "__main__":
    main()
