"""The best constant of each loss is where scipy finds the minimum of an independent formula, on
skewed real targets."""

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from sklearn.datasets import load_diabetes

from sklloss.losses import (
    CRPS,
    Adaptive,
    Barron,
    Cauchy,
    EpsilonInsensitive,
    Fair,
    GaussianNLL,
    GemanMcClure,
    Huber,
    LaplaceNLL,
    LogCosh,
    LognormalNLL,
    MultiQuantile,
    NegativeBinomial,
    PseudoHuber,
    SmoothL1,
    SquaredEpsilonInsensitive,
    StudentTNLL,
    Tukey,
    Welsch,
)

from ..losses.trained_minimum import trained_minimum

Y = load_diabetes().target[:101] / 50  # skewed: mean 3.0, median 2.7
SKEWED = np.concatenate((Y, Y[:10] + 15))  # and a tail on one side


def huber(r, delta):
    return np.where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2))


LOCATIONS = [
    (Huber(delta=0.5), lambda r: huber(r, 0.5)),
    (SmoothL1(beta=0.7), lambda r: huber(r, 0.7)),
    (PseudoHuber(delta=0.6), lambda r: np.sqrt(1 + (r / 0.6) ** 2)),
    (LogCosh(), lambda r: np.logaddexp(r, -r)),
    (EpsilonInsensitive(epsilon=0.3), lambda r: np.maximum(0, abs(r) - 0.3)),
    (SquaredEpsilonInsensitive(epsilon=0.3), lambda r: np.maximum(0, abs(r) - 0.3) ** 2),
    (Fair(scale=1.4), lambda r: abs(r) / 1.4 - np.log(1 + abs(r) / 1.4)),
    (Cauchy(), lambda r: np.log(1 + (r / 2.385) ** 2)),
    (Welsch(), lambda r: -np.exp(-((r / 2.985) ** 2))),
    (GemanMcClure(), lambda r: r**2 / (1 + (r / 3.787) ** 2)),
    (Tukey(), lambda r: -((1 - np.minimum((r / 4.685) ** 2, 1)) ** 3)),
    (Barron(alpha=0.5), lambda r: (r**2 / 1.5 + 1) ** 0.25),
    (Barron(alpha=-1.0), lambda r: -((r**2 / 3 + 1) ** -0.5)),
]


@pytest.mark.parametrize(
    ("loss", "formula"), LOCATIONS, ids=lambda v: repr(v) if hasattr(v, "name") else ""
)
def test_location_is_where_scipy_finds_it(loss, formula):
    y = torch.from_numpy(SKEWED)[:, None]
    ones = torch.ones(len(y), dtype=torch.float64)
    mine = loss.baseline(y, ones, loss.prepare(y, ones)).item()

    def value(c):
        return formula(c - SKEWED).mean()

    grid = np.linspace(SKEWED.min(), SKEWED.max(), 2001)
    start = grid[np.argmin([value(c) for c in grid])]
    found = optimize.minimize_scalar(value, (start - 0.05, start, start + 0.05), tol=1e-12)
    assert value(mine) <= found.fun + 1e-9
    assert not np.mean(SKEWED) * 0.999 < mine < np.mean(SKEWED) * 1.001  # another functional


def scale_of(raw):
    return np.logaddexp(0, raw) + 1e-3


def crps_of_a_normal_law(y, m, s):
    t = (y - m) / s
    return s * (t * (2 * stats.norm.cdf(t) - 1) + 2 * stats.norm.pdf(t) - 1 / np.sqrt(np.pi))


LAWS = [
    (GaussianNLL(), lambda y, m, s: -stats.norm(m, s).logpdf(y)),
    (LaplaceNLL(), lambda y, m, s: -stats.laplace(m, s).logpdf(y)),
    (StudentTNLL(df=4.0), lambda y, m, s: -stats.t(4.0, m, s).logpdf(y)),
    (LognormalNLL(), lambda y, m, s: -stats.lognorm(s, scale=np.exp(m)).logpdf(y)),
    (CRPS(), crps_of_a_normal_law),
]


@pytest.mark.parametrize(
    ("loss", "score"), LAWS, ids=lambda v: repr(v) if hasattr(v, "name") else ""
)
def test_law_is_where_scipy_finds_it(loss, score):
    y = torch.from_numpy(SKEWED)[:, None]
    ones = torch.ones(len(y), dtype=torch.float64)
    mine = loss.baseline(y, ones, loss.prepare(y, ones))[0].numpy()

    def value(raw):
        return score(SKEWED, raw[0], scale_of(raw[1])).mean()

    found = optimize.minimize(
        value,
        [1.0, 1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000},
    )
    assert value(mine) <= found.fun + 1e-7
    np.testing.assert_allclose(
        [mine[0], scale_of(mine[1])], [found.x[0], scale_of(found.x[1])], atol=2e-3
    )


def test_negative_binomial_is_fitted_as_scipy_fits_it():
    counts = np.round(SKEWED * 4)
    value, (z,), learnt = trained_minimum(NegativeBinomial(), counts)

    def score(p):
        k, mean = np.exp(p[1]), np.exp(p[0])
        return -stats.nbinom(k, k / (k + mean)).logpmf(counts).mean()

    found = optimize.minimize(
        score, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}
    )
    assert value == pytest.approx(found.fun, abs=1e-6)
    assert np.exp(z) == pytest.approx(counts.mean(), rel=1e-4)
    assert learnt["dispersion"] == pytest.approx(np.exp(found.x[1]), rel=1e-3)


def test_adaptive_is_fitted_as_scipy_fits_it():
    value, (location,), learnt = trained_minimum(Adaptive(), SKEWED)
    x = np.linspace(-2000, 2000, 400_001)

    def rho(r, alpha):
        b = abs(alpha - 2)
        return b / alpha * ((r**2 / b + 1) ** (alpha / 2) - 1)

    def score(p):
        alpha, c = 0.001 + 1.998 * special.expit(p[1]), 1e-5 + np.logaddexp(0, p[2])
        partition = np.trapezoid(np.exp(-rho(x, alpha)), x)
        return rho((p[0] - SKEWED) / c, alpha).mean() + np.log(c * partition)

    found = optimize.minimize(
        score, [location, 0.0, 0.5], method="Nelder-Mead", options={"maxiter": 300}
    )
    assert value <= found.fun + 1e-4
    assert location == pytest.approx(found.x[0], abs=0.05)
    assert 0 < learnt["alpha"] < 2


def test_multi_quantile_is_several_quantiles():
    loss = MultiQuantile(quantiles=(0.1, 0.5, 0.9))
    y = torch.from_numpy(SKEWED)[:, None]
    ones = torch.ones(len(y), dtype=torch.float64)
    state = loss.prepare(y, ones)
    levels = loss.inverse_link(loss.baseline(y, ones, state), state)[0].numpy()
    expected = np.quantile(SKEWED, [0.1, 0.5, 0.9], method="averaged_inverted_cdf")
    np.testing.assert_allclose(levels, expected, atol=1e-4)
