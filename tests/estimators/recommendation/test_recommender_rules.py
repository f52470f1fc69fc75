"""Recommender obeys the rules of scikit-learn, and goes on where it ended."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.utils import estimator_checks

from sklloss import LossSearchCV, Recommender
from sklloss.losses import WARP, SampledSoftmax

from .small_interactions import N_USERS, OF_ORDER, bits_of, quick, ratings, small, tastes


@pytest.fixture(scope="module")
def data():
    return tastes()


@pytest.fixture(scope="module")
def rated():
    return ratings()


def test_parameters_go_in_and_out():
    model = (
        Recommender("warp", n_factors=7, loss__margin=2)
        if False
        else Recommender("warp", n_factors=7)
    )
    model.set_params(loss__margin=2.0, optimizer__betas=(0.8, 0.9), n_members=2)
    assert model.get_params()["loss__margin"] == 2
    assert model.get_params()["optimizer__betas"] == (0.8, 0.9)
    assert model.loss == WARP(margin=2)
    assert clone(model).get_params() == model.get_params()
    assert not any(name.startswith("module") for name in model.get_params())
    for wrong in ({"module__x": 1}, {"module_params": {}}, {"hidden_layer_sizes": 3}, {"l1": 1}):
        with pytest.raises(ValueError, match="Invalid parameter"):
            Recommender().set_params(**wrong)
    assert eval(
        repr(Recommender(SampledSoftmax(temperature=0.5))), {**globals()}
    ).loss == SampledSoftmax(temperature=0.5)


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_mixin_order",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_the_checks_of_scikit_learn_that_need_no_table(check):
    getattr(estimator_checks, check)("Recommender", Recommender())


def test_nothing_before_fit(data):
    for method in ("predict", "score"):
        with pytest.raises(NotFittedError):
            getattr(Recommender(), method)(data[0])
    with pytest.raises(NotFittedError):
        Recommender().recommend()


@pytest.mark.parametrize("loss", ["bpr", "warp", "mse", "cross_entropy"])
def test_same_seed_same_bits_and_pickles(loss, rated):
    X, y = rated[0][:300], rated[1][:300]
    y = None if loss in OF_ORDER else y
    state = torch.get_rng_state(), np.random.get_state()[1].tobytes()
    model, again, other = (quick(loss, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.random.get_state()[1].tobytes() == state[1]
    assert bits_of(model, X) == bits_of(again, X) != bits_of(other, X)
    copy = pickle.loads(pickle.dumps(model))
    assert bits_of(copy, X) == bits_of(model, X)
    pd.testing.assert_frame_equal(copy.recommend(n=3), model.recommend(n=3))


def test_members_are_means(data):
    train, held_out = data
    model = quick(n_members=2).fit(train)
    alone = [quick(random_state=seed).fit(train).predict(held_out) for seed in (0, 1)]
    np.testing.assert_allclose(model.predict(held_out), np.mean(alone, 0), rtol=1e-6)
    pairs = model.recommend(["user 1"], n=4)
    np.testing.assert_allclose(
        pairs.score, model.predict(pairs[["user", "item"]].to_numpy(dtype=object)), rtol=1e-5
    )


def test_early_stopping_keeps_the_best_epoch_and_compares_equal_negatives(data):
    model = small(early_stopping=True, n_iter_no_change=3, max_epochs=60).fit(data[0])
    losses = model.history_[:, "valid_loss"]
    assert len(losses) < 60
    assert min(losses) < np.log(2)
    X = data[0]
    parts = (np.arange(300 if len(X) > 300 else 200), np.arange(200, len(X))[-20:])
    still = quick(early_stopping=True, validation_fraction=parts, lr=1e-12).fit(X)
    first, second = still.history_[:, "valid_loss"]
    assert first == pytest.approx(second, rel=1e-6)


def test_warm_start_and_partial_fit_go_on(data):
    train, held_out = data
    stepwise = quick()
    for _ in range(2):
        stepwise.partial_fit(train)
    assert bits_of(stepwise, held_out) == bits_of(quick().fit(train), held_out)
    warm = quick(warm_start=True).fit(train)
    warm.fit(train)
    assert warm.n_iter_ == 4
    assert warm.popularity_.sum() == 2 * len(train)
    with pytest.raises(ValueError, match="cannot go on with"):
        warm.set_params(loss="warp").fit(train)
    with pytest.raises(ValueError, match="n_factors was 8"):
        warm.set_params(loss="bpr", n_factors=9).fit(train)


def test_partial_fit_knows_whom_it_was_told_of(data):
    train, held_out = data
    model = quick().partial_fit(
        train[:50], users=[f"user {k}" for k in range(N_USERS)], items=range(100, 124)
    )
    assert len(model.users_) == N_USERS
    model.partial_fit(train[50:])
    assert not set(zip(*model.recommend()[["user", "item"]].to_numpy().T, strict=True)) & set(train)
    assert np.isfinite(model.predict(held_out)).all()
    with pytest.raises(
        ValueError,
        match="users of the first call; 1 of 1 row has users that it did not bring, .* row 0: 'new'",
    ):
        model.partial_fit([("new", 100)])
    with pytest.raises(
        ValueError,
        match="items of the first call; 1 of 1 row has items that it did not bring, .* row 0: 7",
    ):
        model.partial_fit([("user 0", 7)])
    with pytest.raises(ValueError, match="early_stopping=False"):
        quick(early_stopping=True).partial_fit(train)


@pytest.mark.parametrize("losses", [["bpr", "warp", "infonce"], ["mse", "huber", "absolute_error"]])
def test_grid_searches_over_losses_with_their_own_score(losses, data, rated):
    of_order = losses[0] in OF_ORDER
    X, y = (np.array(data[0], dtype=object), None) if of_order else (rated[0][:400], rated[1][:400])
    grid = {"loss": losses, "weight_decay": [0.01]}
    cv = KFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(quick(), grid, cv=cv, error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 3
    model = quick(losses[0], weight_decay=0.01)
    assert cross_val_score(model, X, y, cv=cv).mean() == pytest.approx(scores[0])
    ours = LossSearchCV(quick(), grid, cv=cv, error_score="raise").fit(X, y)
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], scores)
    assert ours.best_params_ == search.best_params_


def test_a_search_does_not_compare_two_metrics(rated):
    X, y = rated[0][:400], np.abs(rated[1][:400])
    search = LossSearchCV(quick(), {"loss": ["bpr", "mse", "huber"]}, cv=2)
    with pytest.raises(ValueError, match="NDCG with loss 'bpr' and R² with loss 'huber'.*scoring"):
        search.fit(X, y)
    search.set_params(scoring=lambda model, X, y: float(np.corrcoef(y, model.predict(X))[0, 1]))
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()
