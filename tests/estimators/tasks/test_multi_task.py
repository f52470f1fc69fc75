"""NeuralMultiTask: what comes out, laws, missing labels, weightings, wrong input, searches."""

import copy
import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier, NeuralMultiTask, NeuralRegressor, get_loss
from sklloss.losses import (
    CrossEntropy,
    DynamicWeightAverage,
    HistogramCrossEntropy,
    Huber,
    JointLoss,
    RandomWeights,
    SquaredError,
)

SMALL = {"hidden_layer_sizes": (6,), "max_epochs": 5, "random_state": 0}
LOSSES = {"size": "huber", "count": "poisson", "kind": "cross_entropy"}
WEIGHTINGS = ["equal", {"size": 2.0}, "uncertainty", "dwa", "random"]


def table(n=60, missing=0.2, seed=0):
    """Return features and three tasks that they tell, some labels missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame(
        {
            "size": 100 * X[:, 0] + rng.normal(size=n),
            "count": rng.poisson(np.exp(X[:, 1])),
            "kind": np.array(["ash", "oak", "yew"])[np.digitize(X[:, 2] + X[:, 0], [-0.5, 0.5])],
        }
    )
    return X, y.mask(rng.random(y.shape) < missing)


def model(losses=LOSSES, **params):
    return NeuralMultiTask(losses, **{**SMALL, **params})


@pytest.fixture(scope="module")
def fitted():
    X, y = table()
    return model().fit(X, y), X, y


def assert_same(one, other, X):
    pd.testing.assert_frame_equal(one.predict(X), other.predict(X), check_exact=True)
    for task, probabilities in one.predict_proba(X).items():
        np.testing.assert_array_equal(probabilities, other.predict_proba(X)[task])


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_learns_every_task_with_every_weighting(weighting):
    X, y = table(400)
    learnt = model(weighting=weighting, max_epochs=60, lr=0.01, hidden_layer_sizes=(16,))
    scores = learnt.fit(X[:300], y[:300]).task_scores(X[300:], y[300:])
    assert scores["size"] > 0.9
    assert scores["count"] > 0.5
    assert scores["kind"] > 0.8


def test_attributes_say_what_was_learnt(fitted):
    learnt, X, _ = fitted
    assert learnt.tasks_ == ["size", "count", "kind"]
    assert learnt.losses_["size"] == Huber()
    assert list(learnt.classes_) == ["kind"]
    assert learnt.classes_["kind"].tolist() == ["ash", "oak", "yew"]
    assert learnt.task_weights_ == {"size": 1.0, "count": 1.0, "kind": 1.0}
    assert isinstance(learnt.loss_, JointLoss)
    assert learnt.loss_state_["size.delta"].item() == 1.0
    assert learnt.n_features_in_ == 4
    assert learnt.net_.predict(X.astype(np.float32)).shape == (60, 3)


def test_predictions_are_a_frame_where_y_was_one(fitted):
    learnt, X, y = fitted
    index = [f"row {i}" for i in range(60)]
    said = learnt.predict(X)
    assert list(said.columns) == list(y.columns)
    assert said["size"].dtype == np.float64
    assert set(said["kind"]) <= {"ash", "oak", "yew"}
    named = model().fit(pd.DataFrame(X, index=index).add_prefix("x"), y)
    assert named.predict(pd.DataFrame(X, index=index).add_prefix("x")).index.tolist() == index


def test_predictions_are_arrays_where_y_was_one():
    X, y = table(missing=0)
    numbers = y[["size", "count"]].to_numpy(float)
    assert model("mse").fit(X, numbers).predict(X).dtype == np.float64
    assert model("mse").fit(X, numbers[:, 0]).predict(X).shape == (60,)
    mixed = model({0: "mse", 1: "poisson", 2: "cross_entropy"}).fit(X, y.to_numpy())
    assert mixed.predict(X).shape == (60, 3)
    assert mixed.predict(X).dtype == object
    labels = model({0: "cross_entropy"}).fit(X, y["kind"].tolist()).predict(X)
    assert set(labels) <= {"ash", "oak", "yew"}
    assert model({"size": "mse"}).fit(X, y["size"]).predict(X).shape == (60,)


def test_lists_of_rows_keep_the_types_of_their_entries():
    X, y = table(missing=0)
    rows = [list(row) for row in y.itertuples(index=False)]
    rows[3][0], rows[4][2], rows[5][1] = None, None, float("nan")
    learnt = model({0: "mse", 1: "poisson", 2: "cross_entropy"}).fit(X, rows)
    assert learnt.loss_state_["share"].flatten().tolist() == pytest.approx([59 / 60] * 3)


def test_probabilities_by_task(fitted):
    learnt, X, _ = fitted
    probabilities = learnt.predict_proba(X)
    assert list(probabilities) == ["kind"]
    np.testing.assert_allclose(probabilities["kind"].sum(1), 1, rtol=1e-6)
    likeliest = learnt.classes_["kind"][probabilities["kind"].argmax(1)]
    np.testing.assert_array_equal(likeliest, learnt.predict(X)["kind"])
    assert not hasattr(model({"size": "mse", "kind": "hinge"}), "predict_proba")
    with pytest.raises(AttributeError) as caught:
        _ = model({"size": "mse", "kind": "hinge"}).predict_proba
    assert "No task of ['size', 'kind'] has a loss that gives" in str(caught.value.__cause__)


def test_score_is_the_mean_of_the_tasks_own_over_known_labels(fitted):
    learnt, X, y = fitted
    weights = np.random.default_rng(0).random(60)
    said, known = learnt.predict(X), y.notna()
    expected = {
        "size": r2_score(*(each["size"][known["size"]] for each in (y, said))),
        "count": r2_score(*(each["count"][known["count"]] for each in (y, said))),
        "kind": accuracy_score(*(each["kind"][known["kind"]] for each in (y, said))),
    }
    assert learnt.task_scores(X, y) == pytest.approx(expected)
    assert learnt.score(X, y) == pytest.approx(np.mean(list(expected.values())))
    weighted = learnt.task_scores(X, y, weights)
    of_rows = weights[known["kind"]]
    right = (y["kind"] == said["kind"])[known["kind"]]
    assert weighted["kind"] == pytest.approx(np.average(right, weights=of_rows))
    sizes = (each["size"][known["size"]] for each in (y, said))
    r2 = r2_score(*sizes, sample_weight=weights[known["size"]])
    assert weighted["size"] == pytest.approx(r2)
    assert r2 != pytest.approx(expected["size"])
    without = learnt.task_scores(X, y.assign(count=np.nan))
    assert without == pytest.approx({task: expected[task] for task in ("size", "kind")})
    assert learnt.task_scores(X, y[["kind", "size", "count"]]) == pytest.approx(expected)
    with pytest.raises(ValueError, match="all of y are missing"):
        learnt.score(X, y.mask(y.notna()))


# ---------------------------------------------------------------------- against estimators of one task


def test_one_task_of_numbers_is_the_regressor():
    X, y = table(missing=0)
    alone = NeuralRegressor("huber", **SMALL).fit(X, y["size"])
    one = model({"size": "huber"}).fit(X, y[["size"]])
    np.testing.assert_allclose(one.predict(X)["size"], alone.predict(X), rtol=1e-9)
    assert one.score(X, y[["size"]]) == pytest.approx(alone.score(X, y["size"]))


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "focal", "cumulative_link"])
def test_one_task_of_labels_is_the_classifier(loss, n_members):
    X, y = table(missing=0)
    alone = NeuralClassifier(loss, n_members=n_members, **SMALL).fit(X, y["kind"])
    one = model({"kind": loss}, n_members=n_members).fit(X, y[["kind"]])
    np.testing.assert_array_equal(one.predict(X)["kind"], alone.predict(X))
    if hasattr(alone, "predict_proba"):
        theirs = alone.predict_proba(X)
        np.testing.assert_allclose(one.predict_proba(X)["kind"], theirs, rtol=1e-6)


def test_tasks_of_one_loss_are_the_regressor_of_several_targets():
    X, y = table(missing=0)
    numbers = y[["size", "count"]].to_numpy(float)
    alone = NeuralRegressor("mse", **SMALL).fit(X, numbers)
    np.testing.assert_allclose(model("mse").fit(X, numbers).predict(X), alone.predict(X))


def test_ordinal_losses_take_the_order_of_a_categorical():
    X, y = table(missing=0)
    order = pd.CategoricalDtype(["oak", "yew", "ash"], ordered=True)
    kind = y["kind"].astype(order)
    one = model({"kind": "cumulative_link"}).fit(X, kind.to_frame())
    alone = NeuralClassifier("cumulative_link", **SMALL).fit(X, kind)
    assert one.classes_["kind"].tolist() == ["ash", "oak", "yew"]
    np.testing.assert_allclose(one.predict_proba(X)["kind"], alone.predict_proba(X), rtol=1e-6)


def test_scaling_y_scales_predictions():
    X, y = table()
    params = {"dtype": "float64"}
    one = model({"size": "mse", "count": "poisson"}, **params).fit(X, y[["size", "count"]])
    other = y[["size", "count"]] * [1000, 3] + [7, 0]
    moved = model({"size": "mse", "count": "poisson"}, **params).fit(X, other)
    np.testing.assert_allclose(moved.predict(X), one.predict(X) * [1000, 3] + [7, 0], rtol=1e-7)
    plain = model({"size": "mse", "count": "poisson"}, scale_target=False, **params)
    assert not np.allclose(plain.fit(X, y[["size", "count"]]).predict(X), one.predict(X))


# ---------------------------------------------------------------------- missing labels


def test_missing_in_any_form_is_missing():
    X, y = table(missing=0)
    gaps = y.astype({"size": "Float64", "count": "Int64", "kind": "object"})
    gaps.loc[[1, 4], "size"] = pd.NA
    gaps.loc[[2], "count"] = pd.NA
    gaps.loc[[3, 5], "kind"] = [None, np.nan]
    plain = y.astype({"count": float}).copy()
    plain.loc[[1, 4], "size"] = np.nan
    plain.loc[[2], "count"] = np.nan
    plain.loc[[3, 5], "kind"] = np.nan
    assert_same(model().fit(X, gaps), model().fit(X, plain), X)
    categorical = plain.assign(kind=plain["kind"].astype("category"))
    assert_same(model().fit(X, categorical), model().fit(X, plain), X)


def test_missing_labels_teach_nothing():
    """What would stand in their place has no part in the fit: a task's rows alone decide its head of a linear net."""
    X, y = table(missing=0)
    y.loc[40:, "size"] = np.nan
    linear = {"hidden_layer_sizes": (), "optimizer": "lbfgs", "max_epochs": 200, "l1": 0.0}
    both = model({"size": "mse", "count": "mse"}, **linear).fit(X, y[["size", "count"]])
    alone = NeuralRegressor("mse", scale_inputs=False, random_state=0, **linear)
    alone.fit(X[:40], y["size"][:40])
    np.testing.assert_allclose(both.predict(X)["size"], alone.predict(X), rtol=1e-3, atol=0.1)


