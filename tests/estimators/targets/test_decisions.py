"""How probabilities become labels: argmax, macro-F1, median and mode."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import f1_score, mean_absolute_error

from sklloss import NeuralClassifier
from sklloss.estimators.targets.decisions import POWERS, best_offsets

RNG = np.random.default_rng(0)
X = RNG.standard_normal((900, 3))
SCORE = X[:, 0] + 0.8 * RNG.standard_normal(900)
# Three ordered classes, of which the last is rare.
GRADES = np.array(["a", "b", "c"])[np.digitize(SCORE, [0.4, 2.2])]
TRAIN, TEST = slice(600), slice(600, None)


def classifier(loss="cross_entropy", **params):
    settings = {"max_epochs": 15, "hidden_layer_sizes": (16,), "random_state": 0}
    return NeuralClassifier(loss, **{**settings, **params})


def fitted(loss="cross_entropy", y=GRADES, **params):
    return classifier(loss, **params).fit(X[TRAIN], y[TRAIN])


def test_macro_f1_asks_for_rare_classes_and_leaves_probabilities():
    plain, tuned = fitted(), fitted(decision="macro_f1")
    np.testing.assert_array_equal(plain.predict_proba(X), tuned.predict_proba(X))
    offsets = tuned._learned.target.offsets
    shares = np.array([np.mean(GRADES[TRAIN] == c) for c in "abc"])
    assert offsets[0, 2] < offsets[0, 1] < 0
    np.testing.assert_allclose(offsets[0] / np.log(shares), offsets[0, 0] / np.log(shares[0]))
    decision = tuned.decision_function(X[TEST])
    expected = np.log(tuned.predict_proba(X[TEST])) - offsets
    np.testing.assert_allclose(
        decision - decision[:, :1], expected - expected[:, :1], rtol=1e-4, atol=1e-4
    )
    predicted = tuned.predict(X[TEST])
    np.testing.assert_array_equal(predicted, tuned.classes_[decision.argmax(1)])
    scores = [f1_score(GRADES[TEST], m.predict(X[TEST]), average="macro") for m in (plain, tuned)]
    assert scores[1] > scores[0] + 0.05
    assert (predicted == "c").sum() > (plain.predict(X[TEST]) == "c").sum()


def test_macro_f1_is_best_on_the_rows_that_were_held_out():
    model = fitted(decision="macro_f1")
    log_shares = np.log([np.mean(GRADES[TRAIN] == c) for c in "abc"])
    scores = [
        f1_score(
            GRADES[TRAIN],
            model.classes_[(np.log(model.oof_) - power * log_shares).argmax(1)],
            average="macro",
        )
        for power in POWERS
    ]
    chosen = model._learned.target.offsets[0, 0] / log_shares[0]
    assert chosen == pytest.approx(POWERS[np.argmax(scores)])


def test_macro_f1_of_two_classes_and_of_several_labels():
    rare = SCORE > 1.8
    plain, tuned = fitted(y=rare), fitted(y=rare, decision="macro_f1")
    decision = tuned.decision_function(X[TEST])
    assert decision.shape == (300,)
    np.testing.assert_array_equal(tuned.predict(X[TEST]), decision > 0)
    assert tuned.predict(X[TEST]).sum() > plain.predict(X[TEST]).sum()
    tags = np.column_stack((rare, SCORE < -1.8, SCORE > 0)).astype(int)
    plain, tuned = fitted(y=tags), fitted(y=tags, decision="macro_f1")
    assert tuned._learned.target.offsets.shape == (3, 2)
    both = [f1_score(tags[TEST], m.predict(X[TEST]), average="macro") for m in (plain, tuned)]
    assert both[1] > both[0]


def test_the_module_decides_alike():
    rows = torch.from_numpy(X[TEST])
    for model in (fitted(decision="macro_f1"), fitted("cumulative_link", decision="median")):
        index = model.to_module("predict")(rows)
        np.testing.assert_array_equal(model.classes_[index], model.predict(X[TEST]))
        scores = model.to_module("decision_function")(rows)
        np.testing.assert_allclose(scores, model.decision_function(X[TEST]), rtol=1e-4, atol=1e-5)


def test_weights_count_in_the_choice():
    probability = np.array([[[0.7, 0.3]], [[0.6, 0.4]], [[0.9, 0.1]], [[0.8, 0.2]]])
    y = np.array([[0], [1], [0], [1]])
    even = best_offsets(probability, y, np.ones(4), np.ones(4))
    np.testing.assert_allclose(even, 0)  # the prior is even, whatever its power
    weight = np.array([4.0, 1.0, 4.0, 1.0])
    skewed = best_offsets(probability, y, weight, weight)
    assert skewed[0, 1] < skewed[0, 0] < 0
    # A row that nobody has held out counts in the shares of classes alone.
    unknown = np.r_[probability, np.full((1, 1, 2), np.nan)], np.r_[y, [[1]]]
    given = np.array([4.0, 1.0, 4.0, 0.5, 0.5])
    np.testing.assert_allclose(best_offsets(*unknown, given, given), skewed)


def test_weights_of_classes_are_undone_before_the_choice():
    factor = {"a": 1.0, "b": 2.0, "c": 9.0}
    probability = np.random.default_rng(1).dirichlet([6, 3, 1], (500, 1))
    y = np.array([RNG.choice(3, p=p) for p in probability[:, 0]])[:, None]
    factors = np.array(list(factor.values()))
    weighted = probability * factors / (probability * factors).sum(-1, keepdims=True)
    row_weight = np.linspace(0.5, 2, 500)
    plain = best_offsets(probability, y, row_weight, row_weight)
    undone = best_offsets(weighted, y, row_weight, row_weight * factors[y[:, 0]])
    np.testing.assert_allclose(undone - undone[:, :1], plain + np.log(factors) - plain[:, :1])


def test_macro_f1_asks_for_rare_classes_beside_balanced_weights():
    argmax = fitted(class_weight="balanced").predict(X[TEST])
    decided = fitted(class_weight="balanced", decision="macro_f1").predict(X[TEST])
    scores = [f1_score(GRADES[TEST], said, average="macro") for said in (argmax, decided)]
    assert scores[1] > scores[0]


def test_classes_that_no_fold_holds_out_leave_the_decision_of_others_alone():
    y = GRADES.copy()
    few = np.flatnonzero(y == "a")[:5]
    y[few] = "z"
    chosen = fitted(y=y, decision="macro_f1").predict(X[TEST])
    without = fitted(decision="macro_f1").predict(X[TEST])
    assert 0.5 < (chosen == "c").sum() / (without == "c").sum() < 2
    assert (chosen == "z").mean() < 0.1


def test_a_label_that_nobody_has_is_never_predicted():
    tags = np.column_stack((np.zeros(900, int), SCORE > 1.8))
    for seed in range(2):
        model = fitted(y=tags, decision="macro_f1", random_state=seed)
        assert model._learned.target.offsets[1].any()
        assert not model.predict(X)[:, 0].any()


def test_ordinal_losses_decide_by_the_median_rank_if_asked():
    model = fitted("cumulative_link", decision="median")
    p = model.predict_proba(X[TEST])
    distance = np.abs(np.arange(3)[:, None] - np.arange(3))
    nearness = -p @ distance
    np.testing.assert_allclose(model.decision_function(X[TEST]), nearness, rtol=1e-4, atol=1e-5)
    median = (p.cumsum(1) >= 0.5).argmax(1)
    np.testing.assert_array_equal(model.predict(X[TEST]), model.classes_[median])
    by_default = fitted("cumulative_link").predict(X[TEST])
    np.testing.assert_array_equal(by_default, model.classes_[p.argmax(1)])
    mode = fitted("cumulative_link", decision="mode").predict(X[TEST])
    np.testing.assert_array_equal(mode, by_default)
    truth = np.searchsorted(["a", "b", "c"], GRADES[TEST])
    of_median, of_mode = (
        mean_absolute_error(truth, np.searchsorted(["a", "b", "c"], said))
        for said in (model.predict(X[TEST]), by_default)
    )
    assert of_median <= of_mode + 0.01


def test_ranks_follow_the_order_that_is_given():
    order = ["b", "c", "a"]
    y = pd.Series(pd.Categorical(GRADES, order, ordered=True))
    model = classifier("cumulative_link", decision="median").fit(X[TRAIN], y[TRAIN])
    p = model.predict_proba(X[TEST])[:, [1, 2, 0]]
    median = (p.cumsum(1) >= 0.5).argmax(1)
    np.testing.assert_array_equal(model.predict(X[TEST]), np.array(order)[median])


def test_two_ordered_classes_keep_one_score():
    model = fitted("cumulative_link", y=SCORE > 0)
    assert model.decision_function(X[TEST]).shape == (300,)


@pytest.mark.parametrize(
    ("loss", "params", "message"),
    [
        ("cross_entropy", {"decision": "median"}, "'median' is for ordinal losses"),
        ("hinge", {"decision": "macro_f1"}, "needs probabilities, which loss 'hinge' does not"),
        ("hinge", {"decision": "mode"}, "needs probabilities"),
        ("cross_entropy", {"decision": "f1"}, "decision to be one of 'argmax', 'macro_f1'"),
        ("cross_entropy", {"decision": "macro_f1", "early_stopping": False}, "but there are none"),
    ],
)
def test_what_cannot_decide_is_refused(loss, params, message):
    with pytest.raises(ValueError, match=message):
        fitted(loss, **params)
    small = classifier(decision="macro_f1")
    with pytest.raises(ValueError, match="Set n_members=8, early_stopping=True"):
        small.fit(X[:100], GRADES[:100])
    small.set_params(n_members=8, early_stopping=True).fit(X[:100], GRADES[:100])


def test_training_that_goes_on_keeps_the_decision():
    model = fitted(decision="macro_f1")
    offsets = model._learned.target.offsets
    model.partial_fit(X[TRAIN], GRADES[TRAIN])
    np.testing.assert_array_equal(model._learned.target.offsets, offsets)
    with pytest.raises(ValueError, match="but there are none"):
        clone(model).partial_fit(X[TRAIN], GRADES[TRAIN])
