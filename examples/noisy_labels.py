"""Labels that are wrong: the question is which losses learn the digits when 40 % of labels lie.

Run it with

    python examples/noisy_labels.py

It needs the core dependencies only.  In the training rows 40 % of the labels are replaced by another
digit; the labels of the test rows are right.  A network that trains for 100 epochs has time to learn
the wrong labels by heart: look at its accuracy on the noisy labels it was given, which nobody who
knows the digits can bring far above 60 %, and at that on the clean ones, which it costs.  Then look
at the last column: stopping early, by rows with noisy labels too, is a remedy for any loss.
`forward_correction` is told the share of wrong labels; the others are not.
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
    "100 epochs": {"max_epochs": 100, "n_iter_no_change": float("inf")},
    "stopped": {"early_stopping": True},
}


def flipped(y: np.ndarray, seed: int) -> np.ndarray:
    """Replace a share of the digits by another digit, all alike."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < NOISE_RATE
    return np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)


def network(loss: object, regime: str) -> NeuralClassifier:
    """Return a network with room to learn wrong labels by heart."""
    return NeuralClassifier(loss, hidden_layer_sizes=(100, 100), random_state=0, **REGIMES[regime])


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
        f"After 100 epochs {best} reads {clean[best]:.0%} of new digits and cross_entropy"
        f" {clean['cross_entropy']:.0%}, with {table['noisy training labels']['cross_entropy']:.0%}"
        f" of the noisy labels learnt by heart. Stopped early, cross_entropy reads"
        f" {stopped['cross_entropy']:.0%} and the best, {stopped.idxmax()}, {stopped.max():.0%}."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    table = compare()
    print_table(table)
    print_conclusion(table)


if __name__ == "__main__":
    main()
