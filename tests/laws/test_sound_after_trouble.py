"""What must hold when input changes between calls, when a fit fails, or when modules and losses
misbehave."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse
from skorch.callbacks import LRScheduler
from torch import nn
from torch.nn import functional

from sklloss import (
    Criterion,
    NeuralClassifier,
    NeuralRegressor,
    NeuralSegmenter,
    SequenceTranscriber,
)
from sklloss.losses import get_loss
from sklloss.modules import MLP
from sklloss.training import ENCODINGS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = 2 * X[:, 0] + X[:, 1] + 0.1 * RNG.normal(size=120)
LABELS = np.where(Y > 0, "yes", "no")


def regressor(**params):
    return NeuralRegressor(**{"max_epochs": 20, "lr": 0.005, "random_state": 0, **params})


def classifier(**params):
    return NeuralClassifier(**{"max_epochs": 20, "lr": 0.005, "random_state": 0, **params})


def test_sparse_rows_after_a_dense_fit_are_centred():
    model = regressor().fit(X + 5, Y)
    converted = model.predict(sparse.csr_array(X + 5))
    np.testing.assert_allclose(converted, model.predict(X + 5), rtol=1e-5)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_entries_of_sparse_rows_at_one_place_are_added(encoding):
    # As in the term-document matrix of SciPy's documentation: 1 for each word, also if repeated.
    words = RNG.integers(0, 5, (120, 12))
    where = np.full(words.size, 1.0), words.ravel(), 12 * np.arange(121)
    repeated = sparse.csr_array(where, shape=(120, 5))
    summed = sparse.csr_array(repeated.toarray())
    model = regressor(numeric_encoding=encoding).fit(repeated, Y)
    expected = regressor(numeric_encoding=encoding).fit(summed, Y).predict(summed)
    np.testing.assert_array_equal(model.predict(repeated), expected)
    assert repeated.nnz == words.size


@pytest.mark.parametrize(
    ("params", "bad_X", "bad_y"),
    [
        ({"loss": "poisson"}, 100 * X + 7, -np.exp(Y)),
        ({"loss": "mse"}, X[:, :2], np.full(120, np.nan)),
        ({"loss": "mse"}, X[:, :2], np.c_[Y, Y][:60]),
    ],
)
def test_a_failed_refit_leaves_the_estimator_as_it_was(params, bad_X, bad_y):
    model = regressor(**params).fit(X, np.exp(Y))
    before = model.predict(X)
    with pytest.raises(ValueError, match="needs y|NaN|inconsistent"):
        model.fit(bad_X, bad_y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_failed_refit_keeps_the_classes():
    model = classifier().fit(X, LABELS)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="has the label 'zz'"):
        model.set_params(class_weight={"zz": 1}).fit(X, np.digitize(Y, [-1, 1]).astype(str))
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert set(model.predict(X)) == {"yes", "no"}


@pytest.mark.parametrize("cls", [NeuralClassifier, NeuralSegmenter, SequenceTranscriber])
def test_a_first_call_that_fails_leaves_no_trace(cls):
    model = cls()
    before = dict(vars(model))
    all_labels = {"symbols" if cls is SequenceTranscriber else "classes": ["p", "q"]}
    for call in (model.fit, partial(model.partial_fit, **all_labels)):
        with pytest.raises(ValueError, match="NaN|dim 3"):
            call(np.full((2, 4, 4), np.nan), np.zeros((2, 4, 4)))
        assert vars(model) == before


def test_diverged_warm_start_goes_back_to_what_was_learnt():
    model = regressor(warm_start=True, optimizer="sgd", optimizer_params={"momentum": 0.0}).fit(
        X, Y
    )
    before, epochs = model.predict(X), model.n_iter_
    with pytest.raises(FloatingPointError):
        model.set_params(lr=1e30).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.n_iter_ == len(model.history_) == epochs
    model.set_params(lr=0.005).fit(X, Y)
    assert model.n_iter_ == 2 * epochs


def test_divergence_in_the_last_epoch_is_seen():
    with pytest.raises(FloatingPointError, match="turned NaN or infinite"):
        regressor(max_epochs=1, lr=1e200).fit(X, Y)
    with pytest.raises(FloatingPointError, match="turned NaN or infinite"):
        regressor(lr=1e200).partial_fit(X, Y)


def test_warm_start_applies_what_it_can_and_refuses_the_rest():
    model = regressor(warm_start=True, max_epochs=5).fit(X, Y)
    model.set_params(max_epochs=12, weight_decay=0.1, batch_size=30).fit(X, Y)
    assert model.n_iter_ == 17
    assert model.net_.batch_size == 30
    assert model.net_.weight_decay == 0.1
    for name, value in {"hidden_layer_sizes": (7,), "optimizer": "sgd", "dropout": 0.5}.items():
        with pytest.raises(ValueError, match=f"{name} was .* when this network was built"):
            copy.deepcopy(model).set_params(**{name: value}).fit(X, Y)


def test_batch_size_follows_each_call():
    model = regressor().partial_fit(X[:5], Y[:5])
    assert model.net_.batch_size == 5
    assert model.partial_fit(X, Y).net_.batch_size == 120


class WritesIntoX(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, X):
        return self.last(X.mul_(1.5))


def writes_into_y(prediction, y):
    y.mul_(1.1)
    return (prediction - y) ** 2


def reads_y(prediction, y):
    return (prediction - 1.1 * y) ** 2


def test_modules_and_losses_cannot_write_into_the_data():
    model = regressor(module=WritesIntoX, lr=0.05).fit(X, Y)
    assert model.score(X, Y) > 0.8
    writing, reading = (regressor(loss=f).fit(X, Y).predict(X) for f in (writes_into_y, reads_y))
    np.testing.assert_allclose(writing, reading, rtol=1e-6)


class Constant(MLP):
    def forward(self, X):
        return super().forward(X) * 0 + 7


def test_subclasses_and_frozen_perceptrons_run_as_they_are_defined():
    with pytest.warns(UserWarning, match="worse than the best constant"):
        model = regressor(module=Constant, scale_target=False).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), 7)
    frozen = MLP(4, 1, (8,), generator=torch.Generator().manual_seed(0))
    frozen.linears[0].requires_grad_(False)
    fitted = regressor(module=frozen).fit(X, Y).net_.module_
    torch.testing.assert_close(fitted.linears[0].weight, frozen.linears[0].weight.double())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused():
    traced = torch.jit.trace(nn.Linear(4, 1), torch.zeros(1, 4))
    with pytest.raises(TypeError, match="TorchScript"):
        regressor(module=traced).fit(X, Y)


def test_a_last_batch_of_one_row_suits_batch_norm():
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    model = regressor(module=module, batch_size=17, lr=0.02).fit(X, Y)  # 120 = 7 * 17 + 1
    assert model.score(X, Y) > 0.8


def test_fully_frozen_module_predicts():
    module = nn.Linear(4, 1).requires_grad_(False)
    nn.init.constant_(module.bias, 100.0)
    model = regressor(module=module, scale_target=False, max_epochs=1)
    with pytest.warns(UserWarning, match="worse than the best constant"):
        model.fit(X, Y)
    assert model.predict(X).shape == (120,)


def test_inverse_link_gets_logits_of_rows():
    def loss(logits, y):
        return functional.cross_entropy(logits, y, reduction="none")

    loss.inverse_link = lambda z: z.softmax(1)
    p = classifier(loss=loss).fit(X, LABELS).predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    loss.inverse_link = lambda z: z.softmax(1)[:, :1]
    with pytest.raises(ValueError, match="inverse_link of loss loss must turn logits"):
        classifier(loss=loss).fit(X, LABELS).predict_proba(X)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(label_smoothing=0.5),
        nn.CrossEntropyLoss(weight=torch.tensor([9.0, 1.0])),
        nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.1)),
    ],
)
def test_torch_losses_that_change_the_law_have_no_probabilities(loss):
    assert not hasattr(get_loss(loss, task="classification"), "predict_proba")
    assert hasattr(get_loss(nn.CrossEntropyLoss(), task="classification"), "predict_proba")


def test_functions_of_torch_stand_for_their_classes():
    by_function = classifier(loss=functional.nll_loss).fit(X, LABELS)
    by_class = classifier(loss=nn.NLLLoss).fit(X, LABELS)
    np.testing.assert_array_equal(by_function.predict_proba(X), by_class.predict_proba(X))
    assert (
        regressor(loss=functional.huber_loss)
        .set_params(loss__delta=0.5)
        .get_params()["loss__delta"]
        == 0.5
    )


class Hides(nn.Module):
    def __init__(self, a=1.0, b=1.0):
        super().__init__()
        self._a, self.b = a, b

    def forward(self, prediction, y):
        return self._a * (prediction - y).abs() ** self.b


def test_an_instance_that_hides_its_arguments_cannot_be_rebuilt():
    with pytest.raises(ValueError, match="does not keep its argument 'a'"):
        regressor(loss=Hides(a=5.0)).set_params(loss__b=2.0).fit(X, Y)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda p, y: (p - y).long(), "numbers of dtype torch.int64"),
        (lambda p, y: (p - y).detach() ** 2, "without a gradient"),
        (lambda p, y: None, "returned NoneType"),
    ],
)
def test_what_own_losses_must_not_return(loss, message):
    with pytest.raises(ValueError, match=message):
        regressor(loss=loss).fit(X, Y)


def test_weights_of_validation_rows_do_not_rescale_training():
    split = (np.arange(80), np.arange(80, 120))
    options = {
        "early_stopping": True,
        "validation_fraction": split,
        "weight_decay": 0.1,
        "n_iter_no_change": 50,
    }
    even = regressor(**options, scale_inputs=False, scale_target=False)
    weights = np.where(np.arange(120) < 80, 1.0, 1000.0)
    plain = copy.deepcopy(even).fit(X, Y).history_[:, "train_loss"]
    weighted = even.fit(X, Y, sample_weight=weights).history_[:, "train_loss"]
    assert weighted[1:] == pytest.approx(plain[1:], rel=0.5)


def test_schedules_reach_the_optimizer_of_a_copy():
    options = {"warm_start": True, "max_epochs": 4, "batch_size": 30}
    model = regressor(**options, callbacks=[LRScheduler("StepLR", step_size=1, gamma=0.1)]).fit(
        X, Y
    )
    again = pickle.loads(pickle.dumps(model))
    for m in (model, again):
        m.fit(X, Y)
    rates = [m.net_.optimizer_.param_groups[0]["lr"] for m in (model, again)]
    assert rates[0] == pytest.approx(rates[1])


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((np.arange(50), np.arange(100, 400)), "names row 399; X has 120 rows"),
        ((np.arange(50), np.array([-1])), "names row -1"),
    ],
)
def test_indices_outside_the_rows_are_named(split, message):
    with pytest.raises(ValueError, match=message):
        regressor(early_stopping=True, validation_fraction=split).fit(X, Y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"foo": 1}, "module 'mlp' has no parameter 'foo'; its parameters are activation"),
        ({"activation": "foo"}, "activation to be one of"),
        ({"dropout": 1.0}, "dropout < 1"),
    ],
)
def test_parameters_of_the_built_in_network(params, message):
    with pytest.raises(ValueError, match=message):
        regressor(module_params=params).fit(X, Y)


def test_labels_may_not_change_their_kind_while_training_goes_on():
    model = classifier(warm_start=True).fit(X, np.c_[Y > 0, X[:, 0] > 0].astype(int))
    with pytest.raises(ValueError, match="Give the same labels"):
        model.fit(X, LABELS)
    with pytest.raises(ValueError, match="multi-label y needs 0 and 1; it has the values"):
        classifier().fit(X, np.c_[np.sign(Y), -np.sign(Y)])


def test_whole_numbers_are_no_regression_targets_for_a_criterion():
    with pytest.raises(ValueError, match="class indices from 0 to 1.*criterion__task='regression'"):
        Criterion("huber")(torch.zeros(5, 1), torch.tensor([0, 1, 5, 3, 9]))


def test_numbers_of_numpy_are_parameters_too():
    model = regressor(
        hidden_layer_sizes=np.array([5, 5]), early_stopping=np.True_, max_epochs=np.int64(2)
    )
    assert model.fit(X, Y).n_iter_ == 2


def test_optimizers_and_devices_that_do_not_work_are_named():
    with pytest.raises(ValueError, match="optimizer AdamW has no argument 'foo'"):
        regressor(optimizer_params={"foo": 5}).fit(X, Y)
    with pytest.raises(ValueError, match="device='foo' cannot be used here"):
        regressor(device="foo").fit(X, Y)
    assert regressor(optimizer_params={"foreach": True}).fit(X, Y).score(X, Y) > 0.3


def test_targets_too_large_to_be_summed_are_named():
    with pytest.raises(ValueError, match="y has values too large to be summed"):
        regressor().fit(X, np.linspace(1.6e308, 1.7e308, 120))


@pytest.mark.parametrize("power", [-170, 160, 200])
@pytest.mark.parametrize("loss", ["mse", "mae", "poisson"])
def test_predictions_grow_with_y_where_its_squares_have_no_number(loss, power):
    y = Y - Y.min() + 1
    as_given, other = (regressor(loss=loss).fit(X, y * unit) for unit in (1.0, 10.0**power))
    np.testing.assert_allclose(other.predict(X) / 10.0**power, as_given.predict(X), rtol=1e-3)


@pytest.mark.parametrize("power", [-170, 160, 200])
def test_standardised_features_have_no_unit(power):
    as_given, other = (
        regressor(numeric_encoding="standard").fit(table, Y).predict(table)
        for table in (X, X * 10.0**power)
    )
    np.testing.assert_allclose(other, as_given, rtol=1e-3)


@pytest.mark.parametrize("power", [160, 200, 300])
def test_encodings_by_quantiles_take_large_numbers(power):
    as_given, large = regressor().fit(X, Y), regressor().fit(X * 10.0**power, Y)
    np.testing.assert_allclose(large.predict(X * 10.0**power), as_given.predict(X), rtol=1e-6)


def test_a_number_is_no_table():
    model = NeuralRegressor(max_epochs=1).fit(np.eye(3), [1, 2, 3])
    for X in (1.0, np.array(1.0)):
        with pytest.raises(ValueError, match="Expected 2D array, got scalar"):
            model.predict(X)
