"""What fits that are prepared one after another make once and share."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.cache import Cache
from sklloss.estimators.fit.prepare import Preparation
from sklloss.estimators.inputs.data import FitData
from sklloss.training import InputScaler, TrainingSet, engine

from ...stacked_and_alone import fitted_together

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
QUICK = {
    "max_epochs": 1, "hidden_layer_sizes": (), "numeric_encoding": "standard", "random_state": 0,
}  # fmt: skip


class Counter:
    """Counts its calls; returns a new list each time."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return []


def test_a_shelf_makes_once_what_has_one_key():
    cache, make = Cache(), Counter()
    first = cache.once(("a", 1), make)
    assert cache.once(("a", 1), make) is first
    assert cache.once(("a", 2), make) is not first
    assert Cache().once(("a", 1), make) is not first
    assert make.calls == 3


def test_a_key_that_does_not_hash_is_never_met_again():
    cache, make = Cache(), Counter()
    assert cache.once(("a", []), make) is not cache.once(("a", []), make)
    assert make.calls == 2


def test_a_shelf_keeps_alive_whose_id_is_in_a_key():
    class Rows:
        pass

    cache, rows = Cache(), Rows()
    key = id(rows)
    cache.once(key, list, keep=rows)
    del rows
    assert all(id(Rows()) != key for _ in range(10))


def test_learners_get_what_the_first_of_them_learnt_and_nothing_else():
    cache, data = Cache(), FitData(X, Y > 0)
    first, second = (NeuralClassifier(lr=lr, **QUICK) for lr in (0.001, 0.01))
    before = dict(vars(first)), dict(vars(second))
    one, other = (Preparation(each, cache).of(data).learned for each in (first, second))
    assert one.target is other.target
    assert one.inputs is other.inputs
    assert one.input_scaler is other.input_scaler
    assert (vars(first), vars(second)) == before


@pytest.mark.parametrize("estimator", [NeuralRegressor, NeuralClassifier])
def test_fits_in_company_scale_and_hold_the_same_rows_once(estimator, monkeypatch):
    scaled, trained = [], []

    def fit(X, sample_weight, original=InputScaler.fit):
        scaled.append(len(X))
        return original(X, sample_weight)

    def take(self, nets, data, original=engine.Engine._take):
        trained.append(data)
        return original(self, nets, data)

    monkeypatch.setattr(InputScaler, "fit", fit)
    monkeypatch.setattr(engine.Engine, "_take", take)
    y = Y if estimator is NeuralRegressor else Y > 0
    rates = (0.001, 0.01, 0.1)
    fitted_together([estimator(lr=lr, **QUICK) for lr in rates], X, y)
    assert scaled == [len(X)]
    assert len(trained[0]) == len(rates)
    for part in TrainingSet.__dataclass_fields__:
        assert len({id(getattr(data, part)) for data in trained[0]}) == 1, part


def stacked():
    return fitted_together([NeuralRegressor(lr=lr, **QUICK) for lr in (0.001, 0.01)], X, Y)


def members():
    model = NeuralRegressor(n_members=2, **QUICK).fit(X, Y)
    return [SimpleNamespace(net_=net) for net in model.members_]


@pytest.mark.parametrize("fitted", [stacked, members])
def test_loading_into_one_model_leaves_the_others_alone(fitted):
    one, other = (model.net_.criterion_ for model in fitted())
    before = {name: value.clone() for name, value in other.state_dict().items()}
    one.load_state_dict({name: value + 1 for name, value in one.state_dict().items()})
    assert "baseline" in before
    for name, value in other.state_dict().items():
        assert torch.equal(value, before[name]), name
