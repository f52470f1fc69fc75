"""Check what estimators achieve with each loss, each figure beside its bar.

All three sections run by default, in about four minutes on one core:

posteriors  known posteriors P(y | x): the mean absolute error of `predict_proba` on new rows
noise       digits with 40 % of the training labels wrong: accuracy on clean test rows. After 100
            epochs the default network has memorised few wrong labels (see its training accuracy),
            the deeper one many
imbalance   Caravan insurance and Lending Club, about 5 % positive: macro-F1 over 5 folds, with each
            loss at its defaults, and with the parameter that moves its decision chosen by macro-F1
            on 3 folds of the training rows

    python benchmarks/trained_losses.py posteriors noise
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklloss import NeuralClassifier
from sklloss.losses import ForwardCorrection, list_losses

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import caravan_insurance, lending_club

# Posteriors.
ROWS, FEATURES, CLASSES = 20_000, 4, 3
MEAN_LARGEST = (0.55, 0.70)
POSTERIOR_BAR = 0.03
UNDER_POSTERIOR_BAR = (
    "cross_entropy",
    "squared_error",
    "focal",
    "poly1",
    "bi_tempered",
    "bootstrap",
    "forward_correction",
    "logit_adjusted",
    "class_balanced",
    "asymmetric",
)
# Noise.
NOISE_RATE, SEEDS, EPOCHS, NOISE_BAR = 0.4, range(5), 100, 0.05
NOISE_LOSSES = {
    "cross_entropy": "cross_entropy",
    "generalized_cross_entropy": "generalized_cross_entropy",
    "symmetric_cross_entropy": "symmetric_cross_entropy",
    "forward_correction": ForwardCorrection(noise_rate=NOISE_RATE),
    "absolute_error": "absolute_error",
}
NETWORKS = {"default": (100,), "two hidden layers": (100, 100)}
# Imbalance.
IMBALANCE_BAR, LOSSES_OVER_BAR = 0.05, 3
IMBALANCE_LOSSES = (
    "focal",
    "class_balanced",
    "logit_adjusted",
    "ldam",
    "asymmetric",
    "soft_f1",
    "auc_margin",
)
SEARCHED: dict[str, dict[str, list[object]]] = {
    "focal": {"loss__alpha": [0.5, 0.7, 0.8, 0.9]},
    "class_balanced": {"loss__beta": [0.99, 0.999, 0.9995, 0.9999]},
    "logit_adjusted": {"loss__tau": [0.25, 0.5, 0.75, 1.0]},
    "ldam": {"class_weight": [None, {1: 4.0}, {1: 8.0}, "balanced"]},
}


@dataclass(frozen=True)
class KnownPosterior:
    """``P(y | x) = softmax(sharpness g(x))`` for standard normal x.

    g is a fixed network of eight tanh units.
    """

    sharpness: float

    @classmethod
    def of_mean_largest(cls, wanted: float) -> "KnownPosterior":
        """Return the posterior whose largest probability is this on average."""
        X = np.random.default_rng(1).standard_normal((100_000, FEATURES))

        def excess(sharpness: float) -> float:
            return cls(sharpness).posterior(X).max(1).mean() - wanted

        return cls(brentq(excess, 0, 50))

    def posterior(self, X: np.ndarray) -> np.ndarray:
        """Return P(y | x) for every row."""
        rng = np.random.default_rng(0)
        inner = rng.standard_normal((FEATURES, 8)) / 2
        outer = rng.standard_normal((8, CLASSES))
        return softmax(self.sharpness * np.tanh(X @ inner) @ outer, axis=1)

    def draw(self, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features, the posterior of each row, and labels."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((rows, FEATURES))
        posterior = self.posterior(X)
        bounds = posterior.cumsum(1)[:, :-1]
        return X, posterior, (rng.random((rows, 1)) > bounds).sum(1)


def flipped(y: np.ndarray, rate: float, n_classes: int, seed: int) -> np.ndarray:
    """Return labels, a share of which is replaced by a random other class."""
    rng = np.random.default_rng(seed)
    others = (y + rng.integers(1, n_classes, len(y))) % n_classes
    return np.where(rng.random(len(y)) < rate, others, y)


def posterior_error(loss: str, known: KnownPosterior) -> float:
    """Train on draws of labels and return the mean absolute error of `predict_proba` on others."""
    X, _, y = known.draw(ROWS, seed=2)
    # forward_correction expects labels with noise.
    if loss == "forward_correction":
        y = flipped(y, ForwardCorrection().noise_rate, CLASSES, seed=4)
    model = NeuralClassifier(
        loss, hidden_layer_sizes=(64, 64), early_stopping=True, random_state=0
    ).fit(X, y)
    X_test, posterior, _ = known.draw(ROWS, seed=3)
    return np.abs(model.predict_proba(X_test) - posterior).mean()


def report_posteriors() -> None:
    posteriors = {wanted: KnownPosterior.of_mean_largest(wanted) for wanted in MEAN_LARGEST}
    print(f"{'':28}" + "".join(f"{f'largest {wanted}':>14}" for wanted in posteriors) + "   bar")
    names = list_losses("classification").query("predict_proba")["name"]
    for loss in [*UNDER_POSTERIOR_BAR, *(n for n in names if n not in UNDER_POSTERIOR_BAR)]:
        errors = [posterior_error(loss, known) for known in posteriors.values()]
        barred = loss in UNDER_POSTERIOR_BAR
        bar = f"{POSTERIOR_BAR} {verdict(max(errors) <= POSTERIOR_BAR)}" if barred else "none"
        print(
            f"{loss:28}" + "".join(f"{error:14.4f}" for error in errors) + f"   {bar}", flush=True
        )


def noisy_accuracy(
    loss: object, seed: int, widths: tuple[int, ...], **params: object
) -> tuple[float, float]:
    """Return accuracy on clean test digits and on the noisy training labels."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=seed)
    y_train = flipped(y_train, NOISE_RATE, 10, seed)
    model = NeuralClassifier(loss, hidden_layer_sizes=widths, random_state=seed, **params)
    model.fit(X_train, y_train)
    return model.score(X_test, y_test), model.score(X_train, y_train)


