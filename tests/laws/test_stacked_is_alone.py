"""A model trained in a stack is the model that its own fit gives, bit for bit: losses and
settings."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from sklloss.modules.activations import ACTIVATIONS
from sklloss.training import OPTIMIZERS

from ..loss_instances import ALL, OF_TABLES
from ..stacked_and_alone import (
    assert_same,
    assert_stacked_is_alone,
    fitted_alone,
    fitted_together,
    heights,
)
from .small_models import (
    BAGGED,
    CLASSES,
    COUNTS,
    FEATURES,
    POSITIVE,
    POSTERIORS,
    REGRESSION,
    RNG,
    X,
    classifiers,
    regressors,
    varied,
)

pytestmark = pytest.mark.filterwarnings(  # three epochs of dropout and penalties learn little
    "ignore:.*worse than the best constant:sklearn.exceptions.ConvergenceWarning"
)


PENALTIES = {
    "weight_decay": [0.0, 0.1, 0.0, 0.01],
    "l1": [0.0, 0.0, 0.01, 0.003],
    "dropout": [0.0, 0.3, 0.0, 0.5],
}


# ---------------------------------------------------------------------- every loss


def of_class(cls, n_models, **params):
    """Return models of a class's losses that can share a stack, and targets for them."""
    losses = [loss for loss in ALL if type(loss) is cls and loss.structure == cls().structure]
    if cls.task == "regression":
        return regressors(n_models, losses, **params), COUNTS + 1
    models = classifiers(n_models, losses, **params)
    if not cls.whole_batch:
        varied(models, class_weight=[None, {0: 1.0, 1: 0.4}, {0: 3.0}, None])
    return models, CLASSES if cls.multi_class else CLASSES > 0


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_every_loss(cls):
    """With parameters, rates, penalties and dropout of their own; and after another epoch."""
    models, y = of_class(cls, 4)
    assert_stacked_is_alone(varied(models, **PENALTIES), X, y, goes_on=True)


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_every_loss_with_members_that_hold_out_folds(cls):
    """The default, with few epochs of a small network: a stack has 8 members of each model."""
    few = {"batch_size": "auto", "hidden_layer_sizes": (8,), "max_epochs": 4, "n_iter_no_change": 1}
    models, y = of_class(cls, 3, **BAGGED, **few)
    stacked = assert_stacked_is_alone(models, X, y, goes_on=True)
    assert [len(model.members_) for model in stacked] == [8] * 3


def test_losses_of_other_widths_do_not_share():
    """Their nets differ in shape: each is trained in its own stack, and equal all the same."""
    for name, params in {
        "cross_entropy": {"loss__n_bins": 20},
        "multi_quantile": {"loss__quantiles": (0.1, 0.9)},
    }.items():
        models = regressors(4, [name])
        for model in models[2:]:
            model.set_params(**params)
        with heights() as seen:
            stacked = fitted_together(models, X, POSITIVE)
        assert seen == [2, 2]
        assert_same(stacked, fitted_alone(models, X, POSITIVE), X)


def one_of_each(task):
    """Return the losses of a task that share stacks with others."""
    alone = ("multi_quantile", "cross_entropy") if task == "regression" else ()
    chosen = [cls() for cls in OF_TABLES if cls.task == task and cls.name not in alone]
    return [loss for loss in chosen if not loss.whole_batch]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_all_losses_together(task):
    """As many stacks as there are shapes of networks and kinds of trained parts."""
    losses = one_of_each(task)
    make, y = (
        (regressors, COUNTS + 1) if task == "regression" else (classifiers, CLASSES.clip(0, 1))
    )
    models = varied(make(len(losses), losses), **PENALTIES)
    with heights() as seen:
        stacked = fitted_together(models, X, y)
    assert max(seen) > 15
    assert_same(stacked, fitted_alone(models, X, y), X)


# ---------------------------------------------------------------------- shapes and settings


@pytest.mark.parametrize("hidden", [(), (32,), (64, 64), (100, 37), (1,)])
@pytest.mark.parametrize(("width", "rows"), [(1, 33), (2, 128), (7, 50), (20, 33), (57, 128)])
def test_shapes(hidden, width, rows):
    models = regressors(hidden_layer_sizes=hidden, batch_size=rows, max_epochs=2)
    assert_stacked_is_alone(models, FEATURES[:, :width], POSITIVE)


@contextmanager
def torch_threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    models = regressors(3, hidden_layer_sizes=(100, 37), batch_size=33, activation=activation)
    assert_stacked_is_alone(varied(models, dropout=[0.0, 0.2]), FEATURES, POSITIVE, goes_on=True)


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("activation", ["tanh", "elu", "silu"])
def test_large_steps(activation, n_threads):
    """They are shared among threads; 250 x 208 numbers do not divide well by three."""
    models = regressors(3, hidden_layer_sizes=(250, 250), batch_size=200, max_epochs=2)
    for model in models:
        model.set_params(activation=activation)
    with torch_threads(n_threads):
        assert_stacked_is_alone(models, FEATURES, POSITIVE)


