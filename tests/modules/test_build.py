"""Modules by name, class, instance and factory."""

import pytest
import torch
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.modules import MLP, build_module

SOURCE = torch.Generator().manual_seed(0)


class Net(nn.Module):
    def __init__(self, in_features, num_classes, width=6):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, num_classes)
        )

    def forward(self, X):
        return self.layers(X)


def factory(n_features, n_outputs):
    return nn.Sequential(nn.Linear(n_features, 6), nn.Tanh(), nn.Linear(6, n_outputs))


def flat_output(n_features):
    return nn.Sequential(nn.Linear(n_features, 1), nn.Flatten(0))


def build(module, n_features=3, n_outputs=2, **params):
    return build_module(module, (n_features,), n_outputs, params, SOURCE)


def test_every_form_is_built():
    assert isinstance(build("mlp"), MLP)
    assert build(Net)(torch.zeros(5, 3)).shape == (5, 2)
    assert build(Net, width=9).layers[0].out_features == 9
    assert build(factory)(torch.zeros(5, 3)).shape == (5, 2)
    instance = nn.Linear(3, 2)
    built = build(instance)
    assert built is not instance
    assert torch.equal(built.weight, instance.weight)


def test_unknown_modules_start_from_the_given_generator():
    state = torch.get_rng_state()
    first, second = build(Net), build(Net)
    assert torch.equal(first.layers[0].weight, second.layers[0].weight)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("module", "params", "error", "message"),
    [
        ("mpl", {}, ValueError, "no built-in module 'mpl'; the names are 'mlp'"),
        (3, {}, TypeError, "module must be a name"),
        (nn.Linear(3, 2), {"width": 3}, ValueError, "already built"),
        (Net, {"depth": 3}, ValueError, "module Net cannot be called with module_params"),
        (lambda n_features: "net", {}, TypeError, "must return an nn.Module; it returned str"),
    ],
)
def test_what_does_not_build_is_named(module, params, error, message):
    with pytest.raises(error, match=message):
        build(module, **params)


@pytest.mark.parametrize("module", [Net, factory, flat_output, flat_output(10), nn.Linear])
def test_estimators_train_any_module(module, diabetes):
    X, y = diabetes
    model = NeuralRegressor(module=module, max_epochs=30, random_state=0, lr=0.05).fit(X, y)
    assert model.score(X, y) > 0.3
    again = NeuralRegressor(module=module, max_epochs=30, random_state=0, lr=0.05).fit(X, y)
    assert torch.equal(torch.from_numpy(model.predict(X)), torch.from_numpy(again.predict(X)))


def test_module_parameters_are_searched(diabetes):
    X, y = diabetes
    model = NeuralRegressor(module=Net, max_epochs=30, lr=0.05).set_params(module__width=9)
    assert model.fit(X, y).net_.module_.layers[0].out_features == 9
    assert model.get_params()["module__width"] == 9


def test_wrong_widths_are_said_on_both_sides(diabetes, digits):
    X, y = diabetes
    with pytest.raises(
        ValueError,
        match="module Linear returns 3 numbers per row.*squared_error for 1 target needs 1",
    ):
        NeuralRegressor(module=nn.Linear(10, 3)).fit(X, y)
    with pytest.raises(
        ValueError, match="failed on X of 10 features and its first linear layer takes 8"
    ):
        NeuralRegressor(module=nn.Linear(8, 1)).fit(X, y)
    with pytest.raises(
        ValueError, match="returns 3 numbers per row.*cross_entropy for 1 target needs 10"
    ):
        NeuralClassifier(module=nn.Linear(64, 3)).fit(*digits)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "huber", "focal", "hinge"])
def test_two_classes_may_have_one_output_or_two(loss, breast_cancer):
    X, y = breast_cancer
    for n_outputs in (1, 2):
        module = nn.Linear(30, n_outputs)
        model = NeuralClassifier(loss, module=module, max_epochs=20, lr=0.02, random_state=0)
        assert model.fit(X, y).score(X, y) > 0.93
        assert model.decision_function(X).shape == (len(X),)


def test_module_must_return_a_tensor_of_rows(diabetes):
    class Pair(nn.Module):
        def forward(self, X):
            return X, X

    X, y = diabetes
    with pytest.raises(ValueError, match="one row per row of X; for 2 rows it returned tuple"):
        NeuralRegressor(module=Pair()).fit(X, y)
