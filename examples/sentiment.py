"""Classify texts: decide whether a review is for a film or against it.

Run it with

    python examples/sentiment.py

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

Of 25,000 film reviews a fifth is for testing. They are read in three ways: as TF-IDF by logistic
regression, the usual start; as the same TF-IDF, which stays sparse, by the default network; and as
sequences of words by the network for texts, which learns a vector for every word and averages them
over the review. `TokenVectorizer` turns texts into rows of ids as scikit-learn's vectorizers turn
them into counts, so the loss can be searched as usual. Look at the accuracies, which differ little,
and at the words that speak for and against a film, which the network has found by itself.
"""

import textwrap

import numpy as np
import pandas as pd
from data import film_reviews
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from sklloss import NeuralClassifier, TokenVectorizer

LOSSES = ("cross_entropy", "mse", "focal", "gce")
STOPPING = {"early_stopping": True, "n_iter_no_change": 3, "random_state": 0}
WORDS_SHOWN = 8


def plain_network() -> Pipeline:
    """Return one network on TF-IDF of 5,000 words, which stays sparse."""
    net = NeuralClassifier(hidden_layer_sizes=(32,), n_members=1, **STOPPING)
    return make_pipeline(TfidfVectorizer(max_features=5_000), net)


def network_of_texts(loss: str = "cross_entropy") -> Pipeline:
    """Return the network for texts: a linear layer after the mean of the embeddings.

    In training, each word is dropped with probability one half.
    """
    net = NeuralClassifier(
        loss,
        module="text",
        module_params={"token_dropout": 0.5},
        hidden_layer_sizes=(),
        lr=0.005,
        **STOPPING,
    )
    return Pipeline([("tokens", TokenVectorizer(max_features=20_000)), ("net", net)])


def models() -> dict[str, Pipeline]:
    """Return the models to compare, by name."""
    return {
        "counts, logistic regression": make_pipeline(TfidfVectorizer(), LogisticRegression()),
        "counts, plain network": plain_network(),
        **{f"words, {loss}": network_of_texts(loss) for loss in LOSSES},
    }


def compare(seed: int = 0) -> tuple[pd.Series, dict[str, Pipeline]]:
    """Return the accuracy of every model on one split, and the models."""
    split = train_test_split(*film_reviews(), test_size=0.2, random_state=seed)
    texts_train, texts_test, y_train, y_test = split
    fitted = {name: model.fit(texts_train, y_train) for name, model in models().items()}
    scores = {name: model.score(texts_test, y_test) for name, model in fitted.items()}
    return pd.Series(scores, name="accuracy"), fitted


def weights_of_words(model: Pipeline) -> pd.Series:
    """Return the score of a review that consists of one word, for every word."""
    module = model["net"].net_.module_
    scores = module.head(module.embedding.weight).detach()[:, 0]
    vocabulary = model["tokens"].vocabulary_
    return pd.Series(scores[list(vocabulary.values())].numpy(), index=list(vocabulary))


def print_accuracies(accuracy: pd.Series) -> None:
    print("Film reviews: accuracy on 5,000 test reviews\n")
    print(accuracy.to_string(float_format="{:.3f}".format))


def print_words(model: Pipeline) -> None:
    ranked = weights_of_words(model).sort_values().index
    for title, words in (("Against", ranked), ("For", ranked[::-1])):
        print(f"{title}: {', '.join(words[:WORDS_SHOWN])}")


def print_conclusion(accuracy: pd.Series) -> None:
    of_words = accuracy[[f"words, {loss}" for loss in LOSSES]]
    start = accuracy["counts, logistic regression"]
    text = (
        f"Sequences of words reach {of_words.max():.1%}"
        f" with {of_words.idxmax().removeprefix('words, ')}"
        f" and {of_words.min():.1%} with {of_words.idxmin().removeprefix('words, ')}; logistic"
        f" regression on counts {start:.1%}. A difference of"
        f" {2 * np.sqrt(start * (1 - start) / 5000):.1%} may be chance on 5,000 reviews."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    accuracy, fitted = compare()
    print_accuracies(accuracy)
    print_conclusion(accuracy)
    print("\nWords with cross_entropy:")
    print_words(fitted["words, cross_entropy"])


if __name__ == "__main__":
    main()
