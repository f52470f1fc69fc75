"""Zero-inflated and hurdle losses beside statsmodels' likelihoods and scipy's distributions."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from statsmodels.discrete import count_model, truncated_model

from sklloss.losses import (
    HurdleNegativeBinomial,
    HurdlePoisson,
    Loss,
    State,
    ZeroInflatedNegativeBinomial,
    ZeroInflatedPoisson,
)

from ..random_batches import draw
from ..trained_minimum import trained_minimum

ALL = (
    ZeroInflatedPoisson(),
    ZeroInflatedNegativeBinomial(),
    HurdlePoisson(),
    HurdleNegativeBinomial(),
)
each = pytest.mark.parametrize("loss", ALL, ids=repr)
K = float(np.exp(10 * np.tanh(0.07)))
COUNTS = np.arange(400)


def drawn(loss: Loss, n: int = 40) -> tuple[torch.Tensor, torch.Tensor, State]:
    """Return raw output and counts of one target, and a state of dispersion K."""
    raw, _, _, state = draw(loss, n=n, n_targets=1)
    if state.trained:
        state["raw_dispersion"].fill_(0.7 / 5)
    return raw, torch.arange(n).double()[:, None] % 7, state


def parent(loss: Loss, raw: torch.Tensor):
    """Return the distribution of the counts, with an axis for values."""
    mean = raw[:, 0, :1].exp().numpy()
    return stats.nbinom(K, K / (K + mean)) if "negative" in loss.name else stats.poisson(mean)


def pmf(loss: Loss, raw: torch.Tensor) -> np.ndarray:
    """Return the probabilities of 0, 1, 2 ... in the words of a textbook, (n, 400)."""
    counts, zeros = parent(loss, raw), special.expit(raw[:, 0, 1:].numpy())
    above = (1 - zeros) * counts.pmf(COUNTS)
    if "hurdle" in loss.name:
        above /= 1 - counts.pmf(0)
        above[:, :1] = zeros
    else:
        above[:, :1] += zeros
    return above


@each
def test_values_are_log_probabilities(loss):
    raw, y, state = drawn(loss)
    of_y = pmf(loss, raw)[np.arange(40), y[:, 0].int()]
    np.testing.assert_allclose(loss.pointwise(raw, y, state)[:, 0], -np.log(of_y), rtol=1e-9)


@each
def test_mean_and_std_are_those_of_the_probabilities(loss):
    raw, _, state = drawn(loss)
    p = pmf(loss, raw)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-9)
    mean = p @ COUNTS
    np.testing.assert_allclose(loss.predict(raw, state)[:, 0], mean, rtol=1e-9)
    std = np.sqrt(p @ COUNTS**2 - mean**2)
    np.testing.assert_allclose(loss.predict_std(raw, state)[:, 0], std, rtol=1e-9)


@each
def test_cdf_and_quantiles_are_those_of_the_probabilities(loss):
    raw, _, state = drawn(loss)
    below = pmf(loss, raw).cumsum(1)
    y = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 7.9]).double()
    found = loss.cdf(raw, y.expand(40, 1, 6), state)[:, 0]
    np.testing.assert_allclose(found[:, 1:], below[:, [0, 0, 1, 2, 7]], atol=1e-12)
    assert (found[:, 0] == 0).all()
    levels = torch.tensor([0.01, 0.3, 0.5, 0.9, 0.999]).double()
    quantiles = loss.predict_quantiles(raw, levels, state)[:, 0]
    expected = [np.argmax(below >= level, 1) for level in levels.tolist()]
    np.testing.assert_array_equal(quantiles, np.transpose(expected))


def statsmodels_of(loss: Loss, y: np.ndarray, X: np.ndarray):
    """Return statsmodels' model with X for the counts and for the zeros."""
    if isinstance(loss, ZeroInflatedPoisson):
        return count_model.ZeroInflatedPoisson(y, X, exog_infl=X)
    if isinstance(loss, ZeroInflatedNegativeBinomial):
        return count_model.ZeroInflatedNegativeBinomialP(y, X, exog_infl=X, p=2)
    dist = "negbin" if isinstance(loss, HurdleNegativeBinomial) else "poisson"
    return truncated_model.HurdleCountModel(y, X, dist=dist, zerodist="poisson", p=2)


@each
def test_likelihood_and_mean_are_those_of_statsmodels(loss):
    rng = np.random.default_rng(0)
    X = np.column_stack((np.ones(200), rng.standard_normal((200, 2))))
    y = rng.poisson(rng.gamma(1, 1.5, 200)).astype(float)
    of_zeros, of_counts = np.array([0.2, 0.5, -0.3]), np.array([0.4, -0.2, 0.6])
    z, w = X @ of_counts, X @ of_zeros
    if "hurdle" in loss.name:
        # statsmodels has exp(-exp(w)) for the probability of 0, where we have a logit.
        zeros = np.exp(-np.exp(w))
        w = np.log(zeros) - np.log1p(-zeros)
    raw = torch.from_numpy(np.column_stack((z, w)))[:, None]
    targets = torch.from_numpy(y)[:, None]
    state = loss.prepare(targets, torch.ones(200).double())
    alpha = [1 / loss.learnt(state)["dispersion"].item()] if state.trained else []
    params, model = np.concatenate((of_zeros, of_counts, alpha)), statsmodels_of(loss, y, X)
    value = loss.pointwise(raw, targets, state).sum().item()
    assert -value == pytest.approx(model.loglike(params), rel=1e-9)
    exog = {"exog_infl": X} if "inflated" in loss.name else {}
    mean = model.predict(params, exog=X, which="mean", **exog)
    np.testing.assert_allclose(loss.predict(raw, state)[:, 0], mean, rtol=1e-8)


