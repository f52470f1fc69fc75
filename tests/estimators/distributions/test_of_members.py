"""What members predict together, as one distribution in the units of y."""

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_linnerud

from sklloss import NeuralRegressor
from sklloss.estimators.distributions.integrals import crps_of, moments_of
from sklloss.estimators.distributions.of_members import distribution_of
from sklloss.estimators.targets.mixture import Mixture

from ...loss_instances import REGRESSION

WITH_CDF = [loss for loss in REGRESSION if hasattr(loss, "cdf")]
QUICK = {
    "hidden_layer_sizes": (8,), "numeric_encoding": "standard", "max_epochs": 8, "lr": 0.01,
    "random_state": 0,
}  # fmt: skip
EIGHT = {**QUICK, "n_members": 8, "early_stopping": True}


@pytest.fixture(scope="module")
def of_loss():
    """Return a function that fits eight members once per loss, and what they predict of 5 rows."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    fitted = {}

    def predicted(loss):
        if loss not in fitted:
            fitted[loss] = NeuralRegressor(loss, **EIGHT).fit(X, y)
        return fitted[loss], X[:5], y[:5]

    return predicted


def of_single_members(model, X):
    rows, learned = model._prediction_rows(X), model._learned
    for net, scaler in zip(model.members_, learned.target_scalers, strict=True):
        mixture = Mixture.of(model.loss_, [net], rows, scaler.stacked([scaler]))
        yield distribution_of(mixture, True)


@pytest.mark.parametrize("loss", WITH_CDF, ids=repr)
def test_its_cdf_and_density_are_the_means_of_the_members(loss, of_loss):
    model, X, y = of_loss(loss)
    together, singles = model.predict_distribution(X), list(of_single_members(model, X))
    np.testing.assert_allclose(
        together.cdf(y), np.mean([one.cdf(y) for one in singles], 0), atol=1e-12
    )
    means = np.mean([np.exp(one.log_likelihood(y)) for one in singles], 0)
    np.testing.assert_allclose(np.exp(together.log_likelihood(y)), means, rtol=1e-9)
    mean = np.mean([one.mean() for one in singles], 0)
    np.testing.assert_allclose(together.mean(), mean, rtol=1e-9)


@pytest.mark.parametrize("loss", WITH_CDF, ids=repr)
def test_quantiles_invert_the_cdf_and_every_answer_agrees(loss, of_loss):
    model, X, _ = of_loss(loss)
    predicted = model.predict_distribution(X)
    levels = [0.03, 0.3, 0.5, 0.9]
    quantiles = predicted.ppf(levels)
    np.testing.assert_array_equal(quantiles, model.predict_quantiles(X, levels))
    np.testing.assert_array_equal(predicted.interval(0.7), model.predict_interval(X, 0.7))
    np.testing.assert_array_equal(predicted.std(), model.predict_std(X))
    reached = predicted.cdf(quantiles)
    if predicted.is_discrete:
        assert (reached >= levels).all()
        assert (predicted.cdf(quantiles - 1) < levels).all()
    else:
        np.testing.assert_allclose(reached, np.broadcast_to(levels, reached.shape), atol=1e-6)


@pytest.mark.parametrize("loss", WITH_CDF, ids=repr)
def test_draws_follow_the_distribution(loss, of_loss):
    model, X, _ = of_loss(loss)
    predicted = model.predict_distribution(X)
    draws = predicted.sample(800, random_state=0)
    assert draws.shape == (5, 800)
    for level in (0.1, 0.5, 0.9):
        share = (draws <= predicted.ppf(level)[:, None]).mean(1)
        expected = predicted.cdf(predicted.ppf(level))  # of counts, it may exceed the level
        np.testing.assert_allclose(share, expected, atol=4.5 * np.sqrt(0.25 / 800))
    if predicted.is_discrete:
        assert (draws == draws.round()).all()


@pytest.mark.parametrize("loss", [x for x in WITH_CDF if x.scaling != "none"], ids=repr)
def test_the_density_adds_up_to_the_cdf_in_units_of_y(loss, of_loss):
    model, X, _ = of_loss(loss)
    predicted = model.predict_distribution(X)
    low, high = predicted.ppf([0.2, 0.85]).T
    y = np.linspace(low, high, 2001, axis=1)
    area = np.trapezoid(predicted.pdf(y), y, axis=1)
    np.testing.assert_allclose(area, 0.65, atol=2e-3)


@pytest.mark.parametrize("loss", [x for x in WITH_CDF if x.name in ("crps", "laplace_nll")])
def test_moments_by_integration_are_those_of_the_members(loss, of_loss):
    model, X, _ = of_loss(loss)
    predicted = model.predict_distribution(X)
    mean, std = moments_of(predicted)
    np.testing.assert_allclose(mean[:, 0], predicted.mean(), rtol=1e-5)
    np.testing.assert_allclose(std[:, 0], predicted.std(), rtol=1e-4)


def test_one_member_of_a_normal_loss_is_scipys_normal(diabetes):
    X, y = diabetes
    model = NeuralRegressor("gaussian_nll", n_members=1, early_stopping=False, **QUICK).fit(X, y)
    predicted, law = (
        model.predict_distribution(X),
        stats.norm(model.predict(X), model.predict_std(X)),
    )
    np.testing.assert_allclose(predicted.mean(), model.predict(X), rtol=1e-7)
    np.testing.assert_allclose(predicted.cdf(y), law.cdf(y), atol=1e-6)
    np.testing.assert_allclose(predicted.pdf(y), law.pdf(y), rtol=1e-5)
    np.testing.assert_allclose(predicted.ppf(0.9), law.ppf(0.9), rtol=1e-6)


def test_crps_of_members_is_that_of_a_mixture_of_normals(of_loss):
    """By the formula of Grimit et al. (2006), with the members' means and deviations."""
    model, X, y = of_loss(next(loss for loss in WITH_CDF if loss.name == "crps"))
    singles = list(of_single_members(model, X))
    mean = np.array([one.mean() for one in singles])
    std = np.array([one.std() for one in singles])

    def distance(m, s):  # E|Z| of a normal Z
        return 2 * s * stats.norm.pdf(m / s) + m * (2 * stats.norm.cdf(m / s) - 1)

    pairs = distance(mean[:, None] - mean, np.hypot(std[:, None], std))
    expected = distance(y - mean, std).mean(0) - pairs.mean((0, 1)) / 2
    found = crps_of(model.predict_distribution(X), y[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("loss", ["student_t_nll", "negative_binomial", "multi_quantile"])
def test_several_targets_have_a_distribution_each(loss):
    X, Y = load_linnerud(return_X_y=True)
    predicted = NeuralRegressor(loss, random_state=0).fit(X, Y).predict_distribution(X)
    assert predicted.cdf(Y).shape == predicted.ppf(0.5).shape == (20, 3)
    assert predicted.cdf(np.zeros((1, 3, 5))).shape == (20, 3, 5)
    assert predicted.interval().shape == (20, 3, 2)
    with pytest.raises(ValueError, match=r"\(n_samples, n_targets\)"):
        predicted.cdf(Y[:, 0])
    if loss != "multi_quantile":
        assert predicted.sample(4).shape == (20, 3, 4)


def test_counts_have_probabilities_of_whole_numbers(of_loss):
    model, X, _ = of_loss(next(loss for loss in WITH_CDF if loss.name == "negative_binomial"))
    predicted = model.predict_distribution(X)
    counts = np.arange(3000.0)[None]
    np.testing.assert_allclose(predicted.pmf(counts).sum(1), 1, atol=1e-6)
    np.testing.assert_allclose((predicted.pmf(counts) * counts).sum(1), predicted.mean(), rtol=1e-4)
    np.testing.assert_array_equal(predicted.pmf([[1.5, -1.0, np.inf]]), 0)


@pytest.mark.parametrize("method", ["pdf", "mean", "std", "sample", "log_likelihood"])
def test_quantiles_alone_determine_no_tails(method, diabetes):
    X, y = diabetes
    model = NeuralRegressor("multi_quantile", n_members=1, early_stopping=False, **QUICK).fit(X, y)
    predicted = model.predict_distribution(X)
    assert not hasattr(predicted, method)
    with pytest.raises(AttributeError) as error:
        getattr(predicted, method)
    assert f"from 0.1 to 0.9, by which {method} is not" in str(error.value)


@pytest.mark.parametrize("members", [{"n_members": 1, "early_stopping": False}, EIGHT])
def test_the_cdf_of_quantiles_is_their_inverse_and_unknown_beyond(members, diabetes):
    X, y = diabetes
    predicted = NeuralRegressor("multi_quantile", **{**QUICK, **members}).fit(X, y)
    predicted = predicted.predict_distribution(X)
    levels = [0.1, 0.2, 0.5, 0.77, 0.9]
    found = predicted.cdf(predicted.ppf(levels))
    np.testing.assert_allclose(found[:, 1:4], np.tile(levels[1:4], (442, 1)), atol=1e-9)
    np.testing.assert_allclose(found[:, [0, 4]], np.tile([0.1, 0.9], (442, 1)), atol=1e-9)
    low, high = predicted.interval(0.8).T
    assert np.isnan(predicted.cdf(np.stack((low - 1, high + 1), 1))).all()
    with pytest.raises(ValueError, match=r"levels from 0\.1 to 0\.9; 0\.05 lies outside"):
        predicted.interval(0.9)


def test_it_pickles(of_loss):
    model, X, y = of_loss(next(loss for loss in WITH_CDF if loss.name == "student_t_nll"))
    predicted = model.predict_distribution(X)
    copy = pickle.loads(pickle.dumps(predicted))
    np.testing.assert_array_equal(copy.cdf(y), predicted.cdf(y))


def test_no_rows_have_no_distribution(of_loss):
    """scikit-learn refuses X without rows, as in predict."""
    model, X, _ = of_loss(WITH_CDF[0])
    with pytest.raises(ValueError, match="0 sample"):
        model.predict_distribution(X[:0])
