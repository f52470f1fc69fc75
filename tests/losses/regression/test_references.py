"""Values of the regression losses equal to references that we did not write."""

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from sklearn import _loss as sklearn_loss
from sklearn import metrics
from torch import nn

from sklloss.losses import (
    CRPS,
    AbsoluteError,
    AbsolutePercentageError,
    Adaptive,
    Barron,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Fair,
    Gamma,
    GaussianNLL,
    GemanMcClure,
    HistogramCrossEntropy,
    Huber,
    LaplaceNLL,
    LogCosh,
    LognormalNLL,
    MultiQuantile,
    NegativeBinomial,
    Poisson,
    PseudoHuber,
    Quantile,
    SmoothL1,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredLogError,
    StudentTNLL,
    Tukey,
    Tweedie,
    Welsch,
)

from ..random_batches import draw, values


@pytest.mark.parametrize(
    ("loss", "reference", "factor"),
    [
        (SquaredError(), nn.MSELoss, 2.0),  # torch leaves out the half
        (AbsoluteError(), nn.L1Loss, 1.0),
        (Huber(delta=0.7), lambda **k: nn.HuberLoss(delta=0.7, **k), 1.0),
        (Poisson(), nn.PoissonNLLLoss, 1.0),
        (SmoothL1(beta=0.7), lambda **k: nn.SmoothL1Loss(beta=0.7, **k), 1.0),
    ],
)
def test_regression_equals_torch(loss, reference, factor):
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    expected = reference(reduction="none")(raw[:, 0, 0], y[:, 0]).numpy()
    np.testing.assert_allclose(factor * values(loss, raw, y, state), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (SquaredError(), sklearn_loss.HalfSquaredError()),
        (AbsoluteError(), sklearn_loss.AbsoluteError()),
        (Huber(delta=0.7), sklearn_loss.HuberLoss(delta=0.7)),
        (Quantile(quantile=0.8), sklearn_loss.PinballLoss(quantile=0.8)),
        (Poisson(), sklearn_loss.HalfPoissonLoss()),
        (Gamma(), sklearn_loss.HalfGammaLoss()),
        (Tweedie(power=1.4), sklearn_loss.HalfTweedieLoss(power=1.4)),
        (Tweedie(power=2.6), sklearn_loss.HalfTweedieLoss(power=2.6)),
    ],
)
def test_regression_equals_scikit_learn(loss, reference):
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    expected = reference.loss(y[:, 0].numpy().copy(), raw[:, 0, 0].numpy().copy())
    np.testing.assert_allclose(values(loss, raw, y, state), expected, rtol=1e-6, atol=1e-12)
    # scikit-learn's best constant may be another of several, or approximate; ours is never worse
    constant = np.full(50, reference.fit_intercept_only(y[:, 0].numpy().copy()))
    baseline = loss.baseline(y, torch.ones(50, dtype=torch.float64), state).expand(50, 1)
    theirs = reference.loss(y[:, 0].numpy().copy(), constant).mean()
    assert loss(baseline[..., None], y, state).item() <= theirs + 1e-12


def test_poisson_is_the_deviance_up_to_what_y_alone_says():
    raw, y, _, state = draw(Poisson(), n=50, n_targets=1)
    deviance = metrics.mean_poisson_deviance(y[:, 0], raw[:, 0, 0].exp())
    saturated = Poisson().pointwise(y[..., None].log(), y, state).mean()
    ours = values(Poisson(), raw, y, state).mean() - saturated.item()
    assert 2 * ours == pytest.approx(deviance, rel=1e-6)


def test_histogram_labels_are_the_mass_of_a_normal_law():
    loss = HistogramCrossEntropy(n_bins=10, sigma_ratio=0.8)
    _, y, _, state = draw(loss, n=50, n_targets=1)
    edges = state["edges"][0, 0].numpy()
    sigma = 0.8 * (edges[1] - edges[0])
    inside = np.clip(y.numpy(), edges[3], edges[-4])
    mass = np.diff(stats.norm(inside, sigma).cdf(edges), axis=1)
    expected = mass / mass.sum(1, keepdims=True)
    np.testing.assert_allclose(loss.soft_labels(y, state)[:, 0], expected, atol=1e-12)


