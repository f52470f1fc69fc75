"""predict_distribution walks to the network, and brings its distribution back in units of y."""

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_linnerud
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, predict_distribution

QUICK = {
    "n_members": 1, "early_stopping": False, "numeric_encoding": "standard", "max_epochs": 8,
    "hidden_layer_sizes": (8,), "random_state": 0,
}  # fmt: skip
NET = NeuralRegressor("gaussian_nll", **QUICK)


def same(found, expected, y):
    np.testing.assert_array_equal(found.cdf(y), expected.cdf(y))
    np.testing.assert_array_equal(found.ppf([0.1, 0.7]), expected.ppf([0.1, 0.7]))


def test_of_a_network_it_is_the_method(diabetes):
    X, y = diabetes
    model = NeuralRegressor("crps", **QUICK).fit(X, y)
    same(predict_distribution(model, X), model.predict_distribution(X), y)


def test_of_a_pipeline_it_is_that_of_the_last_step(diabetes):
    X, y = diabetes
    pipeline = make_pipeline(StandardScaler(), "passthrough", clone(NET)).fit(X, y)
    inside = pipeline[-1].predict_distribution(StandardScaler().fit_transform(X))
    same(predict_distribution(pipeline, X), inside, y)
    alone = make_pipeline(clone(NET)).fit(X, y)
    same(predict_distribution(alone, X), alone[-1].predict_distribution(X), y)


@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
def test_of_a_search_it_is_that_of_the_best(search, diabetes):
    X, y = diabetes
    fitted = search(make_pipeline(NET), {"neuralregressor__lr": [0.01]}, cv=2).fit(X, y)
    inside = fitted.best_estimator_[-1].predict_distribution(X)
    same(predict_distribution(fitted, X), inside, y)
    nested = make_pipeline(search(NET, {"lr": [0.01]}, cv=2)).fit(X, y)
    assert predict_distribution(nested, X).ppf(0.5).shape == y.shape


def of_log(transformer=None):
    if transformer is not None:
        return TransformedTargetRegressor(NET, transformer=transformer)
    return TransformedTargetRegressor(NET, func=np.log, inverse_func=np.exp)


def test_a_normal_distribution_of_the_logarithm_is_scipys_log_normal(diabetes):
    X, y = diabetes
    model = of_log().fit(X, y)
    inner = model.regressor_.predict_distribution(X)
    law = stats.lognorm(inner.std(), scale=np.exp(inner.mean()))
    found = predict_distribution(model, X)
    np.testing.assert_allclose(found.cdf(y), law.cdf(y), atol=1e-6)
    np.testing.assert_allclose(found.pdf(y), law.pdf(y), rtol=1e-5)
    np.testing.assert_allclose(found.log_likelihood(y), law.logpdf(y), atol=1e-5)
    np.testing.assert_allclose(found.interval(0.8)[:, 1], law.ppf(0.9), rtol=1e-6)
    np.testing.assert_allclose(found.mean(), law.mean(), rtol=1e-4)
    np.testing.assert_allclose(found.std(), law.std(), rtol=1e-3)
    draws = found.sample(400, random_state=0)
    assert stats.kstest(law.cdf(draws.T).ravel(), "uniform").pvalue > 1e-3


def test_values_that_a_transformer_does_not_take_are_certain(diabetes):
    X, y = diabetes
    found = predict_distribution(of_log().fit(X, y), X)
    assert (found.cdf([[-np.inf, -5, 0, np.inf]]) == [0, 0, 0, 1]).all()
    assert (found.pdf([[-np.inf, -5, 0, np.inf]]) == 0).all()


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        PowerTransformer(),
        QuantileTransformer(n_quantiles=50, output_distribution="normal"),
        FunctionTransformer(np.negative, np.negative),
        FunctionTransformer(np.reciprocal, np.reciprocal),
    ],
    ids=lambda t: type(t).__name__,
)
def test_the_cdf_inverts_quantiles_whatever_the_transformer(transformer, diabetes):
    X, y = diabetes
    is_reciprocal = getattr(transformer, "func", None) is np.reciprocal
    net = NeuralRegressor("lognormal_nll" if is_reciprocal else "crps", **QUICK)
    model = TransformedTargetRegressor(net, transformer=transformer).fit(X, y)
    found = predict_distribution(model, X[:20])
    levels = np.array([0.1, 0.4, 0.5, 0.85])
    quantiles = found.ppf(levels)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    inside = (quantiles > y.min()) & (quantiles < y.max())
    assert inside.mean() > 0.8
    reached = np.where(inside, found.cdf(quantiles), levels)
    np.testing.assert_allclose(reached, np.tile(levels, (20, 1)), atol=1e-6)
    y_grid = np.linspace(quantiles[:, 1], quantiles[:, 2], 2001, axis=1)
    area = np.trapezoid(found.pdf(y_grid), y_grid, axis=1)
    np.testing.assert_allclose(area, 0.1, atol=2e-3)


