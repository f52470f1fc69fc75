"""Quantiles, intervals and standard deviations, where the loss gives a predictive distribution."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_linnerud
from sklearn.model_selection import train_test_split

from sklloss import NeuralRegressor
from sklloss.estimators.fit.splits import validation_split
from sklloss.estimators.targets.mixture import Mixture
from sklloss.losses import HistogramCrossEntropy, Quantile

from ...loss_instances import REGRESSION

LAWS = [loss for loss in REGRESSION if hasattr(loss, "predict_std")]
WITH_QUANTILES = [loss for loss in REGRESSION if hasattr(loss, "predict_quantiles")]
POINTS = [loss for loss in REGRESSION if loss not in WITH_QUANTILES]


# As many as have folds of their own.
SEVERAL = {"n_members": 8, "early_stopping": True}


def fitted(loss, X, y, **params):
    """Fit one small network on all rows."""
    defaults = {
        "n_members": 1, "early_stopping": False, "numeric_encoding": "standard",
        "hidden_layer_sizes": (16,), "lr": 0.005, "max_epochs": 30, "random_state": 0,
    }  # fmt: skip
    return NeuralRegressor(loss, **{**defaults, **params}).fit(X, y)


def test_the_laws_are_those_of_the_catalogue():
    names = {loss.name for loss in LAWS}
    assert names == {
        "adaptive", "negative_binomial", "gaussian_nll", "laplace_nll", "student_t_nll",
        "lognormal_nll", "crps", "cross_entropy", "zero_inflated_poisson", "hurdle_poisson",
        "zero_inflated_negative_binomial", "hurdle_negative_binomial",
    }  # fmt: skip
    assert {loss.name for loss in WITH_QUANTILES} == names | {"multi_quantile"}


@pytest.mark.parametrize("members", [{}, SEVERAL], ids=["one", "several"])
@pytest.mark.parametrize("loss", WITH_QUANTILES, ids=repr)
def test_quantiles_rise_and_are_in_units_of_y(loss, members, diabetes):
    X, y = diabetes
    model = fitted(loss, X, y, **members)
    levels = (0.1, 0.25, 0.5, 0.6) if loss.name == "multi_quantile" else (0.05, 0.25, 0.5, 0.95)
    quantiles = model.predict_quantiles(X, levels)
    assert quantiles.shape == (len(y), 4)
    assert quantiles.dtype == np.float64
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert abs(np.median(quantiles[:, 2]) - np.median(y)) < 40
    if loss.scaling != "none":
        thousandfold = fitted(loss, X, 1000 * y, **members).predict_quantiles(X, levels)
        np.testing.assert_allclose(thousandfold, 1000 * quantiles, rtol=1e-3)


@pytest.mark.parametrize("loss", LAWS, ids=repr)
def test_std_is_in_units_of_y(loss, diabetes):
    X, y = diabetes
    model = fitted(loss, X, y)
    std = model.predict_std(X)
    assert std.shape == y.shape
    if loss.name in ("zero_inflated_poisson", "hurdle_poisson"):  # no zeros here: poisson
        np.testing.assert_allclose(std, np.sqrt(model.predict(X)), rtol=0.1)
    else:
        assert 0.3 * y.std() < std.mean() < 3 * y.std()


def test_interval_lies_between_its_quantiles(diabetes):
    X, y = diabetes
    model = fitted("gaussian_nll", X, y)
    interval = model.predict_interval(X, coverage=0.6)
    np.testing.assert_allclose(interval, model.predict_quantiles(X, [0.2, 0.8]))
    reach = stats.norm.ppf(0.8) * model.predict_std(X)
    np.testing.assert_allclose(interval[:, 1] - model.predict(X), reach, rtol=1e-5)
    assert fitted("multi_quantile", X, y).predict_interval(X).shape == (len(y), 2)


@pytest.mark.parametrize("loss", LAWS, ids=repr)
def test_several_targets_have_a_law_each(loss):
    X, Y = load_linnerud(return_X_y=True)
    model = NeuralRegressor(loss, random_state=0).fit(X, Y)
    assert model.predict_quantiles(X, [0.1, 0.5, 0.7, 0.9]).shape == (20, 3, 4)
    assert model.predict_interval(X).shape == (20, 3, 2)
    std = model.predict_std(X)
    assert std.shape == (20, 3)
    assert ((std > 0) & np.isfinite(std)).all()
    apart = Y * [1, 100, 1e4] + [
        0,
        1e4,
        0,
    ]  # as many quantiles as targets, each target on its own scale
    quantiles = clone(model).fit(X, apart).predict_quantiles(X, [0.3, 0.5, 0.7])
    ratio = np.median(quantiles, axis=(0, 2)) / np.median(apart, axis=0)
    assert ((ratio > 0.5) & (ratio < 2)).all()


@pytest.mark.parametrize("loss", POINTS, ids=repr)
def test_a_point_has_no_law(loss, diabetes):
    assert not hasattr(NeuralRegressor(loss), "predict_quantiles")
    model = fitted(loss, *diabetes, max_epochs=1)
    for method in ("predict_quantiles", "predict_interval", "predict_std"):
        assert not hasattr(model, method)


def test_the_fitted_loss_decides(diabetes):
    model = fitted("crps", *diabetes).set_params(loss="mse")
    assert model.predict_std(diabetes[0]).shape == (442,)
    assert not hasattr(NeuralRegressor("multi_quantile"), "predict_std")
    with pytest.raises(AttributeError) as error:
        _ = NeuralRegressor("mse").predict_interval
    assert "has no predictive distribution" in str(error.value.__cause__)


@pytest.mark.parametrize("levels", [[0.0, 0.5], [1.2], [], [[0.1, 0.9]], [np.nan], ["0.5"]])
def test_levels_outside_0_to_1_are_refused(levels, diabetes):
    model = fitted("gaussian_nll", *diabetes, max_epochs=1)
    with pytest.raises(ValueError, match="needs levels with 0 < quantile < 1"):
        model.predict_quantiles(diabetes[0], levels)


def test_coverage_outside_0_to_1_and_unknown_levels_are_refused(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match=r"predict_interval needs 0 < coverage < 1; got 80"):
        fitted("gaussian_nll", X, y, max_epochs=1).predict_interval(X, coverage=80)
    with pytest.raises(ValueError, match=r"levels from 0\.1 to 0\.9; 0\.025 lies outside"):
        fitted("multi_quantile", X, y, max_epochs=1).predict_interval(X, coverage=0.95)


def test_the_best_epoch_is_chosen_by_the_loss_that_is_trained(diabetes):
    """A net of the 0.9-quantile that is stopped by its own loss covers about 0.9, not the share of
    a mean."""
    X, y = diabetes
    covered = []
    for seed in range(5):
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
        aside = {"early_stopping": True, "validation_fraction": 0.1, "max_epochs": 100}
        model = fitted(Quantile(quantile=0.9), X_train, y_train, **aside, random_state=seed)
        history = np.array(model.history_[:, "valid_loss"])
        assert history.min() == pytest.approx(_validation_loss(model, X_train, y_train), rel=1e-4)
        covered.append((y_test <= model.predict(X_test)).mean())
    assert 0.83 < np.mean(covered) < 0.95


def _validation_loss(model, X, y):
    """Return the pinball loss of the rows that decided, in units of the scaled target."""
    rows = np.arange(len(y))
    valid = validation_split(0.1, y[:, None], rows, len(y), False, model.net_.seed).valid
    error = (y[valid] - model.predict(X[valid])) / model._learned.target_scaler.scale.item()
    return np.maximum(0.9 * error, -0.1 * error).mean()


def test_median_of_a_histogram_is_its_prediction(diabetes):
    X, y = diabetes
    model = fitted(HistogramCrossEntropy(statistic="median"), X, y)
    np.testing.assert_allclose(model.predict_quantiles(X, [0.5])[:, 0], model.predict(X), rtol=1e-6)


# ------------------------------------------------------------------ several members


@pytest.mark.parametrize("loss", LAWS, ids=repr)
def test_quantiles_of_members_are_those_of_their_mixture(loss, diabetes):
    """Beside draws from the members, which are as likely."""
    X, y = diabetes
    model = NeuralRegressor(loss, max_epochs=6, hidden_layer_sizes=(8,), random_state=0).fit(X, y)
    assert len(model.members_) == 8
    rows, levels = X[:5], np.linspace(0.0005, 0.9995, 1000)
    alone = []
    for net, scaler in zip(model.members_, model._learned.target_scalers, strict=True):
        one = Mixture.of(model.loss_, [net], model._prediction_rows(rows), scaler.stacked([scaler]))
        alone.append(one.quantiles(torch.from_numpy(levels))[:, 0].numpy())
    draws = np.concatenate(alone, 1)
    found = model.predict_quantiles(rows, [0.1, 0.5, 0.9])
    expected = np.quantile(draws, [0.1, 0.5, 0.9], axis=1).T
    np.testing.assert_allclose(found, expected, atol=0.02 * y.std())
    if loss.name != "cross_entropy":  # whose deviation leaves out the width of the bins
        spread = draws.std(1)
        np.testing.assert_allclose(model.predict_std(rows), spread, rtol=0.15)


def test_quantiles_of_many_rows_equal_those_of_few(diabetes):
    X, y = diabetes
    model = fitted("crps", X, y, **SEVERAL)
    many = np.tile(X, (12, 1))  # more than are searched at once
    np.testing.assert_allclose(
        model.predict_quantiles(many)[:442], model.predict_quantiles(X), rtol=1e-9
    )
    assert model.predict_quantiles(many).shape == (len(many), 3)


def test_quantiles_between_the_trained_ones_are_averaged(diabetes):
    model = fitted("multi_quantile", *diabetes, **SEVERAL)
    levels = torch.tensor([0.25, 0.5], dtype=torch.float64)
    rows = diabetes[0][:9]
    each = [
        Mixture.of(model.loss_, [net], model._prediction_rows(rows), scaler.stacked([scaler]))
        for net, scaler in zip(model.members_, model._learned.target_scalers, strict=True)
    ]
    mean = np.mean([one.quantiles(levels)[:, 0].numpy() for one in each], 0)
    np.testing.assert_allclose(model.predict_quantiles(rows, [0.25, 0.5]), mean)
