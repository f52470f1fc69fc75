"""Subclasses of Loss that users write, registered or not."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import (
    ClassificationLoss,
    Interval,
    RegressionLoss,
    get_loss,
    list_losses,
    parameter,
    register_loss,
)

from .small_models import ONE_NETWORK


@dataclass(frozen=True)
class Quartic(RegressionLoss):
    """A loss with no name, no baseline and a plain default."""

    factor: float = 1.0

    def pointwise(self, raw, y, state):
        return state["factor"] * (raw.squeeze(-1) - y) ** 4


@dataclass(frozen=True)
class Tilted(RegressionLoss):
    """A loss with a name, a domain and an alias."""

    name = "tilted"
    aliases = ("lin",)
    functional = "between mean and maximum"

    slope: float = parameter(1.0, Interval(0, closed="neither"))

    def pointwise(self, raw, y, state):
        error = state["slope"] * (y - raw.squeeze(-1))
        return (error.clamp(max=10).exp() - 1 - error) / state["slope"] ** 2


@dataclass(frozen=True)
class Savage(ClassificationLoss):
    """The Savage loss of two classes, with its posterior."""

    multi_class = False

    def pointwise(self, raw, y, state):
        sign = 2 * y.unsqueeze(-1) - 1
        return (4 * torch.sigmoid(-2 * sign * raw) ** 2).squeeze(-1)

    def predict_proba(self, raw, state):
        p = torch.sigmoid(2 * raw)
        return torch.cat((1 - p, p), -1)


def small(estimator, loss, **params):
    return estimator(
        loss, **ONE_NETWORK, max_epochs=40, hidden_layer_sizes=(16,), random_state=0, **params
    )


@pytest.mark.parametrize(
    "loss", [Quartic, Quartic(), Quartic(factor=2.0), Tilted, Tilted(slope=0.5)]
)
def test_a_class_or_an_instance_trains_unregistered(loss, diabetes):
    X, y = diabetes
    model = small(NeuralRegressor, loss).fit(X, y)
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.6
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).fit(X, y).n_iter_ == model.n_iter_
    weights = np.arange(len(y)) % 3
    weighted = small(NeuralRegressor, loss, batch_size=2000).fit(X, y, sample_weight=weights)
    repeated = small(NeuralRegressor, loss, batch_size=2000).fit(
        X.repeat(weights, 0), y.repeat(weights)
    )
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X))


def test_the_best_constant_is_found_without_a_formula(diabetes):
    y = torch.from_numpy(diabetes[1] / 100)[:, None]
    loss = Quartic()
    ones = torch.ones(len(y), dtype=torch.float64)
    baseline = loss.baseline(y, ones, loss.prepare(y, ones))
    grid = torch.linspace(0.5, 3, 2501, dtype=torch.float64)
    best = grid[((grid - y) ** 4).mean(0).argmin()]
    assert baseline.item() == pytest.approx(best.item(), abs=2e-3)


def test_a_classification_loss_brings_its_posterior(breast_cancer):
    X, y = breast_cancer
    model = small(NeuralClassifier, Savage).fit(X, y)
    assert model.score(X, y) > 0.93
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, atol=1e-6)


def test_parameters_are_searched_and_checked(diabetes):
    X, y = diabetes
    grid = [
        {"loss": [Quartic], "loss__factor": [0.5, 1.0]},
        {"loss": [Tilted()], "loss__slope": [1.0]},
    ]
    search = GridSearchCV(small(NeuralRegressor, "mse"), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with pytest.raises(ValueError, match="Tilted needs slope > 0"):
        small(NeuralRegressor, Tilted(slope=-1.0)).fit(X, y)


def test_a_registered_loss_is_known_by_its_names(diabetes):
    assert register_loss(Tilted) is Tilted
    assert get_loss("tilted", task="regression") == Tilted()
    assert get_loss("LIN", task="regression", slope=2.0) == Tilted(slope=2.0)
    row = list_losses("regression").set_index("name").loc["tilted"]
    assert row["parameters"] == "slope=1.0 (slope > 0)"
    X, y = diabetes
    model = small(NeuralRegressor, "tilted").set_params(loss__slope=0.5).fit(X, y)
    assert model.loss_ == Tilted(slope=0.5)
    register_loss(Tilted)  # a cell that runs again
    assert (list_losses("regression")["name"] == "tilted").sum() == 1
    with pytest.raises(ValueError, match="Did you mean 'tilted'"):
        get_loss("tilte", task="regression")


def test_without_registering_the_name_is_unknown():
    with pytest.raises(ValueError, match="no regression loss 'tilted'"):
        get_loss("tilted", task="regression")


def test_what_cannot_be_registered_is_said():
    with pytest.raises(ValueError, match="Quartic has no name to register it by"):
        register_loss(Quartic)
    with pytest.raises(TypeError, match="takes a subclass of RegressionLoss"):
        register_loss(abs)

    @dataclass(frozen=True)
    class Taken(Quartic):
        name = "Huber"

    with pytest.raises(ValueError, match="cannot have the name 'Huber': Huber has it"):
        register_loss(Taken)


def test_a_forgotten_decorator_is_said(diabetes):
    class Forgot(Quartic):
        power: float = 2.0

    with pytest.raises(TypeError, match="declares 'power' but is not a dataclass itself"):
        small(NeuralRegressor, Forgot()).fit(*diabetes)


def test_a_lambda_trains_and_python_says_that_it_cannot_be_pickled(diabetes):
    X, y = diabetes
    model = small(NeuralRegressor, lambda prediction, y: (prediction - y).abs()).fit(X, y)
    assert model.predict(X).shape == y.shape
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(model)


def returning(value):
    @dataclass(frozen=True)
    class Returns(RegressionLoss):
        def pointwise(self, raw, y, state):
            return value(raw, y)

    return Returns()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda raw, y: (raw.squeeze(-1) - y.squeeze(-1)) ** 2, r"it returned \(5, 5\)"),
        (lambda raw, y: ((raw.squeeze(-1) - y) ** 2).mean(), r"it returned \(\)"),
        (lambda raw, y: (raw - y.unsqueeze(-1)) ** 2, r"it returned \(5, 1, 1\)"),
        (lambda raw, y: None, "it returned NoneType"),
        (lambda raw, y: raw.detach().numpy(), "it returned ndarray"),
        (lambda raw, y: raw.squeeze(-1) > y, "numbers of dtype torch.bool"),
        (lambda raw, y: (raw.squeeze(-1) - y).detach() ** 2, "without a gradient"),
    ],
)
def test_values_that_cannot_be_trained_on_are_refused_before_training(value, message, diabetes):
    with pytest.raises(
        (TypeError, ValueError), match=f"pointwise of loss 'Returns' must.*{message}"
    ):
        small(NeuralRegressor, returning(value)).fit(*diabetes)


def test_a_subclass_without_a_formula_says_so(diabetes):
    @dataclass(frozen=True)
    class Empty(RegressionLoss):
        name = "empty"

    with pytest.raises(NotImplementedError, match="Empty needs a method pointwise"):
        small(NeuralRegressor, Empty()).fit(*diabetes)
    with pytest.raises(TypeError, match="Empty needs a method pointwise"):
        register_loss(Empty)


@pytest.mark.parametrize(
    "names", [{"name": 3}, {"name": "a b"}, {"name": "a__b"}, {"aliases": "abc"}]
)
def test_names_that_are_none_are_refused(names):
    cls = dataclass(frozen=True)(type("Odd", (Tilted,), {"name": "odd", **names}))
    with pytest.raises(ValueError, match="Odd needs a name, and a tuple of aliases"):
        register_loss(cls)
