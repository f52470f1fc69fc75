"""Measure accuracy on film reviews as means over splits, each figure beside its bar.

There are 25,000 reviews, split by ``train_test_split(test_size=0.2, random_state=0..4)``. The
models are those of examples/sentiment.py, and the network for texts at its defaults, stopped early.
Networks for texts should reach .85 and be no worse than TF-IDF with logistic regression on the same
splits. That takes about five minutes on one core; convolutions and recurrent units take far longer,
so run them on one split:

    python benchmarks/film_reviews.py
    python benchmarks/film_reviews.py --splits 1 --rows 5000 --poolings conv gru
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rivals import markdown_table
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from sklloss import NeuralClassifier, TokenVectorizer

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import film_reviews

REFERENCE = "counts, logistic regression"
BAR = 0.85
BY_DEFAULT = "words, at the defaults"
LOSSES = ("cross_entropy", "mse", "focal", "gce")
STOPPING = {"early_stopping": True, "n_iter_no_change": 3, "random_state": 0}
# Limits for networks that read words in order.
SHORT = {"max_features": 10_000, "max_length": 300}


def of_counts() -> Pipeline:
    """Return one network on TF-IDF of 5,000 words, which stays sparse."""
    net = NeuralClassifier(hidden_layer_sizes=(32,), n_members=1, **STOPPING)
    return make_pipeline(TfidfVectorizer(max_features=5_000), net)


def of_words(loss: str) -> Pipeline:
    """Return a linear layer after the mean of the embeddings, with half of the words dropped."""
    net = NeuralClassifier(
        loss,
        module="text",
        module_params={"token_dropout": 0.5},
        hidden_layer_sizes=(),
        lr=0.005,
        **STOPPING,
    )
    return Pipeline([("tokens", TokenVectorizer(max_features=20_000)), ("net", net)])


def by_default() -> Pipeline:
    net = NeuralClassifier(module="text", early_stopping=True, random_state=0)
    return Pipeline([("tokens", TokenVectorizer()), ("net", net)])


def with_order(pooling: str) -> Pipeline:
    params = {"pooling": pooling, "token_dropout": 0.2}
    net = NeuralClassifier(
        module="text", module_params=params, hidden_layer_sizes=(), dropout=0.5, **STOPPING
    )
    return Pipeline([("tokens", TokenVectorizer(**SHORT)), ("net", net)])


def contenders(poolings: Sequence[str]) -> dict[str, Pipeline]:
    ordered = {f"words, {pooling}": with_order(pooling) for pooling in poolings}
    return {
        REFERENCE: make_pipeline(TfidfVectorizer(), LogisticRegression()),
        "counts, plain network": of_counts(),
        **{f"words, {loss}": of_words(loss) for loss in LOSSES},
        BY_DEFAULT: by_default(),
        **ordered,
    }


def accuracies(model: Pipeline, rows: int | None, splits: int) -> list[float]:
    """Return the accuracy on each split."""
    texts, is_good = film_reviews(rows)
    found = []
    for seed in range(splits):
        split = train_test_split(texts, is_good, test_size=0.2, random_state=seed)
        texts_train, texts_test, y_train, y_test = split
        found.append(clone(model).fit(texts_train, y_train).score(texts_test, y_test))
    return found


def line(name: str, values: Sequence[float], reference: float, seconds: float) -> list[str]:
    """Return a row of the table; only networks for texts have bars."""
    mean = np.mean(values)
    cells = [name, f"{mean:.4f}", f"{np.std(values):.4f}", f"{seconds / len(values):.0f}"]
    if not name.startswith("words"):
        return [*cells, "", ""]
    bar = max(BAR, reference)
    return [*cells, f">= {bar:.4f}", "met" if mean >= bar else "missed"]


def table(poolings: Sequence[str], rows: int | None, splits: int) -> str:
    lines, reference = [], 0.0
    for name, model in contenders(poolings).items():
        start = time.perf_counter()
        values = accuracies(model, rows, splits)
        reference = float(np.mean(values)) if name == REFERENCE else reference
        lines.append(line(name, values, reference, time.perf_counter() - start))
    return markdown_table(("", "accuracy", "std", "s / split", "bar", ""), lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=None, help="reviews; all by default")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--poolings", nargs="*", choices=("conv", "gru"), default=[])
    given = parser.parse_args(arguments)
    print(f"{given.rows or 25_000:,} reviews, {given.splits} split(s)\n")
    print(table(given.poolings, given.rows, given.splits))


if __name__ == "__main__":
    main()
