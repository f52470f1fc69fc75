"""NeuralMultiTask: what comes out, beside estimators of one task, and missing labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import accuracy_score, r2_score

from sklloss import NeuralClassifier, NeuralMultiTask, NeuralRegressor
from sklloss.losses import (
    Huber,
    JointLoss,
)

from .small_tasks import ALONE, WEIGHTINGS, assert_same, model, table

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
    assert "None of the tasks ['size', 'kind'] has a loss that gives" in str(caught.value.__cause__)


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
    with pytest.raises(ValueError, match="all entries of y are missing"):
        learnt.score(X, y.mask(y.notna()))


# ------------------------------------------------------------------- against estimators of one task


def test_one_task_of_numbers_is_the_regressor():
    X, y = table(missing=0)
    alone = NeuralRegressor("huber", **ALONE).fit(X, y["size"])
    one = model({"size": "huber"}).fit(X, y[["size"]])
    np.testing.assert_allclose(one.predict(X)["size"], alone.predict(X), rtol=1e-9)
    assert one.score(X, y[["size"]]) == pytest.approx(alone.score(X, y["size"]))


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "focal", "cumulative_link"])
def test_one_task_of_labels_is_the_classifier(loss, n_members):
    X, y = table(missing=0)
    alone = NeuralClassifier(loss, n_members=n_members, **ALONE).fit(X, y["kind"])
    one = model({"kind": loss}, n_members=n_members).fit(X, y[["kind"]])
    np.testing.assert_array_equal(one.predict(X)["kind"], alone.predict(X))
    if hasattr(alone, "predict_proba"):
        theirs = alone.predict_proba(X)
        np.testing.assert_allclose(one.predict_proba(X)["kind"], theirs, rtol=1e-6)


def test_tasks_of_one_loss_are_the_regressor_of_several_targets():
    X, y = table(missing=0)
    numbers = y[["size", "count"]].to_numpy(float)
    alone = NeuralRegressor("mse", **ALONE).fit(X, numbers)
    np.testing.assert_allclose(model("mse").fit(X, numbers).predict(X), alone.predict(X))


def test_ordinal_losses_take_the_order_of_a_categorical():
    X, y = table(missing=0)
    order = pd.CategoricalDtype(["oak", "yew", "ash"], ordered=True)
    kind = y["kind"].astype(order)
    one = model({"kind": "cumulative_link"}).fit(X, kind.to_frame())
    alone = NeuralClassifier("cumulative_link", **ALONE).fit(X, kind)
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
    """What would stand in their place has no part in the fit: a task's rows alone decide its head
    of a linear net."""
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