def visits() -> np.ndarray:
    """Return 400 counts of doctor visits: 31 % are 0, where poisson has 6 %."""
    from statsmodels.datasets import randhie

    return randhie.load_pandas().endog.to_numpy()[::50].astype(float)


@each
def test_best_constant_is_that_of_statsmodels(loss):
    y = visits()
    ones = np.ones((len(y), 1))
    start = [-0.7, 1.0, 1.0][: 3 if "negative" in loss.name else 2]
    found = statsmodels_of(loss, y, ones).fit(start, disp=0, maxiter=500)
    value, constant, learnt = trained_minimum(loss, y)
    assert value == pytest.approx(-found.llf / len(y), abs=1e-6)
    assert constant[0] == pytest.approx(found.params[1], abs=2e-3)
    if "negative" in loss.name:
        assert learnt["dispersion"] == pytest.approx(1 / found.params[2], rel=5e-3)


@each
def test_without_zeros_there_is_no_inflation(loss):
    y, ones = torch.tensor([[1.0], [2.0], [5.0]]).double(), torch.ones(3).double()
    state = loss.prepare(y, ones)
    baseline = loss.baseline(y, ones, state)
    assert baseline[0, 1].sigmoid() == pytest.approx(1e-6)
    assert loss.predict(baseline[None], state).item() == pytest.approx(8 / 3, rel=1e-5)


@pytest.mark.parametrize("loss", ALL[:2], ids=repr)
def test_fewer_zeros_than_counts_have_are_no_inflation(loss):
    """The best constant is that of the counts alone, whose share of zeros is exp(-1.8) > 0.1."""
    y, ones = torch.tensor([0.0] + 9 * [2.0])[:, None].double(), torch.ones(10).double()
    baseline = loss.baseline(y, ones, loss.prepare(y, ones))
    assert baseline[0, 0].exp() == pytest.approx(1.8)
    assert baseline[0, 1].sigmoid() == pytest.approx(1e-6)


@each
@pytest.mark.parametrize("y", [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_targets_without_spread_have_a_best_constant(loss, y, dtype):
    targets, ones = torch.tensor(y, dtype=dtype)[:, None], torch.ones(2, dtype=dtype)
    state = loss.prepare(targets, ones)
    baseline = loss.baseline(targets, ones, state)
    mean = loss.predict(baseline[None], state).item()
    assert mean == pytest.approx(np.mean(y), abs=3e-6)
    std = loss.predict_std(baseline[None], state).item()
    # Those with extra zeros cannot vary less than their counts do.
    assert std == pytest.approx(np.std(y) if "hurdle" in loss.name else np.sqrt(mean), abs=3e-3)


@each
@pytest.mark.parametrize("size", [25.0, 1e3, 1e4])
def test_answers_are_finite_far_out(loss, size):
    raw, _, state = drawn(loss)
    far = (size * raw.sign()).float()
    state = State({key: value.float() for key, value in state.items()}, state.trained)
    for found in (
        loss.predict(far, state),
        loss.predict_std(far, state),
        loss.cdf(far, torch.tensor([-1.0, 0.0, 3.0]).expand(40, 1, 3), state),
        loss.predict_quantiles(far[raw[:, 0, 0] < 0], torch.tensor([0.1, 0.9]), state),
    ):
        assert found.isfinite().all()
        assert (found >= 0).all()


@pytest.mark.parametrize("loss", ALL[2:], ids=repr)
def test_few_counts_above_0_are_all_1(loss):
    """Counts of mean exp(-40) given that they are above 0, half of which are."""
    raw, y = torch.tensor([[[-40.0, 0.0]]]), torch.tensor([[1.0]])
    _, _, state = drawn(loss)
    state = State({key: value.float() for key, value in state.items()}, state.trained)
    assert loss.pointwise(raw, y, state).item() == pytest.approx(np.log(2), abs=5e-6)
    assert loss.predict(raw, state).item() == pytest.approx(0.5)
    assert loss.predict_std(raw, state).item() == pytest.approx(0.5)
    levels = torch.tensor([0.49, 0.51, 0.999])
    assert loss.predict_quantiles(raw, levels, state).flatten().tolist() == [0, 1, 1]


@pytest.mark.parametrize("loss", ALL[2:], ids=repr)
def test_a_hurdle_takes_no_fractions_below_1(loss):
    loss.check_y(np.array([[0.0], [1.0], [1 - 1e-12], [2.5]]))
    with pytest.raises(ValueError, match=r"y = 0 or y >= 1; 2 of 4 values are between 0 and 1"):
        loss.check_y(np.array([[0.0], [0.3], [0.9], [2.0]]))
    with pytest.raises(ValueError, match=r"needs y >= 0; 1 of 2 values is outside"):
        loss.check_y(np.array([[0.0], [-0.3]]))