def test_quantiles_alone_pass_through_a_transformer(diabetes):
    X, y = diabetes
    net = NeuralRegressor("multi_quantile", **QUICK)
    model = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp).fit(X, y)
    found = predict_distribution(model, X)
    inner = model.regressor_.predict_quantiles(X, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(found.ppf([0.1, 0.5, 0.9]), np.exp(inner))
    assert not hasattr(found, "mean")


def test_a_transformer_that_is_not_monotone_is_refused(diabetes):
    X, y = diabetes
    squared = FunctionTransformer(
        lambda z: np.sqrt(z) - 8, lambda z: (z + 1) ** 2, check_inverse=False
    )
    model = TransformedTargetRegressor(NET, transformer=squared, check_inverse=False).fit(X, y)
    with pytest.raises(ValueError, match="is not monotone over the predicted range"):
        predict_distribution(model, X)


def test_several_targets_and_counts_under_a_transformer_are_refused(diabetes):
    X, Y = load_linnerud(return_X_y=True)
    model = TransformedTargetRegressor(NET, transformer=StandardScaler()).fit(X, Y)
    with pytest.raises(ValueError, match="transforms 3 targets at once"):
        predict_distribution(model, X)
    X, y = diabetes
    net = NeuralRegressor("negative_binomial", **QUICK)
    model = TransformedTargetRegressor(net, func=np.log1p, inverse_func=np.expm1).fit(X, y)
    with pytest.raises(ValueError, match="a loss for counts"):
        predict_distribution(model, X)


def test_a_loss_of_a_point_is_named_with_the_remedy(diabetes):
    X, y = diabetes
    model = make_pipeline(NeuralRegressor("mse", **QUICK)).fit(X, y)
    with pytest.raises(AttributeError, match=r"'squared_error' has no predictive .* student_t_nll"):
        predict_distribution(model, X)


def test_other_estimators_and_unfitted_ones_are_refused(diabetes):
    X, y = diabetes
    with pytest.raises(TypeError, match="needs a NeuralRegressor.*got Ridge"):
        predict_distribution(make_pipeline(Ridge()).fit(X, y), X)
    for unfitted in (NET, make_pipeline(NET), of_log(), GridSearchCV(NET, {})):
        with pytest.raises(NotFittedError):
            predict_distribution(unfitted, X)
    search = LossSearchCV(NET, {"lr": [0.01]}, cv=2, refit=False).fit(X, y)
    with pytest.raises(ValueError, match="was not refitted. Set refit=True"):
        predict_distribution(search, X)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"loss": "gaussian_nll"}, "MemberDistribution of 442 rows: loss 'gaussian_nll', 1 member"),
        (
            {"loss": "multi_quantile"},
            "QuantileDistribution of 442 rows: loss 'multi_quantile', lev",
        ),
        (
            {"loss": "crps", "calibrate": True, "early_stopping": True},
            "CalibratedDistribution of 442 rows: loss 'crps', 1 member, calibrated by 56 ",
        ),
        (
            {"loss": "mse", "calibrate": True, "early_stopping": True},
            "ResidualDistribution of 442 rows: residuals of 56 held",
        ),
    ],
    ids=lambda each: (
        each.get("loss", "") + "-calibrated" * ("calibrate" in each)
        if isinstance(each, dict)
        else ""
    ),
)
def test_they_print_in_a_line(params, words, diabetes):
    """Not with the raw output of all members."""
    X, y = diabetes
    model = NeuralRegressor(**{**QUICK, **params}).fit(X, y)
    text = repr(model.predict_distribution(X))
    assert words in text
    assert len(text) < 120
    assert repr(model.predict_distribution(X[:1])).count("of 1 row:") == 1


def test_several_targets_and_transformers_print_too():
    X, y = load_linnerud(return_X_y=True)
    several = NeuralRegressor("gaussian_nll", **QUICK).fit(X, y).predict_distribution(X)
    assert "of 20 rows and 3 targets: loss" in repr(several)
    of_log = TransformedTargetRegressor(NET, func=np.log, inverse_func=np.exp).fit(X, y[:, 0])
    assert "through the inverse of FunctionTransformer" in repr(predict_distribution(of_log, X))


def test_a_classifier_is_answered_with_its_probabilities():
    X, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
    model = NeuralClassifier(**{**QUICK, "max_epochs": 1}).fit(X, y)
    with pytest.raises(TypeError, match=r"got NeuralClassifier\. For classes, predict_proba"):
        predict_distribution(model, X)


@pytest.mark.parametrize(
    ("params", "name", "why"),
    [
        ({"loss": "gaussian_nll"}, "pmf", "use pdf for the density"),
        ({"loss": "multi_quantile"}, "mean", "choose a loss that provides a distribution"),
        ({"loss": "mse", "calibrate": True, "early_stopping": True}, "pdf", "set calibrate=False"),
    ],
    ids=["pmf", "mean", "pdf"],
)
def test_the_message_itself_says_why_a_method_is_missing(params, name, why, diabetes):
    X, y = diabetes
    predicted = NeuralRegressor(**{**QUICK, **params}).fit(X, y).predict_distribution(X)
    assert not hasattr(predicted, name)
    with pytest.raises(AttributeError, match=why):
        getattr(predicted, name)
    with pytest.raises(AttributeError, match="object has no attribute 'quantile'"):
        predicted.quantile  # noqa: B018
    twin = pickle.loads(pickle.dumps(predicted))
    np.testing.assert_array_equal(twin.ppf(0.5), predicted.ppf(0.5))
