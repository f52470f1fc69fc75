"""What NeuralMultiTask says of labels, losses, classes and weightings that it cannot take."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklloss import NeuralMultiTask
from sklloss.losses.tasks.weightings import DynamicWeightAverage, FixedWeights

X = np.random.default_rng(0).normal(size=(30, 3))
PRICE = X[:, 0]
Y = pd.DataFrame({"price": PRICE, "sold": np.where(PRICE > 0, "yes", "no")})
LOSSES = {"price": "huber", "sold": "cross_entropy"}


def model(losses=LOSSES, **params):
    return NeuralMultiTask(losses, **{"max_epochs": 2, "random_state": 0, **params})


def message(y, error=ValueError, losses=LOSSES, **params):
    with pytest.raises(error) as caught:
        model(losses, **params).fit(X, y)
    return str(caught.value)


# ---------------------------------------------------------------- y


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ({"price": PRICE, "sold": Y.sold}, r"got dict\. .*pd\.DataFrame\(y\)"),
        ("price", "got str"),
        (3, "got int"),
        (Y.to_records(index=False), "got a structured array"),
        ([[1, 2]] * 29 + [[1]], r"rows of unequal length, for example \[1, 2\] in row 0"),
        ([1] * 29 + [[1]], r"rows of unequal length, for example \[1\] in row 29"),
    ],
)
def test_y_without_a_column_per_task(y, said):
    with pytest.raises(ValueError, match=said):
        model({0: "mse", 1: "mse"}).fit(X, y)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (pd.date_range("2020", periods=30), "have the dtype datetime64"),
        (pd.to_timedelta(np.arange(30), unit="D"), "have the dtype timedelta64"),
        (pd.PeriodIndex(["2020", "2021"] * 15, freq="Y"), "of type Period"),
        ([b"x", b"y"] * 15, "of type bytes"),
        (
            [(1, 2), (2, 3)] * 15,
            r"30 of 30 are of another type, for example \(1, 2\) of type tuple",
        ),
        ([(1, 2), (2,)] * 15, "of type tuple"),
        ([[1], [2]] * 15, "of type list"),
        ([1j, 2.0] * 15, "of type complex"),
        ([Decimal(1), Decimal(2)] * 15, "of type Decimal"),
        ([object(), "a"] * 15, "of type object"),
        ([np.inf, 1.0, -np.inf] * 10, "labels contain infinity, 20 of 30"),
    ],
)
def test_labels_that_are_none(labels, said):
    with pytest.raises(ValueError, match=f"Task 'sold': .*{said}"):
        model().fit(X, Y.assign(sold=labels))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([[1.0]] * 30, "its labels are lists or arrays"),
        (pd.Series([10**400] + [1] * 29, dtype=object), "too large to convert"),
    ],
)
def test_numbers_that_are_none(numbers, said):
    with pytest.raises(ValueError, match=f"Task 'price': loss 'huber' takes numbers; .*{said}"):
        model().fit(X, Y.assign(price=numbers))


@pytest.mark.parametrize(
    "missing",
    [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), np.float32("nan")],
)
def test_every_kind_of_missing_label(missing):
    y = np.array([missing, "yes", "no"] * 10, dtype=object)
    fitted = model("cross_entropy").fit(X, y)
    assert fitted.classes_[0].tolist() == ["no", "yes"]
    assert fitted.loss_state_["share"].item() == pytest.approx(2 / 3)


def test_masked_entries_are_missing():
    y = np.ma.masked_array(PRICE, mask=PRICE > 1)
    expected = model("mse").fit(X, np.where(PRICE > 1, np.nan, PRICE))
    np.testing.assert_array_equal(model("mse").fit(X, y).predict(X), expected.predict(X))


def test_early_stopping_that_sets_all_labels_of_a_task_aside():
    apart = {"early_stopping": True, "validation_fraction": (np.arange(1, 30), np.array([0]))}
    once = Y.assign(price=[1.0] + [np.nan] * 29)
    assert "Task 'price': none of the 29 training rows has a label" in message(once, **apart)
    unlabelled = Y.loc[1:].reindex(range(30))
    assert "None of the 1 validation rows of early_stopping has a label" in message(
        unlabelled, **apart
    )
    assert model(**apart).fit(X, Y.assign(price=Y.price.where(Y.index > 0))).n_iter_ == 2


# ---------------------------------------------------------------- losses and weighting


@pytest.mark.parametrize("losses", [None, 3, [("price", "mse")], pd.Series(LOSSES), np.nan])
def test_losses_that_are_neither_a_dict_nor_one(losses):
    assert "losses needs to be a dict of task to loss, or one loss" in message(
        Y, TypeError, losses=losses
    )


def test_losses_by_name_of_columns_without():
    assert "An array's columns are numbered: give y as a DataFrame" in message(Y.to_numpy())


@pytest.mark.parametrize(
    ("weighting", "said"),
    [
        (FixedWeights(3), "weights to be a tuple of (task, weight) pairs; got 3"),
        (FixedWeights({"price": 1}), "weights to be a tuple of (task, weight) pairs"),
        (FixedWeights((1, 2)), "weights to be a tuple of (task, weight) pairs"),
        ({"price": 10**400}, "finite weights >= 0"),
    ],
)
def test_weights_that_are_none(weighting, said):
    assert said in message(Y, weighting=weighting)


# ---------------------------------------------------------------- set_params


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {"weighting__temperature": 1},
            "weighting='equal' has no parameters that can be set by name",
        ),
        ({"lr__x": 1}, "Invalid parameter 'lr__x'"),
        ({"losses__price__": 1}, "losses has no task for the parameter losses__price__"),
        ({"optimizer_params": 3, "optimizer__eps": 1}, "optimizer_params to be None or a dict"),
    ],
)
def test_nested_parameters_of_what_has_none(params, said):
    with pytest.raises(ValueError, match=".*") as caught:
        model().set_params(**params)
    assert said in str(caught.value)


def test_nested_parameters_of_a_weighting_are_given_with_it():
    estimator = model(weighting=DynamicWeightAverage())
    with pytest.raises(ValueError, match="Set weighting itself"):
        estimator.set_params(weighting__temperature=1.0)


@pytest.mark.parametrize("losses", [None, 3])
def test_parameters_that_are_refused_with_a_type_error_change_nothing(losses):
    estimator = model()
    with pytest.raises(TypeError):
        estimator.set_params(lr=0.5, losses=losses, losses__delta=1)
    assert estimator.get_params() == model().get_params()


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(
    "labels", ["uv", None, 3, [], [["yes", "no"]], {"yes", "no"}, ["yes", None]]
)
def test_classes_that_are_no_list(labels):
    with pytest.raises(ValueError, match="Task 'sold': classes needs a list of labels"):
        model().partial_fit(X, Y, classes={"sold": labels})
    fitted = model().partial_fit(X, Y)
    with pytest.raises(ValueError, match="Task 'sold': classes needs a list of labels"):
        fitted.partial_fit(X, Y, classes={"sold": labels})


def test_classes_of_a_task_of_numbers():
    with pytest.raises(ValueError, match="Task 'price': classes has labels, .* takes numbers"):
        model().partial_fit(X, Y, classes={"price": [1, 2]})


@pytest.mark.parametrize("classes", [["no", "yes"], "no", pd.Series({"sold": ["no", "yes"]})])
def test_classes_that_are_no_dict(classes):
    with pytest.raises(TypeError, match="classes needs to be a dict of task to labels"):
        model().partial_fit(X, Y, classes=classes)


@pytest.mark.parametrize("of", [list, tuple, np.array, pd.Series, pd.Categorical])
def test_every_form_of_classes(of):
    classes = {"sold": of(["no", "yes", "maybe"])}
    fitted = model().partial_fit(X, Y, classes=classes).partial_fit(X, Y, classes=classes)
    assert fitted.classes_["sold"].tolist() == ["maybe", "no", "yes"]


# ---------------------------------------------------------------- score


def test_rows_of_weight_0_are_not_scored():
    fitted = model().fit(X, Y)
    weights = (PRICE > 0).astype(float)
    kept = weights > 0
    assert fitted.task_scores(X, Y, weights) == fitted.task_scores(X[kept], Y[kept])
    gone = Y.assign(price=Y.price.where(~kept))
    assert list(fitted.task_scores(X, gone, weights)) == ["sold"]


@pytest.mark.parametrize(
    ("weights", "said"),
    [(np.zeros(30), "is zero for all 30 rows"), (np.full(30, -1.0), "30 of 30 rows are negative")],
)
def test_weights_of_scores(weights, said):
    fitted = model().fit(X, Y)
    with pytest.raises(ValueError, match=said):
        fitted.score(X, Y, weights)


def test_outputs_of_another_type():
    with pytest.raises(ValueError, match=r"to_module has no output=\[\]"):
        model().fit(X, Y).to_module("price", [])


@pytest.mark.parametrize("task", [[], np.array(["price", "sold"]), pd.NA, None, 0])
def test_tasks_of_another_type(task):
    with pytest.raises(ValueError, match="to_module needs task to be one of"):
        model().fit(X, Y).to_module(task)


def test_classes_of_another_order_than_in_the_first_call():
    sizes = np.where(PRICE > 0, "large", "small")
    first, other = (
        pd.DataFrame({"size": pd.Categorical(sizes, order, ordered=True)})
        for order in (["small", "large"], ["large", "small"])
    )
    fitted = model({"size": "ordinal"}).partial_fit(X, first)
    with pytest.raises(ValueError, match="Task 'size': y is a categorical in the order"):
        fitted.partial_fit(X, other)
    assert model({"size": "ce"}).partial_fit(X, first).partial_fit(X, other).n_iter_ == 2


def test_labels_that_are_first_missing_in_a_later_call_need_a_loss_per_row():
    def of_batch(prediction, y):
        return (prediction - y).abs().mean()

    fitted = model({"price": of_batch, "sold": "ce"}).partial_fit(X, Y)
    gone = Y.assign(price=Y.price.where(PRICE > 0))
    with pytest.raises(ValueError, match="returns one number for a whole batch"):
        fitted.partial_fit(X, gone)
    assert fitted.partial_fit(X, Y).n_iter_ == 2
