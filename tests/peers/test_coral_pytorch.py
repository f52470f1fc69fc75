"""Peer: coral-pytorch, its CORAL and CORN losses.

Its users rely on these promises:

- CORAL: one score with shared weights, biases that do not increase, so that P(y > k) falls with k
- CORN: conditional probabilities whose chained product falls with k
- the loss of a rank is the sum of the binary cross-entropies of exceeding each rank below it
- a label is the number of ranks that are exceeded with a probability above one half: the median,
  which errs by fewer ranks than the likeliest rank does
- two classes are an ordinary binary problem; ranks are counted from 0, in the order of the classes
- rows of weight 2 count as two
"""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import ShuffleSplit

from sklloss import NeuralClassifier
from sklloss.losses import Coral, Corn

ORDINAL = ["coral", "corn", "cumulative_link"]
each = pytest.mark.parametrize("loss", ORDINAL)
SMALL = {
    "n_members": 1, "early_stopping": False, "numeric_encoding": "standard",
    "hidden_layer_sizes": (16,), "max_epochs": 30, "random_state": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def quintiles(diabetes):
    X, y = diabetes
    return X, pd.qcut(y, 5, labels=False)


def fitted(loss, X, y, **params):
    return NeuralClassifier(loss, **{**SMALL, **params}).fit(X, y)


def exceeded(p):
    """Return P(y > k) of probabilities of ranks, (n_samples, n_classes - 1)."""
    return 1 - p.cumsum(1)[:, :-1]


# ---------------------------------------------------------------------- probabilities


@each
def test_probabilities_of_exceeding_ranks_fall(loss, quintiles):
    X, y = quintiles
    p = fitted(loss, X, y).predict_proba(X)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    assert (np.diff(exceeded(p), axis=1) <= 1e-7).all()


def test_coral_has_one_score_and_falling_biases(quintiles):
    X, y = quintiles
    model = fitted("coral", X, y)
    raw = model.to_module("raw")(torch.from_numpy(X)).numpy()
    assert raw.shape == (len(X), 1, 1)
    biases = model.loss_state_["biases"].numpy().ravel()
    assert biases.shape == (4,)
    assert (np.diff(biases) < 0).all()
    above = 1 / (1 + np.exp(-(raw[:, 0] + biases)))
    np.testing.assert_allclose(exceeded(model.predict_proba(X)), above, atol=1e-5)


def test_corn_chains_conditional_probabilities(quintiles):
    X, y = quintiles
    model = fitted("corn", X, y)
    raw = model.to_module("raw")(torch.from_numpy(X)).numpy()[:, 0]
    assert raw.shape == (len(X), 4)
    above = np.cumprod(1 / (1 + np.exp(-raw)), axis=1)
    np.testing.assert_allclose(exceeded(model.predict_proba(X)), above, atol=1e-5)


# ---------------------------------------------------------------------- losses


def by_levels(logits, y, is_asked):
    """Return sums of binary cross-entropies of exceeding ranks, where asked, in loops."""
    values = []
    for row, rank in zip(logits, y, strict=True):
        of_rank = 0.0
        for k, logit in enumerate(row):
            if is_asked(rank, k):
                p = 1 / (1 + np.exp(-logit))
                of_rank -= np.log(p) if rank > k else np.log(1 - p)
        values.append(of_rank)
    return values


def test_the_losses_are_sums_over_ranks():
    y = torch.tensor([[0], [1], [2], [3], [3], [1]])
    raw = torch.randn(6, 1, 3, generator=torch.Generator().manual_seed(0)).double()
    ones = torch.ones(6).double()
    state = Corn().prepare(y, ones, n_classes=4)
    found = Corn().pointwise(raw, y, state)[:, 0].tolist()
    expected = by_levels(raw[:, 0].numpy(), y[:, 0].tolist(), lambda rank, k: rank >= k)
    assert found == pytest.approx(expected)
    state, score = Coral().prepare(y, ones, n_classes=4), raw[..., :1]
    found = Coral().pointwise(score, y, state)[:, 0].tolist()
    logits = (score + Coral().biases(state)[0])[:, 0].numpy()
    assert found == pytest.approx(by_levels(logits, y[:, 0].tolist(), lambda rank, k: True))


# ---------------------------------------------------------------------- decisions


@each
def test_the_label_is_the_number_of_ranks_that_are_exceeded(loss, quintiles):
    X, y = quintiles
    model = fitted(loss, X, y, decision="median", dtype="float64")
    expected = (exceeded(model.predict_proba(X)) > 0.5).sum(1)
    np.testing.assert_array_equal(model.predict(X), expected)
    np.testing.assert_array_equal(model.decision_function(X).argmax(1), expected)


@each
def test_the_median_errs_by_no_more_ranks_than_the_mode(loss, quintiles):
    X, y = quintiles
    errors = {"median": [], "mode": []}
    for seed, (train, test) in enumerate(ShuffleSplit(4, test_size=0.3, random_state=0).split(X)):
        for decision, found in errors.items():
            model = fitted(loss, X[train], y[train], decision=decision, random_state=seed)
            found.append(mean_absolute_error(y[test], model.predict(X[test])))
    assert np.mean(errors["median"]) <= np.mean(errors["mode"])


@each
def test_ordinal_losses_err_by_fewer_ranks_than_cross_entropy_decides_by(loss, quintiles):
    X, y = quintiles
    train, test = next(ShuffleSplit(1, test_size=0.3, random_state=1).split(X))
    ours = fitted(loss, X[train], y[train], decision="median").predict(X[test])
    plain = fitted("cross_entropy", X[train], y[train]).predict(X[test])
    assert mean_absolute_error(y[test], ours) < mean_absolute_error(y[test], plain)


@each
def test_the_median_survives_bagging_and_the_order_of_a_categorical(loss, quintiles):
    X, y = quintiles
    names = ["poor", "fair", "good", "fine", "best"]
    ordered = pd.Series(pd.Categorical.from_codes(y, names, ordered=True))
    bagged = {"n_members": 8, "early_stopping": True, "decision": "median", "max_epochs": 5}
    by_rank, by_name = (fitted(loss, X, labels, **bagged) for labels in (y, ordered))
    assert by_name.class_order_.tolist() == names
    np.testing.assert_array_equal(by_name.predict(X), np.array(names)[by_rank.predict(X)])


def test_decisions_that_suit_no_ordinal_loss_are_refused(quintiles):
    X, y = quintiles
    with pytest.raises(ValueError, match="decision='median' is for ordinal losses"):
        fitted("cross_entropy", X, y, decision="median")


# ---------------------------------------------------------------------- the rest


@each
@pytest.mark.parametrize("decision", ["argmax", "median", "mode"])
def test_two_classes_are_a_binary_problem(loss, decision, quintiles):
    X, y = quintiles
    model = fitted(loss, X, y > 2, decision=decision)
    p = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict(X), p[:, 1] > 0.5)
    assert model.score(X, y > 2) > 0.7


@each
def test_a_row_of_weight_2_counts_as_two(loss, quintiles):
    X, y = quintiles
    weights = np.arange(len(y)) % 3
    whole = {"batch_size": 1000, "max_epochs": 3, "dtype": "float64"}
    weighted = NeuralClassifier(loss, **{**SMALL, **whole}).fit(X, y, sample_weight=weights)
    repeated = fitted(loss, X.repeat(weights, 0), y.repeat(weights), **whole)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6)
