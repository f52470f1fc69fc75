"""Members of an estimator are fits of consecutive seeds, and its predictions are their means."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Checkpoint
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.splits import fold_splits

from ..loss_instances import OF_TABLES
from ..stacked_and_alone import (
    assert_same_nets,
    heights,
)
from .brief_checks import check_briefly
from .small_models import CLASSES, COUNTS, POSITIVE, X, decided

pytestmark = pytest.mark.filterwarnings(  # three epochs of dropout and penalties learn little
    "ignore:.*worse than the best constant:sklearn.exceptions.ConvergenceWarning"
)


SMALL = {"max_epochs": 5, "hidden_layer_sizes": (16,), "lr": 0.01, "random_state": 0}
# What `oof_` holds, by whether there are probabilities.
OUT_OF_FOLD = {True: "predict_proba", False: "decision_function"}


class Own(nn.Module):
    """A module with buffers and dropout."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_features, 12)
        self.norm = nn.BatchNorm1d(12)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(12, n_outputs)

    def forward(self, X):
        return self.last(self.drop(torch.relu(self.norm(self.first(X)))))


def own(n_features, n_outputs):
    return Own(n_features, n_outputs)


def single_fits(model, y, n_members=3):
    seeds = [(model.random_state + i) % 2**32 for i in range(n_members)]
    return [clone(model).set_params(random_state=seed, n_members=1).fit(X, y) for seed in seeds]


def assert_members_are(many, ones):
    for net, one in zip(many.members_, ones, strict=True):
        assert_same_nets(net, one.net_)
    assert many.n_iter_ == max(one.n_iter_ for one in ones)