def test_rows_without_any_label_change_nothing_but_the_scale_of_features():
    X, y = table(missing=0)
    more = np.vstack((X, X[:5]))
    blank = pd.concat([y, y[:5].mask(y[:5].notna())], ignore_index=True)
    params = {"scale_inputs": False, "dtype": "float64", "batch_size": 100}
    one, other = model(**params).fit(X, y), model(**params).fit(more, blank)
    np.testing.assert_allclose(one.predict(X)["size"], other.predict(X)["size"], rtol=1e-4)


# ---------------------------------------------------------------------- laws


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
    scaler = model({"size": "mse"}).fit(X, y[["size"]], sample_weight=weights)._target_scaler
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
    assert len(results) >= 50


# ---------------------------------------------------------------------- weightings


def test_uncertainty_trains_readable_weights():
    """A task that is mostly noise comes to count less than one that can be learnt."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = pd.DataFrame({"signal": X[:, 0], "noise": rng.normal(size=300)})
    learnt = model("mse", weighting="uncertainty", max_epochs=100, lr=0.01).fit(X, y)
    weights = learnt.task_weights_
    assert weights["signal"] > 3 * weights["noise"]
    assert sum(weights.values()) == pytest.approx(2)
    log_variance = learnt.loss_state_["log_variance"].flatten().numpy()
    known = np.array([weights[task] for task in y])
    np.testing.assert_allclose(
        np.exp(-log_variance) / known, np.exp(-log_variance[0]) / known[0], rtol=1e-5
    )
    assert "raw_log_variance" in learnt.net_.criterion_.state.trained


def test_dwa_follows_the_losses_of_the_last_two_epochs():
    X, y = table()
    learnt = model(weighting=DynamicWeightAverage(temperature=0.1), lr=0.02).fit(X, y)
    state = learnt.loss_state_
    rate = (state["last_losses"] / state["losses_before"]).flatten().numpy() / 0.1
    expected = 3 * np.exp(rate) / np.exp(rate).sum()
    np.testing.assert_allclose(list(learnt.task_weights_.values()), expected, rtol=1e-5)
    assert expected.max() > 1.05
    first = model(weighting="dwa", max_epochs=1).fit(X, y)
    assert first.task_weights_ == {"size": 1.0, "count": 1.0, "kind": 1.0}


def test_random_weights_change_the_fit_and_not_what_is_judged():
    X, y = table()
    still = {"lr": 1e-12, "max_epochs": 1, "dtype": "float64", "batch_size": 20}
    losses = [
        model(weighting=weighting, **still).fit(X, y).history_[-1, "train_loss"]
        for weighting in ("equal", "uncertainty", "dwa", "random")
    ]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    fits = [
        model(weighting=weighting).fit(X, y).predict(X)["size"] for weighting in ("equal", "random")
    ]
    assert not np.allclose(*fits)


def test_random_weights_are_a_function_of_seed_epoch_and_step(monkeypatch):
    X, y = table()
    seen = []

    def factors(weighting, state, original=RandomWeights.factors):
        seen.extend(map(tuple, state.get("draws", torch.empty(0, 1, 3))[:, 0].tolist()))
        return original(weighting, state)

    monkeypatch.setattr(RandomWeights, "factors", factors)
    for seed in (0, 0, 1):
        model(weighting="random", batch_size=20, max_epochs=2, random_state=seed).fit(X, y)
    first, again, other = seen[:6], seen[6:12], seen[12:]
    assert first == again
    assert len({*first, *other}) == 12


def test_weights_of_a_dict_weigh():
    X, y = table()
    ignored = model(weighting={"size": 0, "count": 0.0}, max_epochs=30).fit(X, y)
    assert ignored.task_weights_ == {"size": 0.0, "count": 0.0, "kind": 3.0}
    assert np.ptp(ignored.predict(X)["size"]) < 1e-9
    only = model(weighting={"size": 5, "count": 5, "kind": 5}).fit(X, y)
    assert_same(only, model().fit(X, y), X)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_early_stopping_keeps_the_epoch_that_fixed_weights_judge_best(weighting):
    X, y = table(120)
    pair = (np.arange(80), np.arange(80, 120))
    learnt = model(
        weighting=weighting, early_stopping=True, validation_fraction=pair, max_epochs=12, lr=0.05
    ).fit(X, y)
    losses = learnt.history_[:, "valid_loss"]
    state = learnt.net_.criterion_.state
    rows = torch.from_numpy(StandardScaler().fit(X).transform(X)[80:])
    encoded = torch.from_numpy(
        learnt._target_scaler.transform(learnt._encode(targets_of(y), False))
    )
    dtype = learnt.net_.criterion_.constant.dtype
    raw = learnt.net_.raw(rows.to(dtype))
    fixed = JointLoss(learnt.loss_.losses, learnt.loss_.weighting)
    value = fixed(raw, encoded[80:].to(dtype)[None], state)
    assert value.item() == pytest.approx(min(losses), rel=1e-4)
    assert min(losses) < losses[0]


def targets_of(y):
    from sklloss.estimators.tasks.target_table import TargetTable

    return TargetTable.of(y)


def test_lbfgs_trains_several_tasks():
    X, y = table()
    learnt = model(optimizer="lbfgs", weighting="uncertainty", max_epochs=25, weight_decay=1e-3)
    scores = learnt.fit(X, y).task_scores(X, y)
    assert scores["size"] > 0.95
    assert scores["kind"] > 0.85


# ---------------------------------------------------------------------- parameters and searches


def test_nested_parameters_make_a_new_dict():
    losses = {"price": "huber", "sold": "cross_entropy"}
    net = NeuralMultiTask(losses)
    assert net.get_params()["losses__price"] == "huber"
    assert net.get_params()["losses__price__delta"] == 1.0
    assert "losses__price" not in net.get_params(deep=False)
    net.set_params(losses__price__delta=2.0)
    assert net.losses == {"price": Huber(delta=2.0), "sold": "cross_entropy"}
    assert losses["price"] == "huber"
    net.set_params(losses__price__quantile=0.3, losses__price="quantile", losses__sold="focal")
    assert net.losses["price"].quantile == 0.3
    assert net.losses["sold"] == "focal"
    net.set_params(losses__price__delta=0.5, losses=losses)
    assert net.losses["price"] == Huber(delta=0.5)
    assert clone(net).losses == net.losses
    assert NeuralMultiTask("huber").set_params(losses__delta=3.0).losses == Huber(delta=3.0)
    assert NeuralMultiTask({0: "huber"}).set_params(losses__0__delta=3.0).losses == {0: Huber(3.0)}
    dotted = NeuralMultiTask({"a": "mse", "a__b": "huber"}).set_params(losses__a__b__delta=3.0)
    assert dotted.losses == {"a": "mse", "a__b": Huber(delta=3.0)}


def test_wrong_nested_parameters_are_named_and_change_nothing():
    net = NeuralMultiTask({"price": "huber", "sold": "cross_entropy"})
    for params, message in {
        "losses__prise": "no task for the parameter losses__prise; its tasks are",
        "losses__price__gamma": "Task 'price': Loss 'huber' has no parameter 'gamma'",
    }.items():
        with pytest.raises(ValueError, match=message):
            net.set_params(lr=3.0, **{params: 1.0})
    assert net.losses == {"price": "huber", "sold": "cross_entropy"}
    assert net.lr == "auto"


def test_get_params_never_raises():
    for losses in (3, None, {"a": 7, "b": "no such"}, "no such"):
        assert NeuralMultiTask(losses).get_params()["losses"] is losses


GRIDS = [
    {"losses__size": ["mse", "mae", "huber"]},
    {"losses": [LOSSES, {**LOSSES, "kind": "focal"}, {**LOSSES, "count": "tweedie"}]},
    {"losses__size__delta": [0.5, 1.0, 2.0]},
    {"weighting": WEIGHTINGS},
]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: next(iter(grid)))
def test_grid_search_and_loss_search_agree(grid):
    X, y = table()
    theirs = GridSearchCV(model(max_epochs=3), grid, cv=KFold(2)).fit(X, y)
    ours = LossSearchCV(model(max_epochs=3), grid, cv=KFold(2)).fit(X, y)
    scores = theirs.cv_results_["mean_test_score"]
    assert len(np.unique(scores)) > 1
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], scores)
    assert ours.best_params_ == theirs.best_params_
    assert_same(ours.best_estimator_, theirs.best_estimator_, X)


def test_searches_refuse_before_training():
    X, y = table()
    with pytest.raises(ValueError, match="There is no multitask loss 'hubber'"):
        LossSearchCV(model(), {"losses__size": ["mse", "hubber"]}, cv=KFold(2)).fit(X, y)


def test_in_a_pipeline_and_cross_validated():
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), model())
    assert cross_val_score(pipeline, X, y, cv=3).shape == (3,)
    pipeline.set_params(neuralmultitask__losses__size__delta=3.0)
    assert pipeline[-1].losses["size"] == Huber(delta=3.0)


# ---------------------------------------------------------------------- going on


def test_partial_fit_takes_classes_and_rows_without_a_tasks_labels():
    X, y = table(missing=0)
    first, rest = y[:10].copy(), y[10:].copy()
    first["kind"] = ["ash", "oak"] * 5
    net = model().partial_fit(X[:10], first, classes={"kind": ["ash", "oak", "yew"]})
    assert net.classes_["kind"].tolist() == ["ash", "oak", "yew"]
    net.partial_fit(X[10:], rest.assign(size=np.nan)[["kind", "size", "count"]])
    assert net.n_iter_ == 2
    assert net.predict_proba(X)["kind"].shape == (60, 3)
    with pytest.raises(ValueError, match=r"Task 'kind': 1 of 50 labels are not among the classes"):
        net.partial_fit(X[10:], rest.assign(kind=["elm", *rest["kind"][1:]]))
    with pytest.raises(ValueError, match="'kind' are .* not the same as on the first call"):
        net.partial_fit(X, y, classes={"kind": ["ash", "oak"]})
    with pytest.raises(
        ValueError, match=r"y has the tasks \['size', 'count'\], and this estimator"
    ):
        net.partial_fit(X, y[["size", "count"]])
    with pytest.raises(ValueError, match="cannot go on with"):
        net.set_params(weighting="dwa").partial_fit(X, y)


def test_partial_fit_refuses_wrong_classes():
    X, y = table()
    with pytest.raises(TypeError, match="classes needs to be a dict of task to labels; got"):
        model().partial_fit(X, y, classes=["ash", "oak"])
    with pytest.raises(ValueError, match="classes has labels of the task 'kin'"):
        model().partial_fit(X, y, classes={"kin": ["ash", "oak"]})
    with pytest.raises(ValueError, match="set early_stopping=False"):
        model(early_stopping=True).partial_fit(X, y)


# ---------------------------------------------------------------------- modules and losses of one's own


def test_modules_of_the_fitted_model_are_the_model():
    X, y = table()
    rows = torch.from_numpy(X)
    for n_members in (1, 2):
        learnt = model(n_members=n_members, weighting="uncertainty").fit(X, y)
        size = learnt.to_module("size")
        np.testing.assert_allclose(size(rows), learnt.predict(X)["size"], rtol=1e-5)
        posterior = learnt.to_module("kind")
        np.testing.assert_allclose(posterior(rows), learnt.predict_proba(X)["kind"], rtol=1e-5)
        index = learnt.to_module("kind", "predict")(rows)
        labels = learnt.classes_["kind"][index.numpy()]
        np.testing.assert_array_equal(labels, learnt.predict(X)["kind"])
        dynamic = ({0: torch.export.Dim("rows")},)
        exported = torch.export.export(size, (rows[:2],), dynamic_shapes=dynamic).module()
        np.testing.assert_allclose(exported(rows), learnt.predict(X)["size"], rtol=1e-5)
    with pytest.raises(ValueError, match=r"task to be one of \['size', 'count', 'kind'\]; got 'x'"):
        learnt.to_module("x")
    with pytest.raises(ValueError, match="no output='predict_proba' for loss 'huber'"):
        learnt.to_module("size", "predict_proba")


def test_a_network_of_ones_own():
    X, y = table()

    class Wide(nn.Sequential):
        def __init__(self, n_features, n_outputs):
            super().__init__(nn.Linear(n_features, 8), nn.Tanh(), nn.Linear(8, n_outputs))

    learnt = model(module=Wide, hidden_layer_sizes=(100,)).fit(X, y)
    assert learnt.net_.module_[-1].out_features == 5
    with pytest.raises(
        ValueError,
        match=r"puts out 3 numbers per row, and the tasks side by side \('size': 1, 'count': 1, 'kind': 3\)",
    ):
        model(module=Wide, module_params={"n_outputs": 3}).fit(X, y)


def of_rows(prediction, y):
    return (prediction - y).abs()


def of_all_rows(prediction, y):
    return (prediction - y).abs().mean()


def negative_log(logits, y):
    return nn.functional.cross_entropy(logits, y, reduction="none")


def test_losses_of_ones_own():
    X, y = table()
    params = {"batch_size": 20, "dtype": "float64"}
    learnt = model({**LOSSES, "size": of_rows}, **params).fit(X, y)
    assert learnt.losses_["size"].label == "of_rows"
    known = model({**LOSSES, "size": "mae"}, **params).fit(X, y)
    torchs = model({**LOSSES, "size": nn.L1Loss(), "kind": nn.CrossEntropyLoss}, **params).fit(X, y)
    np.testing.assert_allclose(
        learnt.predict(X)["size"], torchs.predict(X)["size"], rtol=0.2, atol=10
    )
    np.testing.assert_allclose(
        torchs.predict_proba(X)["kind"], known.predict_proba(X)["kind"], atol=0.05
    )
    labels = get_loss(negative_log, task="classification")
    said = model({**LOSSES, "kind": labels}, **params).fit(X, y).predict(X)["kind"]
    assert (said == known.predict(X)["kind"]).mean() > 0.8


def test_an_own_loss_of_all_rows_needs_all_labels():
    X, y = table(missing=0)
    learnt = model({**LOSSES, "size": of_all_rows}).fit(X, y)
    assert np.isfinite(learnt.predict(X)["size"]).all()
    with pytest.raises(
        ValueError, match="Task 'size': Loss 'of_all_rows' returns one number for a"
    ):
        model({**LOSSES, "size": of_all_rows}).fit(X, table()[1])
    with pytest.raises(
        ValueError, match="Task 'size': Loss 'of_all_rows' returns one number for a"
    ):
        model({**LOSSES, "size": of_all_rows}).fit(X, y, sample_weight=np.ones(60))


# ---------------------------------------------------------------------- wrong input


@dataclass(frozen=True)
class TwoClasses(CrossEntropy):
    multi_class = False


def changed(column, values):
    return lambda y: y.assign(**{column: values})


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        ({}, changed("count", np.nan), "Task 'count': all 60 labels are missing"),
        ({}, changed("kind", None), "Task 'kind': all 60 labels are missing"),
        ({}, changed("size", "big"), "Task 'size': loss 'huber' takes numbers, and 60 of 60 labels are text, for example 'big'"),
        ({}, changed("size", np.r_[np.inf, np.zeros(59)]), "Task 'size': Input y contains infinity .* in row 0"),
        ({"losses": {**LOSSES, "size": "mse"}}, changed("size", np.linspace(-1e300, 1e300, 60)), "Task 'size': y has values too large to be squared"),
        ({}, changed("size", np.array(["2020-01-01"] * 60, dtype="datetime64[ns]")), "Task 'size': loss 'huber' takes numbers"),
        ({}, changed("count", -1.0), "Task 'count': Poisson needs y >= 0; 60 of 60 values are"),
        ({}, changed("kind", "oak"), "Task 'kind': loss 'cross_entropy' needs at least two classes; y has one class only, 'oak', in all 60"),
        ({}, changed("kind", np.linspace(0, 1, 60)), "Task 'kind': .*for numbers choose a loss for regression"),
        ({}, changed("kind", ["oak", 3] * 30), "Task 'kind': labels are text in some rows and numbers in others"),
        ({}, lambda y: y.drop(columns="kind"), r"losses has one for the task 'kind', which y does not have; its tasks are \['size', 'count'\]"),
        ({}, lambda y: y.rename(columns={"size": "sizes"}), r"'size', which y does not have; .* Did you mean 'sizes'"),
        ({}, lambda y: y.assign(age=1.0), "losses has none for the task 'age'"),
        ({}, lambda y: y.to_numpy(), r"'size', which y does not have; its tasks are \[0, 1, 2\]"),
        ({}, lambda y: pd.concat([y, y["size"]], axis=1), "2 columns named 'size'"),
        ({}, lambda y: y[:50], "inconsistent numbers of samples"),
        ({}, lambda y: None, "requires y to be passed, but the target y is None"),
        ({}, lambda y: y.iloc[:, :0], "y has no columns"),
        ({}, lambda y: np.zeros((60, 2, 2)), r"a column per task.*got \(60, 2, 2\)"),
        ({"losses": {**LOSSES, "kind": "soft_f1"}}, None, "Task 'kind': loss 'soft_f1' has no value per row and label"),
        ({"losses": {**LOSSES, "kind": "auc_margin"}}, None, "Task 'kind': loss 'auc_margin' has no value per row"),
        ({"losses": {**LOSSES, "kind": TwoClasses()}}, None, "Task 'kind': loss 'cross_entropy' takes two classes; y has 3"),
        ({"losses": {**LOSSES, "kind": "ctc"}}, None, "Task 'kind': .* is a transcription loss"),
        ({"losses": {**LOSSES, "size": "hubber"}}, None, "Task 'size': There is no multitask loss 'hubber'. Did you mean 'huber'"),
        ({"losses": {**LOSSES, "size": Huber(delta=-1)}}, None, "Task 'size': Huber needs delta > 0"),
        ({"losses": {**LOSSES, "size": JointLoss((("a", SquaredError()),))}}, None, "Task 'size': loss 'joint' has no value per row"),
        ({"losses": {}}, None, "losses has none for the task 'size'"),
        ({"weighting": "uncertainy"}, None, "Did you mean 'uncertainty'"),
        ({"weighting": {"size": -2.0}}, None, "finite weights >= 0; got -2.0 for the task 'size'"),
        ({"weighting": {"weight": 2.0}}, None, "weighting names the task 'weight', which y does not have"),
        ({"weighting": {"size": 0, "count": 0, "kind": 0}}, None, "weighting is 0 for every task"),
        ({"losses": {**LOSSES, "size": "gaussian_nll"}, "weighting": "uncertainty"}, None, "'gaussian_nll' of the task 'size' has no least value"),
        ({"losses": {**LOSSES, "size": "adaptive"}, "weighting": "dwa"}, None, "'adaptive' of the task 'size' has no least value"),
        ({"module": "unet"}, None, "unet|images"),
        ({"random_state": -1}, None, "random_state"),
        ({"scale_target": "yes"}, None, "needs scale_target"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_before_training(params, change, message):
    X, y = table(missing=0)
    net = model(**{"max_epochs": 1, **params})
    with pytest.raises(ValueError, match=message):
        net.fit(X, change(y) if change else y)
    with pytest.raises(NotFittedError):
        net.predict(X)
    assert not any(name.endswith("_") for name in vars(net))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"weighting": 3}, "weighting needs to be one of"),
        ({"losses": {**LOSSES, "size": 3}}, "Task 'size': loss must be a name"),
    ],
)
def test_wrong_types_are_named(params, message):
    X, y = table()
    with pytest.raises(TypeError, match=message):
        model(**params).fit(X, y)


def test_names_that_read_alike_are_refused():
    X, y = table(missing=0)
    numbers = pd.DataFrame({0: y["size"], "0": y["size"]})
    with pytest.raises(ValueError, match="got '0' and '0'. Rename one"):
        model("mse").fit(X, numbers)


def test_before_fit_and_another_y_at_score(fitted):
    learnt, X, y = fitted
    for call in (model().predict, model().predict_proba):
        with pytest.raises(NotFittedError):
            call(X)
    with pytest.raises(NotFittedError):
        model().score(X, y)
    with pytest.raises(NotFittedError):
        model().to_module("size")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        learnt.score(X, y[:50])
    with pytest.raises(ValueError, match=r"y has the tasks \['size'\], and this estimator"):
        learnt.score(X, y[["size"]])
    assert learnt.score(X, y.to_numpy()) == pytest.approx(learnt.score(X, y))


def test_a_class_seen_once_and_a_task_hardly_labelled():
    X, y = table(missing=0)
    y["kind"] = np.where(np.arange(60) == 7, "yew", "oak")
    y.loc[2:, "size"] = np.nan
    learnt = model(early_stopping=True).fit(X, y)
    assert learnt.classes_["kind"].tolist() == ["oak", "yew"]
    assert np.isfinite(learnt.predict(X)["size"]).all()


def test_labels_of_any_type_come_back():
    X, _ = table(missing=0)
    for labels in ([True, False], [3, 7], [0.0, 1.0], ["a", "b"]):
        column = np.array(labels)[(X[:, 0] > 0).astype(int)]
        said = model({"kind": "cross_entropy"}).fit(X, pd.DataFrame({"kind": column})).predict(X)
        assert said["kind"].dtype == pd.DataFrame({"kind": column})["kind"].dtype
        assert set(said["kind"]) <= set(labels)


def test_histogram_loss_and_laws_of_y_are_for_numbers():
    X, y = table()
    losses = {
        "size": HistogramCrossEntropy(n_bins=10),
        "count": "negative_binomial",
        "kind": CrossEntropy(),
    }
    learnt = model(losses, weighting="uncertainty").fit(X, y)
    assert learnt.loss_state_["count.dispersion"].item() > 0
    assert np.isfinite(learnt.predict(X)[["size", "count"]].to_numpy()).all()


# ---------------------------------------------------------------------- real data


def test_diabetes_progression_blood_pressure_and_sex():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    targets = pd.DataFrame(
        {"progression": y, "bp": X["bp"], "sex": np.where(X["sex"] > 0, "a", "b")}
    )
    targets.loc[::3, "bp"] = np.nan
    features = X.drop(columns=["bp", "sex"])
    losses = {"progression": "mae", "bp": "huber", "sex": "cross_entropy"}
    learnt = NeuralMultiTask(losses, weighting="uncertainty", max_epochs=100, random_state=0)
    learnt.fit(features[:300], targets[:300])
    scores = learnt.task_scores(features[300:], targets[300:])
    assert scores["progression"] > 0.35
    assert scores["bp"] > 0.15
    assert scores["sex"] > 0.65
