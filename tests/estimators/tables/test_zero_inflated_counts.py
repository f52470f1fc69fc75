"""Zero-inflated losses trained on counts whose extra zeros we know."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy import special, stats
from statsmodels.discrete import count_model

from sklloss import NeuralRegressor
from sklloss.losses import State

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1600, 3))
EXTRA = special.expit(X[:, 1] - 0.5)  # the probability of an extra zero, 0.39 on average
MEAN = np.exp(1 + 0.6 * X[:, 0])
OF_ZERO = RNG.random(1600) < EXTRA
POISSON = np.where(OF_ZERO, 0, RNG.poisson(MEAN))
DISPERSED = np.where(OF_ZERO, 0, RNG.negative_binomial(2, 2 / (2 + MEAN)))
TRAIN, TEST = slice(800), slice(800, None)


@cache
def trained(loss: str, dispersed: bool = False) -> NeuralRegressor:
    """Train a linear model, as statsmodels' are."""
    model = NeuralRegressor(
        loss,
        n_members=1,
        hidden_layer_sizes=(),
        numeric_encoding="standard",
        early_stopping=False,
        lr=0.02,
        max_epochs=60,
        random_state=0,
    )
    return model.fit(X[TRAIN], (DISPERSED if dispersed else POISSON)[TRAIN])


def raw_of(model: NeuralRegressor) -> torch.Tensor:
    """Return raw output of the test rows, (n, 1, outputs)."""
    return model.to_module("raw")(torch.from_numpy(X[TEST])).detach().double()


def scores_of(model: NeuralRegressor, y: np.ndarray) -> tuple[float, float]:
    """Return the mean log-likelihood of the test rows, and the predicted share of zeros."""
    targets, raw = torch.from_numpy(y[TEST])[:, None].double(), raw_of(model)
    state = State({key: value.double()[0] for key, value in model.loss_state_.items()})
    likelihood = -model.loss_.pointwise(raw, targets, state).mean().item()
    return likelihood, model.loss_.cdf(raw, torch.zeros(800, 1, 1), state).mean().item()


def poisson_scores(y: np.ndarray) -> tuple[float, float]:
    mean = trained("poisson").predict(X[TEST])
    return stats.poisson.logpmf(y[TEST], mean).mean(), np.exp(-mean).mean()


@pytest.mark.parametrize("loss", ["zero_inflated_poisson", "hurdle_poisson"])
def test_likelihood_and_share_of_zeros_are_better_than_those_of_poisson(loss):
    likelihood, zeros = scores_of(trained(loss), POISSON)
    of_poisson, zeros_of_poisson = poisson_scores(POISSON)
    assert likelihood > of_poisson + 0.3
    share = (POISSON[TEST] == 0).mean()
    assert zeros == pytest.approx(share, abs=0.04)
    assert zeros_of_poisson < share - 0.15


def test_likelihood_is_that_of_statsmodels():
    both = [np.column_stack((np.ones(800), X[rows])) for rows in (TRAIN, TEST)]
    cls = count_model.ZeroInflatedPoisson
    params = cls(POISSON[TRAIN], both[0], exog_infl=both[0]).fit(disp=0, maxiter=200).params
    theirs = cls(POISSON[TEST], both[1], exog_infl=both[1]).loglike(params) / 800
    ours, _ = scores_of(trained("zero_inflated_poisson"), POISSON)
    assert ours == pytest.approx(theirs, abs=0.01)


@pytest.mark.parametrize("dispersed", [False, True])
def test_probability_of_an_extra_zero_is_near_the_truth(dispersed):
    loss = "zero_inflated_negative_binomial" if dispersed else "zero_inflated_poisson"
    model = trained(loss, dispersed)
    found = special.expit(raw_of(model)[:, 0, 1].numpy())
    assert found.mean() == pytest.approx(EXTRA[TEST].mean(), abs=0.05)
    assert np.abs(found - EXTRA[TEST]).mean() < 0.06
    if dispersed:
        assert model.loss_state_["dispersion"].item() == pytest.approx(2, abs=0.7)


def test_dispersion_and_extra_zeros_are_better_together():
    together, _ = scores_of(trained("zero_inflated_negative_binomial", True), DISPERSED)
    for alone in ("zero_inflated_poisson", "negative_binomial"):
        assert together > scores_of(trained(alone, True), DISPERSED)[0] + 0.04


def test_prediction_is_the_mean_zeros_included():
    model = trained("zero_inflated_poisson")
    truth = (1 - EXTRA[TEST]) * MEAN[TEST]
    assert np.corrcoef(model.predict(X[TEST]), truth)[0, 1] > 0.98
    interval = model.predict_interval(X[TEST], coverage=0.9)
    inside = (interval[:, 0] <= POISSON[TEST]) & (POISSON[TEST] <= interval[:, 1])
    assert 0.88 < inside.mean() < 0.98
