"""Laws of NeuralMultiTask, and scikit-learn's own checks."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklloss import NeuralMultiTask
from sklloss.estimators.fit.together import sharing_key

from ...stacked_and_alone import assert_same_nets, fitted_together, heights
from .small_tasks import LOSSES, WEIGHTINGS, assert_same, model, table


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_same_seed_same_bits_and_clone_and_pickle(weighting):
    X, y = table()
    learnt = model(weighting=weighting, batch_size=20).fit(X, y)
    assert_same(learnt, clone(learnt).fit(X, y), X)
    assert_same(learnt, pickle.loads(pickle.dumps(learnt)), X)
    assert_same(learnt, copy.deepcopy(learnt), X)
    other = clone(learnt).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.predict(X)["size"], learnt.predict(X)["size"])
    one, two = (pickle.loads(pickle.dumps(learnt)) for _ in range(2))
    assert_same(one.partial_fit(X, y), two.partial_fit(X, y), X)
    assert one.n_iter_ == learnt.n_iter_ + 1


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(weighting):
    X, y = table()
    weights = np.arange(60) % 3
    params = {"weighting": weighting, "dtype": "float64", "batch_size": 200}
    weighted = model(**params).fit(X, y, sample_weight=weights)
    times = np.repeat(np.arange(60), weights)
    repeated = model(**params).fit(X[times], y.iloc[times])
    np.testing.assert_allclose(weighted.predict(X)["size"], repeated.predict(X)["size"], rtol=1e-9)
    ours, theirs = (each.predict_proba(X)["kind"] for each in (weighted, repeated))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_scaling_of_targets_counts_the_weights_of_rows_that_have_them():
    X, y = table()
    weights = np.linspace(0, 2, 60)
    learnt = model({"size": "mse"}).fit(X, y[["size"]], sample_weight=weights)
    (scaler,) = learnt._learned.target_scalers
    known = y["size"].notna()
    mean = np.average(y["size"][known], weights=weights[known])
    spread = np.sqrt(np.average((y["size"][known] - mean) ** 2, weights=weights[known]))
    np.testing.assert_allclose([*scaler.centre, *scaler.scale], [mean, spread])


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_members_are_single_fits_bit_for_bit(weighting):
    X, y = table()
    params = {"weighting": weighting, "batch_size": 20, "dtype": "float32"}
    members = model(n_members=3, **params).fit(X, y).members_
    rows = torch.from_numpy(StandardScaler().fit_transform(X))
    for seed, net in enumerate(members):
        alone = model(**{**params, "random_state": seed}).fit(X, y).net_
        assert torch.equal(net.raw(rows.float()), alone.raw(rows.float()))
        for key, value in alone.criterion_.state.items():
            assert torch.equal(value, net.criterion_.state[key]), key
        assert net.history[:, "train_loss"] == alone.history[:, "train_loss"]


STACKS = {
    "weightings": [
        {"weighting": weighting} for weighting in ("equal", {"size": 2.0}, "dwa", "random")
    ],
    "losses": [{"losses": {**LOSSES, "size": size}} for size in ("huber", "mse", "mae")],
    "labels": [
        {"losses": {**LOSSES, "kind": kind}} for kind in ("cross_entropy", "focal", "poly1")
    ],
    "seeds and rates": [{"random_state": seed, "lr": 0.01 * (1 + seed)} for seed in range(3)],
    "trained weights": [{"weighting": "uncertainty", "random_state": seed} for seed in range(3)],
    "members": [{"n_members": 2, "random_state": seed} for seed in range(2)],
}


@pytest.mark.parametrize("validates", [False, True])
@pytest.mark.parametrize("name", STACKS)
def test_stacked_is_alone_bit_for_bit(name, validates):
    X, y = table()
    shared = {"batch_size": 20, "early_stopping": validates, "validation_fraction": 0.3}
    models = [model(**params, **shared) for params in STACKS[name]]
    assert len({sharing_key(each) for each in models}) == 1
    with heights() as seen:
        stacked = fitted_together(models, X, y)
    assert seen == [sum(each.n_members for each in models)]
    for mine, unfitted in zip(stacked, models, strict=True):
        alone = clone(unfitted).fit(X, y)
        assert_same(mine, alone, X)
        assert mine.losses_ == alone.losses_
        for nets in zip(mine.members_, alone.members_, strict=True):
            assert_same_nets(*nets)


def test_networks_of_other_widths_share_no_stack():
    tasks = ({}, {"size": "gaussian_nll"}, {"kind": "multi_margin", "size": "multi_quantile"})
    keys = [sharing_key(model({**LOSSES, **losses})) for losses in tasks]
    assert None not in keys
    assert len(set(keys)) == 3
    assert sharing_key(model("mse")) == sharing_key(model("huber"))
    assert sharing_key(model({**LOSSES, "size": "no such"})) is None
    assert sharing_key(model(augment=torch.clone)) is None


def test_members_average_numbers_and_probabilities():
    X, y = table()
    three = model(n_members=3).fit(X, y)
    alone = [model(random_state=seed).fit(X, y) for seed in range(3)]
    mean = np.mean([each.predict(X)["size"] for each in alone], axis=0)
    np.testing.assert_allclose(three.predict(X)["size"], mean, rtol=1e-6)
    mean = np.mean([each.predict_proba(X)["kind"] for each in alone], axis=0)
    np.testing.assert_allclose(three.predict_proba(X)["kind"], mean, rtol=1e-6)
    likeliest = three.classes_["kind"][mean.argmax(1)]
    np.testing.assert_array_equal(three.predict(X)["kind"], likeliest)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
@pytest.mark.parametrize("n_members", [1, 2])
def test_warm_start_goes_on_where_it_was(weighting, n_members):
    X, y = table()
    params = {"weighting": weighting, "n_iter_no_change": float("inf"), "n_members": n_members}
    whole = model(max_epochs=6, batch_size=20, **params).fit(X, y)
    halves = model(max_epochs=3, batch_size=20, warm_start=True, **params).fit(X, y).fit(X, y)
    assert_same(whole, halves, X)
    assert whole.task_weights_ == halves.task_weights_


def test_global_generators_are_left_alone():
    X, y = table()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    model(weighting="random", dropout=0.2).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


def test_a_fit_that_fails_leaves_the_model_as_it_was():
    X, y = table()
    learnt = model(weighting="dwa", batch_size=20).fit(X, y)
    before = copy.deepcopy(learnt)
    state = {k: v.clone() for k, v in learnt.net_.criterion_.state.items()}
    with pytest.raises(FloatingPointError):
        learnt.set_params(lr=1e30).partial_fit(X, y)
    assert_same(learnt, before, X)
    for key, value in learnt.net_.criterion_.state.items():
        assert torch.equal(value, state[key]), key


@pytest.mark.parametrize("weighting", ["equal", "uncertainty"])
def test_scikit_learns_checks(weighting):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        net = NeuralMultiTask(weighting=weighting, max_epochs=20)
        results = check_estimator(net, on_fail=None, on_skip=None)
    assert [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"] == []
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {
        "check_array_api_input"
    }
    assert len(results) >= 49
