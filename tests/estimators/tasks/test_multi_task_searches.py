"""NeuralMultiTask: nested parameters, searches, partial_fit, own modules and losses."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklloss import LossSearchCV, NeuralMultiTask, get_loss
from sklloss.losses import (
    Huber,
)

from .small_tasks import LOSSES, WEIGHTINGS, assert_same, model, table

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
    with pytest.raises(ValueError, match=r"Task 'kind': .* not in `classes_`.*: 1 of 50.*'elm'"):
        net.partial_fit(X[10:], rest.assign(kind=["elm", *rest["kind"][1:]]))
    with pytest.raises(ValueError, match="Task 'kind': .* is not the same as on the first call"):
        net.partial_fit(X, y, classes={"kind": ["ash", "oak"]})
    with pytest.raises(
        ValueError, match=r"y has the tasks \['size', 'count'\], but this estimator"
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


# ------------------------------------------------------------------ modules and losses of one's own


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


def test_modules_of_tasks_without_names():
    X, y = table()
    numbers = y[["size", "count"]].to_numpy(float)
    learnt = model({0: "huber", 1: "poisson"}).fit(X, numbers)
    for task in (0, 1):
        found = learnt.to_module(task)(torch.from_numpy(X))
        np.testing.assert_allclose(found, learnt.predict(X)[:, task], rtol=1e-5)
    with pytest.raises(ValueError, match=r"task to be one of \[0, 1\]; got '0'"):
        learnt.to_module("0")


def test_a_network_of_ones_own():
    X, y = table()

    class Wide(nn.Sequential):
        def __init__(self, n_features, n_outputs):
            super().__init__(nn.Linear(n_features, 8), nn.Tanh(), nn.Linear(8, n_outputs))

    learnt = model(module=Wide, hidden_layer_sizes=(100,)).fit(X, y)
    assert learnt.net_.module_[-1].out_features == 5
    with pytest.raises(
        ValueError,
        match=r"returns 3 numbers per row, and the tasks side by side \('size': 1, 'count': 1, "
        r"'kind': 3\)",
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
