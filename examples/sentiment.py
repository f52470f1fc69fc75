"""How do I tell favourable reviews from bad ones?
===============================================

Film reviews are read in three ways: as TF-IDF by logistic regression, the usual start; as the same
TF-IDF, which stays sparse, by the default network; and as sequences of words by the network for
texts, which learns a vector for every word and averages them over the review. Look at the
accuracies, which differ little, and at the words that speak for and against a film, which the
network has found by itself.

Run it with ``python examples/sentiment.py``; it needs the ``examples`` extra.
"""

# %%
# The reviews
# -----------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import film_reviews
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklloss import NeuralClassifier, TokenVectorizer

texts, is_good = film_reviews(8_000)
split = train_test_split(texts, is_good, test_size=0.2, random_state=0)
texts_train, texts_test, y_train, y_test = split
for text, good in zip(texts_train.head(3), y_train.head(3), strict=True):
    print("for:    " if good else "against:", text[:80], "...")

# %%
# From counts
# -----------
# Sparse TF-IDF goes into the network as it is.
stopping = {"early_stopping": True, "n_iter_no_change": 3, "random_state": 0}
models = {
    "TF-IDF, logistic regression": make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "TF-IDF, network": make_pipeline(
        TfidfVectorizer(max_features=5_000),
        NeuralClassifier(hidden_layer_sizes=(32,), n_members=1, **stopping),
    ),
}

# %%
# From words
# ----------
# ``TokenVectorizer`` turns texts into rows of ids, as scikit-learn's vectorizers turn them into
# counts. The network is a linear layer on the mean of the words' vectors. In training, each word is
# dropped with probability one half.
for loss in ("cross_entropy", "mse", "focal", "gce"):
    net = NeuralClassifier(
        loss,
        module="text",
        module_params={"token_dropout": 0.5},
        hidden_layer_sizes=(),
        lr=0.005,
        **stopping,
    )
    models[f"words, {loss}"] = make_pipeline(TokenVectorizer(max_features=20_000), net)

scores = {
    name: model.fit(texts_train, y_train).score(texts_test, y_test)
    for name, model in models.items()
}
accuracy = pd.Series(scores, name="accuracy")
print(accuracy.to_string(float_format="{:.3f}".format))

# %%
# Words for and against
# ---------------------
# The score of a review of one word is that word's weight.
reader = models["words, cross_entropy"]
module = reader[-1].net_.module_
weights = module.head(module.embedding.weight).detach()[:, 0].numpy()
vocabulary = reader[0].vocabulary_
weight_of = pd.Series(weights[list(vocabulary.values())], index=list(vocabulary)).sort_values()

figure, axis = plt.subplots(figsize=(7, 5.5), layout="constrained")
shown = pd.concat([weight_of.head(12), weight_of.tail(12)])
axis.barh(shown.index, shown, color=np.where(shown > 0, "tab:blue", "tab:orange"))
axis.set(xlabel="weight of the word: against the film < 0 < for it")
axis.tick_params(axis="y", labelsize=9)
print("Against:", ", ".join(weight_of.index[:8]))
print("For:", ", ".join(weight_of.index[:-9:-1]))

# %%
# What the reader says
# --------------------
# ``predict_proba`` of single sentences. The network has read reviews of hundreds of words, so it is
# too sure of them, and a mean of words does not know what "not" refers to.
sentences = [
    "A wonderful film with superb actors.",
    "Two hours of my life that I will not get back.",
    "The plot is thin, yet I laughed all the time.",
]
for sentence, p in zip(sentences, reader.predict_proba(sentences)[:, 1], strict=True):
    print(f"{p:.2f} for it: {sentence}")

# %%
# What was learnt
# ---------------
words = accuracy.filter(like="words")
start = accuracy.iloc[0]
chance = 2 * np.sqrt(start * (1 - start) / len(y_test))
print(
    f"Sequences of words reach {words.min():.1%} to {words.max():.1%}, best with",
    f"{words.idxmax().removeprefix('words, ')}, and logistic regression on counts {start:.1%}. On",
    f"{len(y_test):,} reviews a difference of {chance:.1%} may be chance: for short"
    " texts about one",
    "question, the loss and the network matter little.",
    sep="\n",
)