def test_histogram_with_padding_is_unbiased_to_the_ends():
    loss = HistogramCrossEntropy()
    y = torch.linspace(0, 1, 201, dtype=torch.float64)[:, None]
    state = loss.prepare(y, torch.ones(201, dtype=torch.float64))
    width = 1 / 51
    perfect = loss.soft_labels(y, state).log()
    assert (loss.predict(perfect, state) - y).abs().max() < 2e-4 * 1 / width * width * 2
    median = loss.replace(statistic="median").predict(perfect, state)
    assert (median - y).abs().max() < 0.5 * width


def test_histogram_ignores_far_outliers_when_it_places_its_bins():
    y = torch.cat(
        (torch.randn(200, generator=torch.Generator().manual_seed(0)), torch.tensor([1e6]))
    )
    state = HistogramCrossEntropy().prepare(y[:, None], torch.ones(201))
    assert state["edges"].max() < 20


def test_histogram_warns_where_clamping_moves_the_mean():
    y = np.exp(3 * np.random.default_rng(0).standard_normal(500))
    targets, ones = torch.from_numpy(y)[:, None], torch.ones(500, dtype=torch.float64)
    with pytest.warns(UserWarning, match=r"of 500 targets lie outside.*loss__statistic='median'"):
        HistogramCrossEntropy().prepare(targets, ones)
    HistogramCrossEntropy(statistic="median").prepare(targets, ones)  # robust: no warning


def numpy_raw(loss, n=60):
    raw, y, _, state = draw(loss, n=n, n_targets=1)
    return raw[:, 0].numpy(), y[:, 0].numpy(), values(loss, raw, y, state), state


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (PseudoHuber(delta=0.6), lambda r: special.pseudo_huber(0.6, r)),
        (LogCosh(), lambda r: np.log(np.cosh(r))),
        (Expectile(expectile=0.7), lambda r: np.where(r < 0, 0.7, 0.3) * r**2),
        (EpsilonInsensitive(epsilon=0.3), lambda r: np.maximum(0, abs(r) - 0.3)),
        (SquaredEpsilonInsensitive(epsilon=0.3), lambda r: np.maximum(0, abs(r) - 0.3) ** 2),
        (Cauchy(scale=1.3), lambda r: 1.3**2 / 2 * np.log(1 + (r / 1.3) ** 2)),
        (Welsch(scale=1.3), lambda r: 1.3**2 / 2 * (1 - np.exp(-((r / 1.3) ** 2)))),
        (GemanMcClure(scale=1.3), lambda r: r**2 / 2 / (1 + (r / 1.3) ** 2)),
        (
            Tukey(scale=1.3),
            lambda r: 1.3**2 / 6 * (1 - (1 - np.minimum((r / 1.3) ** 2, 1)) ** 3),
        ),
        (Fair(scale=1.3), lambda r: 1.3**2 * (abs(r) / 1.3 - np.log(1 + abs(r) / 1.3))),
        (Barron(alpha=2.0, scale=0.7), lambda r: r**2 / 2),
        (Barron(alpha=1.0, scale=0.7), lambda r: special.pseudo_huber(0.7, r)),
        (Barron(alpha=0.0, scale=0.7), lambda r: 0.7**2 * np.log(1 + (r / 0.7) ** 2 / 2)),
        (
            Barron(alpha=-2.0, scale=0.7),
            lambda r: 0.7**2 * 2 * (r / 0.7) ** 2 / ((r / 0.7) ** 2 + 4),
        ),
        (Barron(alpha=float("-inf")), lambda r: 1 - np.exp(-(r**2) / 2)),
        (
            Barron(alpha=1.5, scale=0.7),
            lambda r: 0.7**2 * (0.5 / 1.5) * (((r / 0.7) ** 2 / 0.5 + 1) ** 0.75 - 1),
        ),
    ],
    ids=lambda v: repr(v) if hasattr(v, "name") else "",
)
def test_residual_losses_equal_their_formulas(loss, formula):
    raw, y, mine, _ = numpy_raw(loss)
    np.testing.assert_allclose(mine, formula(raw[:, 0] - y), rtol=2e-5, atol=1e-12)


