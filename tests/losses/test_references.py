"""Values equal to references that we did not write."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn import _loss as sklearn_loss
from sklearn import metrics
from torch import nn

from sklloss.losses import (
    AbsoluteError,
    Brier,
    CrossEntropy,
    Focal,
    Hinge,
    HistogramCrossEntropy,
    Huber,
    Poisson,
    ProbabilityAbsoluteError,
    ProbabilityHuber,
    Quantile,
    SquaredError,
)

from .drawn import draw


def values(loss, raw, y, state):
    return loss.pointwise(raw, y, state)[:, 0].numpy()


@pytest.mark.parametrize(
    ("loss", "reference", "factor"),
    [
        (SquaredError(), nn.MSELoss, 2.0),  # torch leaves out the half
        (AbsoluteError(), nn.L1Loss, 1.0),
        (Huber(delta=0.7), lambda **k: nn.HuberLoss(delta=0.7, **k), 1.0),
        (Poisson(), nn.PoissonNLLLoss, 1.0),
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


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_equals_torch(smoothing):
    loss = CrossEntropy(label_smoothing=smoothing)
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    expected = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)(raw[:, 0], y[:, 0])
    np.testing.assert_allclose(values(loss, raw, y, state), expected, rtol=1e-6)


def test_binary_cross_entropy_equals_torch():
    raw, y, _, state = draw(CrossEntropy(), n=50, n_targets=1, n_classes=2)
    expected = nn.BCEWithLogitsLoss(reduction="none")(raw[:, 0, 0], y[:, 0].double())
    np.testing.assert_allclose(values(CrossEntropy(), raw, y, state), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (Brier(), lambda p, e: ((p - e) ** 2).sum(1)),
        (ProbabilityAbsoluteError(), lambda p, e: abs(p - e).sum(1)),
        (ProbabilityHuber(delta=0.3), lambda p, e: special.huber(0.3, p - e).sum(1)),
        (Focal(gamma=1.5), lambda p, e: (-e * (1 - p) ** 1.5 * np.log(p)).sum(1)),
        (
            Focal(gamma=2.0, alpha=(1.0, 2.0, 3.0, 4.0)),
            lambda p, e: (-e * [1, 2, 3, 4] * (1 - p) ** 2 * np.log(p)).sum(1),
        ),
    ],
)
def test_probability_losses_equal_their_formulas(loss, reference):
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    p = special.softmax(raw[:, 0].numpy(), axis=1)
    np.testing.assert_allclose(
        values(loss, raw, y, state), reference(p, np.eye(4)[y[:, 0]]), rtol=1e-6
    )


def test_focal_alpha_of_two_classes_is_the_share_of_the_second():
    loss = Focal(alpha=0.25)
    *_, state = draw(loss, n=50, n_targets=1, n_classes=2)
    assert state["alpha"].flatten().tolist() == [0.75, 0.25]
    with pytest.raises(ValueError, match="weights for 2 classes; y has 4"):
        draw(loss)


def test_hinge_equals_scikit_learn():
    raw, y, _, state = draw(Hinge(), n=50, n_targets=1)
    expected = metrics.hinge_loss(y[:, 0], raw[:, 0], labels=range(4))
    assert values(Hinge(), raw, y, state).mean() == pytest.approx(expected, rel=1e-6)
    raw, y, _, state = draw(Hinge(), n=50, n_targets=1, n_classes=2)
    expected = metrics.hinge_loss(y[:, 0], raw[:, 0, 0])
    assert values(Hinge(), raw, y, state).mean() == pytest.approx(expected, rel=1e-6)


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