@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - {"lbfgs"}))
@pytest.mark.parametrize("large", [False, True])
def test_optimizers(optimizer, large):
    shape = {
        "hidden_layer_sizes": (250, 250) if large else (33, 5),
        "max_epochs": 1 if large else 3,
    }
    models = regressors(3, optimizer=optimizer, batch_size=100, **shape)
    varied(models, weight_decay=[0.1, 0.0, 0.01], l1=[0.0, 0.001, 0.0])
    with torch_threads(2 if large else 1):
        assert_stacked_is_alone(models, FEATURES, POSITIVE, goes_on=not large)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer_params": {"amsgrad": True}},
        {"optimizer_params": {"betas": (0.8, 0.9)}},
        {"optimizer": "sgd", "optimizer_params": {"momentum": 0.0}},
        {"optimizer": "sgd", "optimizer_params": {"nesterov": True}},
        {"optimizer": torch.optim.Adamax},
    ],
    ids=str,
)
def test_optimizers_with_arguments(options):
    assert_stacked_is_alone(regressors(3, **options), X, POSITIVE, goes_on=True)


@pytest.mark.parametrize(
    "params",
    [
        {"dtype": "float64"},
        {"batch_size": "auto"},  # 64 rows, and those that do not fill a batch left out
        {"batch_size": 230},  # all rows in one batch, float64
        {"batch_size": 229},  # a last batch of one row
        {"batch_size": 1, "max_epochs": 1},
        {"scale_inputs": False},
        {"numeric_encoding": "auto"},
        {"scale_target": False},
        {"tol": 0.5, "n_iter_no_change": 1, "max_epochs": 8},
    ],
    ids=str,
)
def test_settings(params):
    assert_stacked_is_alone(regressors(**params), X, POSITIVE, goes_on=True)


def test_settings_of_their_own():
    models = varied(regressors(), scale_inputs=[True, False], scale_target=[True, True, False])
    assert_stacked_is_alone(models, X, POSITIVE)


def test_weights_of_rows():
    weights = RNG.integers(0, 3, 230)
    assert_stacked_is_alone(regressors(), X, POSITIVE, sample_weight=weights)
    models = varied(classifiers(), class_weight=[None, "balanced", {1: 5.0}])
    assert_stacked_is_alone(models, X, CLASSES, sample_weight=weights)


@pytest.mark.parametrize(
    ("make", "losses", "y"),
    [
        (regressors, REGRESSION, np.c_[POSITIVE, POSITIVE**2, POSITIVE[::-1]]),
        (regressors, ["adaptive", "adaptive"], np.c_[POSITIVE, POSITIVE[::-1]]),
        (classifiers, POSTERIORS, CLASSES > 0),
        (classifiers, POSTERIORS, np.array(["b", "c", "a"])[CLASSES]),
        (classifiers, ["cumulative_link"], CLASSES),
        (classifiers, ["asymmetric", "focal"], np.c_[CLASSES > 0, CLASSES > 1, X[:, 1] > 0] + 0),
        (regressors, [nn.SmoothL1Loss], POSITIVE),
        (classifiers, [nn.CrossEntropyLoss], CLASSES),
    ],
    ids=["targets", "trained", "binary", "strings", "ordinal", "labels", "own", "own classes"],
)
def test_targets(make, losses, y):
    assert_stacked_is_alone(make(5, losses), X, y, goes_on=True)


def test_sparse_features():
    thin = sparse.csr_array(np.where(RNG.random(FEATURES.shape) < 0.2, FEATURES, 0))
    assert_stacked_is_alone(regressors(), thin, POSITIVE, goes_on=True)


def test_batches_that_threads_share():
    """The sum over a batch of 33 000 rows, which torch splits where it is the only one."""
    many = np.tile(FEATURES[:, :3], (150, 1)).astype(np.float32)
    shape = {"batch_size": 33_000, "hidden_layer_sizes": (40,), "max_epochs": 1}
    with torch_threads(2):
        assert_stacked_is_alone(regressors(2, ["crps"], **shape), many, np.tile(POSITIVE, 150))


# ---------------------------------------------------------------------- memory-mapped features


class CountsReads(np.memmap):
    """Notes what is read."""

    reads = 0

    def __getitem__(self, item):
        type(self).reads += 1
        return super().__getitem__(item)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale_inputs", [True, False])
def test_features_on_disk_are_those_in_memory(dtype, scale_inputs, tmp_path):
    values = X.astype(dtype)
    path = tmp_path / "X.bin"
    values.tofile(path)
    mapped = CountsReads(path, dtype=dtype, mode="r", shape=X.shape)
    CountsReads.reads = 0
    models = regressors(3, scale_inputs=scale_inputs)
    with heights() as seen:
        stacked = fitted_together(models, mapped, POSITIVE)
    assert seen == [3]
    assert_same(stacked, fitted_alone(models, values, POSITIVE), X)
    np.testing.assert_array_equal(stacked[0].predict(mapped), stacked[0].predict(values))
    assert CountsReads.reads < 30
    np.testing.assert_array_equal(np.fromfile(path, dtype=dtype).reshape(X.shape), values)