def softplus(raw):
    return np.logaddexp(0, raw)


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        (GaussianNLL(), lambda m, s: stats.norm(m, s)),
        (LaplaceNLL(), lambda m, s: stats.laplace(m, s)),
        (StudentTNLL(df=5.0), lambda m, s: stats.t(5.0, m, s)),
        (LognormalNLL(), lambda m, s: stats.lognorm(s, scale=np.exp(m))),
        (CRPS(), lambda m, s: stats.norm(m, s)),
    ],
    ids=lambda v: repr(v) if hasattr(v, "name") else "",
)
def test_laws_equal_scipy(loss, law):
    raw, y, mine, state = numpy_raw(loss)
    reference = law(raw[:, 0], softplus(raw[:, 1]) + 1e-3)
    if loss.name != "crps":
        np.testing.assert_allclose(mine, -reference.logpdf(y), rtol=1e-6, atol=1e-9)
    shaped, levels = torch.from_numpy(raw)[:, None], torch.tensor([0.05, 0.5, 0.9]).double()
    quantiles = loss.predict_quantiles(shaped, levels, state)[:, 0].numpy()
    for i, level in enumerate(levels.tolist()):
        np.testing.assert_allclose(quantiles[:, i], reference.ppf(level), rtol=1e-6)
    np.testing.assert_allclose(loss.predict_std(shaped, state)[:, 0], reference.std(), rtol=1e-6)
    if loss.name == "lognormal_nll":
        np.testing.assert_allclose(loss.predict(shaped, state)[:, 0], reference.mean(), rtol=1e-6)


def test_gaussian_nll_equals_torch_and_weighs_by_beta():
    raw, y, mine, _ = numpy_raw(GaussianNLL())
    variance = torch.from_numpy((softplus(raw[:, 1]) + 1e-3) ** 2)
    reference = nn.GaussianNLLLoss(full=True, reduction="none", eps=1e-12)
    expected = reference(torch.from_numpy(raw[:, 0]), torch.from_numpy(y), variance)
    np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-9)
    weighted = numpy_raw(GaussianNLL(beta=0.5))[2]
    np.testing.assert_allclose(weighted, mine * variance.numpy() ** 0.5, rtol=1e-6, atol=1e-9)
    gradients = []
    for loss in (GaussianNLL(), GaussianNLL(beta=0.5)):
        shaped, target, _, state = draw(loss, n=60, n_targets=1)
        loss.pointwise(shaped.requires_grad_(), target, state).sum().backward()
        gradients.append(shaped.grad[:, 0].numpy())
    expected = gradients[0] * variance.numpy()[:, None] ** 0.5  # the factor itself has no gradient
    np.testing.assert_allclose(gradients[1], expected, rtol=1e-6, atol=1e-9)


def test_crps_is_the_integral_that_it_is_named_for():
    raw, y, mine, _ = numpy_raw(CRPS(), n=5)
    scale = softplus(raw[:, 1]) + 1e-3
    x = np.linspace(-40, 40, 400_001)
    for i in range(5):
        squared = (stats.norm(raw[i, 0], scale[i]).cdf(x) - (x >= y[i])) ** 2
        assert mine[i] == pytest.approx(integrate.trapezoid(squared, x), rel=1e-3)


