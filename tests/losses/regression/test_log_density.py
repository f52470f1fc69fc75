"""The log-density of every predictive distribution: the slope of its cdf, and that of scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklloss.losses import (
    CRPS,
    GaussianNLL,
    HistogramCrossEntropy,
    LaplaceNLL,
    LognormalNLL,
    NegativeBinomial,
    StudentTNLL,
)

from ...loss_instances import REGRESSION

WITH_CDF = [loss for loss in REGRESSION if hasattr(loss, "cdf")]
Y = torch.from_numpy(np.random.default_rng(0).gamma(2, 1, (50, 2)))


def predicted(loss, n_rows=20):
    y = Y.round() if loss.is_discrete else Y
    state = loss.prepare(y, torch.ones(50, dtype=torch.float64))
    source = torch.Generator().manual_seed(0)
    raw = torch.randn(1, n_rows, 2, loss.n_outputs(), generator=source, dtype=torch.float64)
    return raw, state


@pytest.mark.parametrize("loss", [each for each in WITH_CDF if not each.is_discrete], ids=repr)
def test_the_density_is_the_slope_of_the_cdf(loss):
    raw, state = predicted(loss)
    levels = torch.tensor([0.06, 0.31, 0.48, 0.83, 0.94], dtype=torch.float64)
    y = loss.predict_quantiles(raw, levels, state)
    step = 1e-5
    slope = (loss.cdf(raw, y + step, state) - loss.cdf(raw, y - step, state)) / (2 * step)
    np.testing.assert_allclose(loss.log_density(raw, y, state).exp(), slope, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("loss", [each for each in WITH_CDF if each.is_discrete], ids=repr)
def test_probabilities_of_counts_add_up_to_the_cdf(loss):
    raw, state = predicted(loss)
    counts = torch.arange(12, dtype=torch.float64).expand(1, 20, 2, 12)
    added = loss.log_density(raw, counts, state).exp().cumsum(-1)
    np.testing.assert_allclose(added, loss.cdf(raw, counts, state), atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        (GaussianNLL(beta=0.5), lambda m, s: stats.norm(m, s)),
        (CRPS(), lambda m, s: stats.norm(m, s)),
        (LaplaceNLL(), lambda m, s: stats.laplace(m, s)),
        (StudentTNLL(df=3.0), lambda m, s: stats.t(3, m, s)),
        (LognormalNLL(), lambda m, s: stats.lognorm(s, scale=np.exp(m))),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_density_and_the_mean_are_those_of_scipy(loss, law):
    raw, state = predicted(loss)
    location, scale = (each.numpy()[..., None] for each in loss.location_and_scale(raw))
    y = np.linspace(0.01, 9, 7)
    found = loss.log_density(raw, torch.from_numpy(y).expand(1, 20, 2, 7), state)
    np.testing.assert_allclose(found, law(location, scale).logpdf(y), rtol=1e-9)
    mean = law(location, scale).mean()[..., 0]
    np.testing.assert_allclose(loss.predict_mean(raw, state), mean, rtol=1e-9)


def test_counts_have_the_probabilities_of_scipy():
    loss = NegativeBinomial()
    raw, state = predicted(loss)
    y = np.array([0.0, 1.0, 4.0, 30.0])
    found = loss.log_density(raw, torch.from_numpy(y).expand(1, 20, 2, 4), state)
    mean, k = loss.inverse_link(raw, state)[..., None], loss.learnt(state)["dispersion"][..., None]
    law = stats.nbinom(k.numpy(), (k / (k + mean)).numpy())
    np.testing.assert_allclose(found, law.logpmf(y), rtol=1e-7)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_histogram_has_no_density_outside_and_its_mean_whatever_it_predicts(statistic):
    loss = HistogramCrossEntropy(n_bins=7, statistic=statistic)
    raw, state = predicted(loss)
    far = torch.tensor([-1e6, 1e6], dtype=torch.float64).expand(1, 20, 2, 2)
    assert (loss.log_density(raw, far, state) == -torch.inf).all()
    by_quantiles = loss.predict_quantiles(raw, (torch.arange(4000) + 0.5) / 4000, state).mean(-1)
    np.testing.assert_allclose(loss.predict_mean(raw, state), by_quantiles, rtol=1e-3)
