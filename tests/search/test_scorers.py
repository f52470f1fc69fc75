"""A scorer that cannot work with the labels is named before training, with what to give instead."""

import re

import numpy as np
import pytest
import sklearn.metrics
from sklearn.metrics import fbeta_score, get_scorer, make_scorer
from sklearn.pipeline import make_pipeline

from sklloss import LossSearchCV, NeuralClassifier
from sklloss.search.scorers import check_scorers

from ..laws.small_models import ONE_NETWORK

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
TWO = np.where(RNG.random(90) < 0.3, "yes", "no")
THREE = np.array(["a", "b", "c"] * 30)


def search(scoring, **params):
    net = NeuralClassifier(**ONE_NETWORK, hidden_layer_sizes=(4,), max_epochs=2, random_state=0)
    return LossSearchCV(net, {"loss": ["mse", "cross_entropy"]}, cv=3, scoring=scoring, **params)


@pytest.mark.parametrize(
    ("scoring", "y", "message"),
    [
        ("f1", TWO, "'f1' looks for a positive class named 1, .* 'no' and 'yes'. Use 'f1_macro'"),
        ("f1", THREE, "'f1' is for two classes, but y has 3. Use 'f1_macro'"),
        ("roc_auc", THREE, "'roc_auc' is for two classes, but y has 3. Use 'roc_auc_ovr'"),
        ("precision", np.where(TWO == "yes", 2, 0), "classes 0 and 2"),
        ("average_precision", TWO, "make_scorer.average_precision_score, pos_label='yes'"),
        ("neg_brier_score", TWO, "make_scorer.brier_score_loss, .*greater_is_better=False"),
        ({"acc": "accuracy", "recall of ours": "recall"}, TWO, "scoring='recall' looks for"),
        (make_scorer(fbeta_score, beta=2), TWO, "scoring='scoring' looks .*beta=2"),
    ],
)
def test_scorers_are_named_before_training(scoring, y, message):
    with pytest.raises(ValueError, match=message):
        search(scoring, refit=False, error_score="raise").fit(X, y)


@pytest.mark.parametrize("name", ["f1", "average_precision", "neg_brier_score", "jaccard"])
def test_the_remedy_works(name):
    with pytest.raises(ValueError, match="make_scorer") as caught:
        check_scorers(get_scorer(name), name, TWO)
    code = re.search(r"make_scorer\(.*\)(?=, which names)", str(caught.value))[0]
    scorer = eval(code, vars(sklearn.metrics))
    assert np.isfinite(search(scorer).fit(X, TWO).cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("scoring", "y"),
    [
        (None, TWO),
        ("roc_auc", TWO),
        ("f1", (TWO == "yes").astype(int)),
        ("f1_macro", THREE),
        (["accuracy", "neg_log_loss"], THREE),
        (lambda model, X, y: 1.0, THREE),
        ("accuracy", np.stack([TWO == "yes", THREE == "a"], axis=1).astype(int)),
    ],
)
def test_others_train(scoring, y):
    assert len(search(scoring, refit=False).fit(X, y).cv_results_["params"]) == 2


BY_PROBABILITIES = ["accuracy", "neg_log_loss"]


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        (BY_PROBABILITIES, "'neg_log_loss'"),
        ({"right": "accuracy", "auc": "roc_auc_ovr"}, "'roc_auc_ovr'"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda net: net, lambda net: make_pipeline(net)])
def test_a_loss_without_probabilities_is_named_before_training(scoring, name, wrap):
    net = wrap(NeuralClassifier(**ONE_NETWORK, max_epochs=2))
    key = "loss" if isinstance(net, NeuralClassifier) else "neuralclassifier__loss"
    search = LossSearchCV(net, {key: ["mse", "hinge"]}, scoring=scoring, refit=False)
    said = f"candidate {{'{key}': 'hinge'}} by {name}, which needs predict_proba: .* 'hinge' has"
    with pytest.raises(ValueError, match=said):
        search.fit(X, THREE)


def test_one_metric_of_what_a_loss_lacks_is_nan():
    net = NeuralClassifier("hinge", **ONE_NETWORK, max_epochs=2)
    params = {"scoring": {"cost": "neg_log_loss"}, "refit": "cost", "cv": 2, "error_score": -9.0}
    with pytest.warns(UserWarning, match="Scoring failed"):
        search = LossSearchCV(net, {"lr": [0.01]}, **params).fit(X, THREE)
    assert search.cv_results_["mean_test_cost"] == [-9.0]