def test_adaptive_is_a_normalised_law():
    loss = Adaptive()
    y = torch.zeros(1, 1).double()
    state = loss.prepare(y, torch.ones(1).double())
    assert loss(torch.zeros(1, 1, 1).double(), y, state).item() == pytest.approx(
        np.log(2 * np.e * special.k1(1)), abs=1e-9
    )
    x = torch.linspace(-3000, 3000, 2_000_001, dtype=torch.float64)
    for shape, scale in ((-1.0, 0.5), (0.0, 1.0), (4.0, 2.0)):
        state["raw_shape"].fill_(shape / 5)
        state["raw_scale"].fill_(scale / 5)
        density = (-loss.pointwise(x[:, None, None], torch.zeros(len(x), 1).double(), state)).exp()
        assert torch.trapezoid(density[:, 0], x).item() == pytest.approx(1, abs=1e-5)


def test_adaptive_has_the_quantiles_of_a_hyperbolic_law_at_shape_1():
    loss = Adaptive()
    y = torch.zeros(1, 1).double()
    state = loss.prepare(y, torch.ones(1).double())
    law = stats.genhyperbolic(p=1, a=1, b=0)
    levels, raw = torch.tensor([0.05, 0.5, 0.9]).double(), torch.full((1, 1, 1), 2.0).double()
    quantiles = loss.predict_quantiles(raw, levels, state).flatten()
    np.testing.assert_allclose(quantiles, 2 + law.ppf(levels), atol=1e-5)
    assert loss.predict_std(raw, state).item() == pytest.approx(law.std(), rel=1e-6)


def test_negative_binomial_equals_scipy():
    loss = NegativeBinomial()
    raw, _, _, _ = draw(loss, n=60, n_targets=1)
    y = torch.arange(60.0).double()[:, None]
    state = loss.prepare(y, torch.ones(60).double())
    state["raw_dispersion"].fill_(0.7 / 5)
    k = np.exp(10 * np.tanh(0.07))
    mean = np.exp(raw[:, 0, 0].numpy())
    law = stats.nbinom(k, k / (k + mean))
    np.testing.assert_allclose(values(loss, raw, y, state), -law.logpmf(y[:, 0]), rtol=1e-6)
    np.testing.assert_allclose(loss.predict_std(raw, state)[:, 0], law.std(), rtol=1e-6)
    quantiles = loss.predict_quantiles(raw, torch.tensor([0.3, 0.9]).double(), state)[:, 0, 1]
    np.testing.assert_allclose(quantiles, law.ppf(0.9))


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (SquaredLogError(), metrics.mean_squared_log_error),
        (AbsolutePercentageError(floor=1e-9), metrics.mean_absolute_percentage_error),
    ],
)
def test_relative_losses_equal_scikit_learn(loss, metric):
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    raw, y = raw.abs(), y.abs() + 0.1
    prediction = loss.predict(raw, state)
    assert loss(raw, y, state).item() == pytest.approx(metric(y, prediction), rel=1e-6)


def test_multi_quantile_is_the_mean_of_pinball_losses_and_never_crosses():
    loss = MultiQuantile()
    raw, y, _, state = draw(loss, n=100_000, n_targets=1, dtype=torch.float32)
    levels = loss.inverse_link(30 * raw, state)
    assert (levels.diff(dim=-1) >= 0).all()
    expected = np.mean(
        [
            metrics.mean_pinball_loss(y, levels[..., i], alpha=q)
            for i, q in enumerate(loss.quantiles)
        ]
    )
    assert loss(30 * raw, y, state).item() == pytest.approx(expected, rel=1e-4)
    between = loss.predict_quantiles(raw, torch.tensor([0.1, 0.3, 0.9]), state)
    plain = loss.inverse_link(raw, state)
    torch.testing.assert_close(between[..., 1], (plain[..., 0] + plain[..., 1]) / 2)
    with pytest.raises(ValueError, match=r"levels from 0\.1 to 0\.9; 0\.95 lies outside"):
        loss.predict_quantiles(raw, torch.tensor([0.95]), state)
