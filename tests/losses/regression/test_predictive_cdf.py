"""The cdf of every predictive distribution: the inverse of its quantiles, and that of scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklloss.losses import (
    CRPS,
    Adaptive,
    GaussianNLL,
    HistogramCrossEntropy,
    LaplaceNLL,
    LognormalNLL,
    NegativeBinomial,
    StudentTNLL,
)

LEVELS = torch.tensor([0.001, 0.05, 0.3, 0.5, 0.8, 0.95, 0.999], dtype=torch.float64)
CONTINUOUS = [
    CRPS(), Adaptive(), GaussianNLL(), HistogramCrossEntropy(n_bins=7), LaplaceNLL(),
    LognormalNLL(), StudentTNLL(df=3.0),
]  # fmt: skip
Y = torch.from_numpy(np.random.default_rng(0).gamma(2, 1, (50, 2)))


def predicted(loss, n_rows=20):
    state = loss.prepare(Y, torch.ones(50, dtype=torch.float64))
    source = torch.Generator().manual_seed(0)
    raw = torch.randn(1, n_rows, 2, loss.n_outputs(), generator=source, dtype=torch.float64)
    return raw, state


@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_the_cdf_of_a_quantile_is_its_level(loss):
    raw, state = predicted(loss)
    quantiles = loss.predict_quantiles(raw, LEVELS, state)
    reached = loss.cdf(raw, quantiles, state)
    np.testing.assert_allclose(reached, LEVELS.expand_as(reached), atol=1e-6)
    far = torch.full_like(quantiles[..., :1], 1e9)
    np.testing.assert_allclose(loss.cdf(raw, far, state), 1, atol=1e-6)
    np.testing.assert_allclose(loss.cdf(raw, -far, state), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        (GaussianNLL(), lambda m, s: stats.norm(m, s)),
        (LaplaceNLL(), lambda m, s: stats.laplace(m, s)),
        (StudentTNLL(df=3.0), lambda m, s: stats.t(3, m, s)),
        (LognormalNLL(), lambda m, s: stats.lognorm(s, scale=np.exp(m))),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_cdf_is_that_of_scipy(loss, law):
    raw, state = predicted(loss)
    location, scale = (each.numpy()[..., None] for each in loss.location_and_scale(raw))
    y = np.linspace(-3, 5, 9)
    found = loss.cdf(raw, torch.from_numpy(y).expand(1, 20, 2, 9), state)
    np.testing.assert_allclose(found, law(location, scale).cdf(y), atol=1e-12)


def test_counts_have_steps():
    loss = NegativeBinomial()
    raw, state = predicted(loss)
    y = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 7.9]).double()
    found = loss.cdf(raw, y.expand(1, 20, 2, 6), state)
    mean, k = loss.inverse_link(raw, state)[..., None], loss.learnt(state)["dispersion"][..., None]
    law = stats.nbinom(k.numpy(), (k / (k + mean)).numpy())
    np.testing.assert_allclose(found, law.cdf(y.numpy()), atol=1e-12)
    quantiles = loss.predict_quantiles(raw, LEVELS, state)
    assert (loss.cdf(raw, quantiles, state) >= LEVELS - 1e-12).all()
    assert (loss.cdf(raw, quantiles - 1, state) < LEVELS).all()
