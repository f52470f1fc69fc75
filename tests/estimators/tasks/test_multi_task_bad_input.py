"""What NeuralMultiTask refuses, and what it says."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklloss.losses import (
    CrossEntropy,
    HistogramCrossEntropy,
    Huber,
    JointLoss,
    SquaredError,
)

from .small_tasks import LOSSES, model, table


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
        (
            {},
            changed("size", "big"),
            "Task 'size': loss 'huber' takes numbers, and 60 of 60 labels are text, for example "
            "'big'",
        ),
        (
            {},
            changed("size", np.r_[np.inf, np.zeros(59)]),
            "Task 'size': Input y contains infinity .* in row 0",
        ),
        (
            {"losses": {**LOSSES, "size": "mse"}},
            changed("size", np.full(60, 1e308)),
            "Task 'size': y has values too large to be summed",
        ),
        (
            {},
            changed("size", np.array(["2020-01-01"] * 60, dtype="datetime64[ns]")),
            "Task 'size': loss 'huber' takes numbers",
        ),
        ({}, changed("count", -1.0), "Task 'count': Poisson needs y >= 0; 60 of 60 values are"),
        (
            {},
            changed("kind", "oak"),
            "Task 'kind': loss 'cross_entropy' needs at least two classes; y has one class only, "
            "'oak', in all 60",
        ),
        (
            {},
            changed("kind", np.linspace(0, 1, 60)),
            "Task 'kind': .*for numbers choose a loss for regression",
        ),
        (
            {},
            changed("kind", ["oak", 3] * 30),
            "Task 'kind': labels are text in some rows and numbers in others",
        ),
        (
            {},
            lambda y: y.drop(columns="kind"),
            r"losses has a loss for the task 'kind', which y does not have; its tasks are \['size', "
            r"'count'\]",
        ),
        (
            {},
            lambda y: y.rename(columns={"size": "sizes"}),
            r"'size', which y does not have; .* Did you mean 'sizes'",
        ),
        ({}, lambda y: y.assign(age=1.0), "losses has no loss for the task 'age'"),
        ({}, lambda y: y.to_numpy(), r"'size', which y does not have; its tasks are \[0, 1, 2\]"),
        ({}, lambda y: pd.concat([y, y["size"]], axis=1), "2 columns named 'size'"),
        ({}, lambda y: y[:50], "inconsistent numbers of samples"),
        ({}, lambda y: None, "requires y to be passed, but the target y is None"),
        ({}, lambda y: y.iloc[:, :0], "y has no columns"),
        ({}, lambda y: np.zeros((60, 2, 2)), r"a column per task.*got \(60, 2, 2\)"),
        (
            {"losses": {**LOSSES, "kind": "soft_f1"}},
            None,
            "Task 'kind': loss 'soft_f1' has no value per row and label",
        ),
        (
            {"losses": {**LOSSES, "kind": "auc_margin"}},
            None,
            "Task 'kind': loss 'auc_margin' has no value per row",
        ),
        (
            {"losses": {**LOSSES, "kind": TwoClasses()}},
            None,
            "Task 'kind': loss 'cross_entropy' takes two classes; y has 3",
        ),
        ({"losses": {**LOSSES, "kind": "ctc"}}, None, "Task 'kind': .* is a transcription loss"),
        (
            {"losses": {**LOSSES, "size": "hubber"}},
            None,
            "Task 'size': There is no multitask loss 'hubber'. Did you mean 'huber'",
        ),
        (
            {"losses": {**LOSSES, "size": Huber(delta=-1)}},
            None,
            "Task 'size': Huber needs delta > 0",
        ),
        (
            {"losses": {**LOSSES, "size": JointLoss((("a", SquaredError()),))}},
            None,
            "Task 'size': loss 'joint' has no value per row",
        ),
        ({"losses": {}}, None, "losses has no loss for the task 'size'"),
        ({"weighting": "uncertainy"}, None, "Did you mean 'uncertainty'"),
        ({"weighting": {"size": -2.0}}, None, "finite weights >= 0; got -2.0 for the task 'size'"),
        (
            {"weighting": {"weight": 2.0}},
            None,
            "weighting names the task 'weight', which y does not have",
        ),
        ({"weighting": {"size": 0, "count": 0, "kind": 0}}, None, "weighting is 0 for every task"),
        (
            {"losses": {**LOSSES, "size": "gaussian_nll"}, "weighting": "uncertainty"},
            None,
            "'gaussian_nll' of the task 'size' has no least value",
        ),
        (
            {"losses": {**LOSSES, "size": "adaptive"}, "weighting": "dwa"},
            None,
            "'adaptive' of the task 'size' has no least value",
        ),
        ({"module": "unet"}, None, "unet|images"),
        ({"random_state": -1}, None, "random_state"),
        ({"scale_target": "yes"}, None, "needs scale_target"),
    ],
)
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
    with pytest.raises(ValueError, match=r"y has the tasks \['size'\], but this estimator"):
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
