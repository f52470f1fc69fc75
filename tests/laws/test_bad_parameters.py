"""Callbacks, functions and other parameters that are no such thing, of all estimators."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler

from sklloss import (
    LossSearchCV,
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRegressor,
    NeuralSegmenter,
    TokenVectorizer,
    word_error_rate,
)
from sklloss.losses import LDAM, Hinge, HistogramCrossEntropy, Huber, Poly1, SquaredLogits

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X[:, 0]
IMAGES = np.random.default_rng(0).random((6, 1, 8, 8))
BOXES = np.array([[1.0, 1, 4 + i % 3, 5 - i % 2] for i in range(6)])
FITS = [
    (NeuralRegressor(max_epochs=1), X, Y),
    (NeuralClassifier(max_epochs=1), X, Y > 0),
    (MetricEmbedder(max_epochs=1), X, Y > 0),
    (NeuralMultiTask("mse", max_epochs=1), X, Y),
    (NeuralBoxRegressor(max_epochs=1), IMAGES, BOXES),
    (NeuralSegmenter(max_epochs=1), IMAGES, (IMAGES[:, 0] > 0.5).astype(int)),
]


def regressor(**params):
    return NeuralRegressor(max_epochs=2, hidden_layer_sizes=(8,), random_state=0, **params)


@pytest.mark.parametrize(("estimator", "given", "y"), FITS)
@pytest.mark.parametrize("item", [[1, 2], (3, "a"), lambda net: None, None, 3, object, ("a", None)])
def test_what_is_no_callback_is_named(estimator, given, y, item):
    with pytest.raises(
        ValueError, match="needs callbacks to be None or a list of skorch callbacks"
    ):
        clone(estimator).set_params(callbacks=[item]).fit(given, y)


@pytest.mark.parametrize("callbacks", [pd.NA, pd.DataFrame(), "enabled", EarlyStopping])
def test_what_is_no_list_of_callbacks_is_named(callbacks):
    with pytest.raises(ValueError, match="needs callbacks to be None or a list"):
        regressor(callbacks=callbacks).fit(X, Y)


@pytest.mark.parametrize(
    "callbacks",
    [
        (EpochScoring("r2"),),
        [("name", EpochScoring("r2"))],
        [["name", EpochScoring("r2")]],
        [Callback],
        [LRScheduler],
        [LRScheduler("StepLR", step_size=1)],
        [LRScheduler(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda epoch: 0.5)],
        [LRScheduler("ReduceLROnPlateau", monitor="train_loss")],
        np.array([]),
        "disable",
    ],
)
def test_every_form_of_callbacks(callbacks):
    assert len(regressor(callbacks=callbacks).fit(X, Y).history_) == 2


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        EarlyStopping("nope"),
        Checkpoint(f_params=None, f_optimizer=None, f_criterion=None, f_history=None),
        LRScheduler("ReduceLROnPlateau", monitor="nope"),
    ],
)
def test_a_score_that_is_not_there_is_named_with_those_that_are(callback):
    with pytest.raises(ValueError, match=r"not found in history.*train_loss.*early_stopping=True"):
        regressor(callbacks=[callback]).fit(X, Y)


def test_a_monitor_that_turns_wrong_leaves_what_was_learnt():
    model = regressor(callbacks=[EarlyStopping("train_loss")], warm_start=True).fit(X, Y)
    before = model.predict(X)
    dict(model.net_.callbacks_)["EarlyStopping"].monitor = "nope"
    with pytest.raises(ValueError, match="a callback monitors what is not there"):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyError("mine")


class Needs(Callback):
    def __init__(self, what):
        self.what = what


def test_errors_of_a_callback_of_ones_own_are_its_own():
    with pytest.raises(KeyError, match="mine"):
        regressor(callbacks=[Fails()]).fit(X, Y)


@pytest.mark.parametrize(
    "callback",
    [
        LRScheduler("nope"),
        LRScheduler(3),
        LRScheduler("StepLR"),
        LRScheduler("StepLR", step_size=1, gama=0.5),
        Needs,
    ],
)
def test_callbacks_that_cannot_be_set_up(callback):
    with pytest.raises(ValueError, match="callbacks could not be set up.*Check their arguments"):
        regressor(callbacks=[callback]).fit(X, Y)


@pytest.mark.parametrize("scale", [None, "a", {}, (3, "a"), [], [[1, 2]], [1, 2], np.nan, object])
def test_scales_of_boxes_that_are_no_numbers(scale):
    model = NeuralBoxRegressor(max_epochs=1).set_params(module__scale=scale)
    with pytest.raises(ValueError, match="needs scale to be a finite number, or four"):
        model.fit(IMAGES, BOXES)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("scale", [4, [4, 4, 4, 4], np.full(4, 4.0), torch.full((4,), 4.0)])
def test_scales_of_boxes(scale):
    model = NeuralBoxRegressor(max_epochs=1, random_state=0)
    expected = model.set_params(module__scale=4.0).fit(IMAGES, BOXES).predict(IMAGES)
    said = model.set_params(module__scale=scale).fit(IMAGES, BOXES).predict(IMAGES)
    np.testing.assert_array_equal(said, expected)


@pytest.mark.parametrize(("estimator", "given", "y"), FITS[:4])
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"augment": object}, "needs augment to be None or a function"),
        ({"augment": torch.nn.Identity}, "needs augment to be None or a function"),
        ({"warm_start": np.array([1, 2])}, "needs warm_start to be one of True, False"),
        ({"warm_start": pd.NA}, "needs warm_start to be one of True, False"),
        ({"device": np.array([1, 2])}, "needs device to be a name such as 'cpu'"),
        ({"device": pd.NA}, "needs device to be a name such as 'cpu'"),
        ({"device": 10**30}, "cannot be used here"),
        ({"device": "meta"}, "device='meta' cannot be used here"),
        ({"verbose": "a"}, "needs verbose to be one of True, False or verbose >= 0"),
        ({"verbose": np.nan}, "needs verbose to be one of True, False or verbose >= 0"),
        ({"l1": 10**400}, "needs l1 >= 0"),
        ({"max_epochs": -(10**400)}, "needs max_epochs.* >= 1"),
    ],
)
def test_parameters_of_other_types(estimator, given, y, params, said):
    with pytest.raises(ValueError, match=said):
        clone(estimator).set_params(**params).fit(given, y)


@pytest.mark.parametrize("analyzer", [object, dict, lambda document: 3, lambda document: None])
def test_functions_that_find_no_tokens(analyzer):
    with pytest.raises(ValueError, match="does not turn a document into a list of tokens"):
        TokenVectorizer(analyzer=analyzer).fit(["one two", "three"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "given", "y"), FITS[2:])
@pytest.mark.parametrize(
    ("weight", "said"), [(0.0, "is zero for all"), (-1.0, "are negative"), (np.nan, "NaN")]
)
def test_weights_of_scores(estimator, given, y, weight, said):
    fitted = clone(estimator).fit(given, y)
    with pytest.raises(ValueError, match=said):
        fitted.score(given, y, np.full(len(given), weight))


@pytest.mark.parametrize(("weights", "said"), [([0, 0], "is zero for all"), ([1, -1], "negative")])
def test_weights_of_error_rates(weights, said):
    with pytest.raises(ValueError, match=said):
        word_error_rate(["one", "two"], ["one", "too"], sample_weight=weights)


@pytest.mark.parametrize(("estimator", "given", "y"), FITS)
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"optimizer": "adam", "optimizer_params": {"betas": 1}}, "betas.: 1"),
        ({"optimizer": "adam", "optimizer_params": {"betas": ("a", "b")}}, "Correct optimizer_par"),
        ({"optimizer": "sgd", "optimizer_params": {"momentum": -1}}, "Invalid momentum"),
        ({"optimizer": "lbfgs", "optimizer_params": {"line_search_fn": "none"}}, "strong_wolfe"),
        ({"optimizer": torch.optim.SparseAdam}, "SparseAdam cannot be used"),
        ({"optimizer": torch.optim.Optimizer}, "Optimizer cannot be used"),
    ],
)
def test_optimizers_that_cannot_take_a_step(estimator, given, y, params, said):
    with pytest.raises(ValueError, match=said):
        clone(estimator).set_params(**params).fit(given, y)


@pytest.mark.parametrize("optimizer", [torch.optim.Adamax, torch.optim.Rprop, torch.optim.ASGD])
def test_other_optimizers_of_torch(optimizer):
    assert np.isfinite(regressor(optimizer=optimizer).fit(X, Y).predict(X)).all()


def test_rates_of_any_type_of_number():
    expected = regressor(lr=0.25).fit(X, Y).predict(X)
    for lr in (Fraction(1, 4), np.float16(0.25)):
        np.testing.assert_array_equal(regressor(lr=lr).fit(X, Y).predict(X), expected)


@pytest.mark.parametrize("widths", [(10**12,), (10**30,), 10**30])
def test_networks_that_are_too_large(widths):
    model = NeuralRegressor(hidden_layer_sizes=widths)
    with pytest.raises(ValueError, match="'mlp' with hidden_layer_sizes=.* cannot be built"):
        model.fit(X, Y)


@pytest.mark.parametrize("max_length", [10**12, 10**30])
def test_rows_of_tokens_that_are_too_long(max_length):
    with pytest.raises(ValueError, match="2 rows of 10+ token ids.* GiB of memory"):
        TokenVectorizer(max_length=max_length).fit(["one two", "three"])


@pytest.mark.parametrize(
    ("estimator", "given", "y"),
    [
        (MetricEmbedder(n_components=10**12), X, Y > 0),
        (MetricEmbedder(n_components=10**30), X, Y > 0),
        (NeuralRegressor(HistogramCrossEntropy(n_bins=10**12)), X, Y),
        (NeuralRegressor(HistogramCrossEntropy(n_bins=10**30)), X, Y),
    ],
)
def test_outputs_that_are_too_many(estimator, given, y):
    with pytest.raises(ValueError, match="GiB of memory, and this machine has"):
        estimator.fit(given, y)


@pytest.mark.parametrize("scale_inputs", [torch.tensor([1, 2]), pd.NA, np.array([True, False])])
def test_scale_inputs_that_is_neither_true_nor_false(scale_inputs):
    with pytest.raises(ValueError, match="needs scale_inputs to be one of True, False"):
        regressor(scale_inputs=scale_inputs).fit(X, Y)


@pytest.mark.parametrize("error_score", [10**400, "nonsense", None, [0.0]])
def test_scores_of_failed_fits_that_are_no_numbers(error_score):
    search = LossSearchCV(regressor(), {"lr": [0.1]}, error_score=error_score)
    with pytest.raises(ValueError, match="error_score"):
        search.fit(X, Y)


def test_losses_whose_best_constant_overflows():
    model = NeuralSegmenter("multi_margin", max_epochs=1).set_params(loss__margin=1e30)
    with pytest.raises(FloatingPointError, match="less extreme hyperparameters"):
        model.fit(IMAGES, (IMAGES[:, 0] > 0.5).astype(int))


@pytest.mark.parametrize("delta", [1e-300, 1e300, 10**300, 1e-40])
def test_hyperparameters_that_the_precision_does_not_hold(delta):
    with pytest.raises(ValueError, match=r"Huber\(delta=.* float32 does not hold"):
        regressor(loss=Huber(delta), dtype="float32").fit(X, Y)
    assert np.isfinite(regressor(loss=Huber(delta), dtype="float64").fit(X, Y).predict(X)).all()


def test_hyperparameters_may_be_fractions():
    expected = regressor(loss=Huber(0.25)).fit(X, Y).predict(X)
    said = regressor(loss=Huber(Fraction(1, 4))).fit(X, Y).predict(X)
    np.testing.assert_array_equal(said, expected)


@pytest.mark.parametrize("cls", [Hinge, SquaredLogits, LDAM, Poly1])
def test_hyperparameters_of_classifiers_may_be_fractions(cls):
    name = next(iter(cls().params))
    whole, exact = cls(**{name: 0.25}), cls(**{name: Fraction(1, 4)})
    assert repr(exact) == repr(whole)
    net = NeuralClassifier(max_epochs=2, random_state=0)
    fits = [clone(net).set_params(loss=loss).fit(X, Y > 0) for loss in (whole, exact)]
    np.testing.assert_array_equal(*(fit.decision_function(X) for fit in fits))


def test_tokens_that_do_not_hash():
    with pytest.raises(TypeError, match="analyzer returns tokens that cannot be hashed"):
        TokenVectorizer(analyzer=lambda document: [[1]]).fit(["one"])