def report_noise() -> None:
    until_the_end = {"max_epochs": EPOCHS, "n_iter_no_change": float("inf")}
    for network, widths in NETWORKS.items():
        print(
            f"{network + ' ' + str(widths):30}{'test':>7}{'std':>7}{'train':>7}{'stopped':>9}  bar"
        )
        plain = None
        for name, loss in NOISE_LOSSES.items():
            full = np.array([noisy_accuracy(loss, s, widths, **until_the_end) for s in SEEDS])
            stopped = [noisy_accuracy(loss, s, widths, early_stopping=True)[0] for s in SEEDS]
            mean = full[:, 0].mean()
            plain = mean if plain is None else plain
            gain = mean - plain
            bar = (
                f"+{NOISE_BAR}: {gain:+.3f} {verdict(gain >= NOISE_BAR)}"
                if name != "cross_entropy"
                else ""
            )
            print(
                f"{name:30}{mean:7.3f}{full[:, 0].std(ddof=1):7.3f}{full[:, 1].mean():7.3f}"
                f"{np.mean(stopped):9.3f}  {bar}",
                flush=True,
            )


def macro_f1(
    X: pd.DataFrame, y: pd.Series, loss: str, grid: dict[str, list[object]] | None = None
) -> float:
    """Return the mean macro-F1 over 5 folds; a grid is searched within the training rows."""
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (texts, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    net = NeuralClassifier(loss, early_stopping=True, random_state=0)
    inner = StratifiedKFold(3, shuffle=True, random_state=0)
    model = net if grid is None else GridSearchCV(net, grid, scoring="f1_macro", cv=inner)
    splits = StratifiedKFold(5, shuffle=True, random_state=0)
    whole = make_pipeline(columns, model)
    return cross_val_score(whole, X, y, scoring="f1_macro", cv=splits).mean()


def report_imbalance() -> None:
    for load in (caravan_insurance, lending_club):
        X, y = load()
        plain = macro_f1(X, y, "cross_entropy")
        print(f"{load.__name__:20}{'default':>9}{'gain':>8}{'searched':>10}{'gain':>8}")
        print(f"{'cross_entropy':20}{plain:9.3f}", flush=True)
        by_default, searched = [], []
        for loss in IMBALANCE_LOSSES:
            by_default.append(macro_f1(X, y, loss) - plain)
            grid = SEARCHED.get(loss)
            searched.append(macro_f1(X, y, loss, grid) - plain if grid else by_default[-1])
            print(
                f"{loss:20}{plain + by_default[-1]:9.3f}{by_default[-1]:+8.3f}"
                f"{plain + searched[-1]:10.3f}{searched[-1]:+8.3f}",
                flush=True,
            )
        for name, gains in (("default", by_default), ("searched", searched)):
            over = sum(gain >= IMBALANCE_BAR for gain in gains)
            print(
                f"{name}: {over} losses over +{IMBALANCE_BAR}, bar {LOSSES_OVER_BAR}"
                f" {verdict(over >= LOSSES_OVER_BAR)}"
            )


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


SECTIONS: dict[str, Callable[[], None]] = {
    "posteriors": report_posteriors,
    "noise": report_noise,
    "imbalance": report_imbalance,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    chosen = parser.parse_args().sections or list(SECTIONS)
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"there is no section {unknown[0]!r}; the sections are {', '.join(SECTIONS)}")
    for section in chosen:
        start = time.perf_counter()
        print(f"== {section}", flush=True)
        SECTIONS[section]()
        print(f"{time.perf_counter() - start:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