# Members draw validation rows of their own, as fits of their seeds do; but an encoding is learned
# from the rows that train a fit alone, and from all rows where members train on different ones.
STOPPED = {
    "early_stopping": True, "validation_fraction": 0.1, "numeric_encoding": "none",
    "n_iter_no_change": 1, "max_epochs": 20,
}  # fmt: skip
MEMBERS = {
    "plain": (NeuralRegressor("huber"), POSITIVE, [3]),
    "classes": (NeuralClassifier("focal", class_weight={0: 2.0}), CLASSES, [3]),
    "two classes": (NeuralClassifier(dropout=0.2), CLASSES > 0, [3]),
    "decision": (NeuralClassifier("hinge"), CLASSES, [3]),
    "trained": (NeuralRegressor("adaptive", l1=0.001), POSITIVE, [3]),
    "stopped": (NeuralClassifier(**STOPPED), CLASSES, [3]),
    "own": (NeuralRegressor(module=own, weight_decay=0.1), POSITIVE, []),
    "own stopped": (NeuralRegressor(module=Own, **STOPPED), POSITIVE, []),
    "own loss": (NeuralRegressor(nn.SmoothL1Loss), POSITIVE, [3]),
    "lbfgs": (NeuralRegressor("mae", optimizer="lbfgs"), POSITIVE, []),
    "callbacks": (NeuralRegressor(callbacks=[("c", Checkpoint(monitor=None))]), POSITIVE, []),
    "last seed": (NeuralRegressor(random_state=2**32 - 1), POSITIVE, [3]),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_fits_of_consecutive_seeds(name, tmp_path, monkeypatch):
    """Also after warm starts and in pickles; predictions are means."""
    monkeypatch.chdir(tmp_path)
    model, y, stacks = MEMBERS[name]
    model = clone(model).set_params(batch_size=50, warm_start=True, hidden_layer_sizes=(32,))
    is_stopped = model.early_stopping is True
    if not is_stopped:
        model.set_params(max_epochs=3)
    model.set_params(random_state=3 if model.random_state is None else model.random_state)
    with heights() as seen:
        many = clone(model).set_params(n_members=3).fit(X, y)
    assert seen == stacks
    ones = single_fits(model, y)
    assert_members_are(many, ones)
    assert_predictions_are_means(many, ones)
    twin = pickle.loads(pickle.dumps(many)).fit(X, y)
    for one in ones:
        one.fit(X, y)
    assert_members_are(many.fit(X, y), ones)
    assert_members_are(twin, ones)
    if not is_stopped:
        for one in ones:
            one.partial_fit(X, y)
        assert_members_are(many.partial_fit(X, y), ones)


def assert_predictions_are_means(many, ones):
    if isinstance(many, NeuralRegressor):
        mean = np.mean([one.predict(X) for one in ones], 0)
        np.testing.assert_allclose(many.predict(X), mean, rtol=1e-12)
        return
    if not hasattr(many, "predict_proba"):
        scores = np.mean([one.decision_function(X) for one in ones], 0)
        np.testing.assert_allclose(many.decision_function(X), scores, atol=1e-6)
        np.testing.assert_array_equal(many.predict(X), many.classes_[scores.argmax(1)])
        return
    p = many.predict_proba(X)
    np.testing.assert_allclose(p, np.mean([one.predict_proba(X) for one in ones], 0), atol=1e-6)
    if many.loss_.decides_by_posterior:
        np.testing.assert_array_equal(many.predict(X), many.classes_[p.argmax(1)])


@pytest.mark.parametrize("cls", [c for c in OF_TABLES if c.task == "classification"])
def test_members_decide_as_their_mean_does(cls):
    y = CLASSES if cls.multi_class else CLASSES > 0
    model = NeuralClassifier(cls.name, n_members=2, **SMALL).fit(X, y)
    scores = model.decision_function(X)
    chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[chosen])
    if hasattr(model, "predict_proba") and model.loss_.decides_by_posterior:
        p = model.predict_proba(X)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
        chosen, clear = decided(p)
        np.testing.assert_array_equal(model.predict(X)[clear], model.classes_[chosen[clear]])


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_members_that_hold_out_folds_are_fits_on_the_other_rows(cls):
    """Bit for bit, where the encoding of X is not learned from the rows; and what is said of a
    fold comes from its member alone."""
    if cls.task == "regression":
        estimator, y = NeuralRegressor, COUNTS + 1
    else:
        estimator, y = NeuralClassifier, CLASSES if cls.multi_class else CLASSES > 0
    model = estimator(cls.name, numeric_encoding="none", **SMALL)
    many = clone(model).fit(X, y)
    labels = y if cls.task == "regression" else np.unique(y, return_inverse=True)[1]
    splits = fold_splits(labels[:, None], cls.task == "classification", 0, 8)
    ones = []
    for k, (train, valid, fold) in enumerate(splits):
        alone = clone(model).set_params(
            n_members=1, early_stopping=True, validation_fraction=(train, valid), random_state=k
        )
        ones.append(alone.fit(X, y))
        answer = getattr(alone, OUT_OF_FOLD[hasattr(alone, "predict_proba")], alone.predict)
        np.testing.assert_allclose(many.oof_[fold], answer(X[fold]), rtol=1e-6, atol=1e-6)
    assert_members_are(many, ones)


@pytest.mark.parametrize("n_members", [0, 1.5, -1, "3", True])
def test_numbers_of_members_have_a_domain(n_members):
    with pytest.raises(ValueError, match="NeuralRegressor needs n_members"):
        NeuralRegressor(n_members=n_members).fit(X, POSITIVE)


def test_members_without_a_seed_differ():
    params = {"hidden_layer_sizes": (8,), "numeric_encoding": "standard", "early_stopping": False}
    model = NeuralRegressor(n_members=2, max_epochs=2, **params).fit(X, POSITIVE)
    weights = [net.module_[0].weight for net in model.members_]
    assert not torch.equal(*weights)
    with pytest.raises(ValueError, match="n_members was 2"):
        model.set_params(n_members=3).partial_fit(X, POSITIVE)


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralRegressor("huber", n_members=2, hidden_layer_sizes=(32,)),
        NeuralClassifier("focal", n_members=2, hidden_layer_sizes=(32,)),
    ],
    ids=repr,
)
def test_check_estimator_passes_for_members(estimator):
    check_briefly(estimator)
