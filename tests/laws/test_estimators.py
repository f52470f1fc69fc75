"""Laws of the estimators: scale, weights, linear models, probabilities."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_linnerud
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
)

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import CrossEntropy, Focal, RegressionLoss, SoftF1, SquaredError

from ..loss_instances import ALL, CLASSIFICATION, REGRESSION, WITH_POSTERIOR
from .small_models import BAGGED, ONE_NETWORK, decided

LOCATION_SCALE = [loss for loss in REGRESSION if loss.scaling in ("standard", "robust")]
SCALE_ONLY = [loss for loss in REGRESSION if loss.scaling == "scale"]
AT_CONSTANT = {"start_constant": True}
# Enough for laws that hold after every epoch.
FEW = {"max_epochs": 8}
SOME = load_digits(return_X_y=True)[0][:300], load_digits(return_X_y=True)[1][:300]


def small(loss, **params):
    estimator = NeuralClassifier if loss in CLASSIFICATION else NeuralRegressor
    defaults = {
        **ONE_NETWORK, "max_epochs": 30, "hidden_layer_sizes": (16,), "random_state": 0, "lr": 0.005,
    }  # fmt: skip
    return estimator(loss, **{**defaults, **params})


@pytest.mark.parametrize("loss", LOCATION_SCALE, ids=repr)
@pytest.mark.parametrize(
    "params",
    [FEW, {**FEW, "dtype": "float64"}, {**BAGGED, "dtype": "float64", "max_epochs": 3}],
    ids=["float32", "float64", "bagged"],
)
def test_shift_and_scale_of_the_target(loss, params, diabetes):
    """Diabetes with y and with y * 1e5 + 7: the same predictions after undoing the map."""
    X, y = diabetes
    plain = small(loss, **params).fit(X, y).predict(X)
    mapped = small(loss, **params).fit(X, y * 1e5 + 7).predict(X)
    np.testing.assert_allclose((mapped - 7) / 1e5, plain, rtol=1e-4)


@pytest.mark.parametrize("loss", SCALE_ONLY, ids=repr)
def test_scale_of_the_target(loss, diabetes):
    X, y = diabetes
    plain = small(loss, **FEW).fit(X, y).predict(X)
    mapped = small(loss, **FEW).fit(X, 1e5 * y).predict(X)
    np.testing.assert_allclose(mapped / 1e5, plain, rtol=1e-4)


def suits(loss):
    """Return real data that the loss takes."""
    if isinstance(loss, RegressionLoss):
        return load_diabetes(return_X_y=True)
    X, y = SOME
    return (X, y) if loss.multi_class else (X, (y > 4).astype(int))


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(loss):
    """Repeated rows differ a little, so that they are not joined before training; but `smooth` of
    soft_f1 counts in rows, and columns of 0 and 1 would no longer be left unscaled."""
    X, y = suits(loss)
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    noise = np.random.default_rng(1).standard_normal((weights.sum(), X.shape[1]))
    rows = X.repeat(weights, 0)
    noise[np.isin(rows, (0, 1))] = 0
    jitter = 1 + (0 if loss == SoftF1() else 1e-10) * noise
    whole = {**FEW, "batch_size": 5000, "dtype": "float64"}
    weighted = small(loss, **whole).fit(X, y, sample_weight=weights)
    repeated = small(loss, **whole).fit(rows * jitter, y.repeat(weights))
    if hasattr(weighted, "decision_function"):
        mine, theirs = weighted.decision_function(X), repeated.decision_function(X)
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("encoding", ["standard", "auto", "quantile"])
def test_all_rows_at_once_have_no_order_and_no_repeats(encoding, convert):
    """Bit for bit: rows are held once each, in an order that their values decide."""
    X, y = SOME
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    order = np.random.default_rng(1).permutation(weights.sum())
    rows, labels = X.repeat(weights, 0)[order], y.repeat(weights)[order]
    model = small(Focal(gamma=0.5), batch_size=5000, numeric_encoding=encoding)
    weighted = clone(model).fit(convert(X), y, sample_weight=weights)
    repeated = clone(model).fit(convert(rows), labels)
    mine, theirs = (m.decision_function(convert(X)) for m in (weighted, repeated))
    np.testing.assert_array_equal(mine, theirs)


def test_weights_matter_in_small_batches_too(diabetes):
    """Weights that select rows are near the fit of these rows alone, in batches that hold both
    kinds."""
    X, y = diabetes
    y = y + 500 * (np.arange(len(y)) % 2)
    weights = np.where(np.arange(len(y)) % 2, 0.01, 1.0)
    model = small(SquaredError(), batch_size=32, hidden_layer_sizes=(), max_epochs=50, lr=0.003)
    model.fit(X, y, sample_weight=weights)
    assert abs(model.predict(X).mean() - y[::2].mean()) < 25


@pytest.mark.parametrize(
    "members", [{}, {"n_members": 8, "early_stopping": True}], ids=["one", "bagged"]
)
def test_class_weight_is_sample_weight(members, breast_cancer):
    """Numbers are standardised: encodings by ranks count rows, whatever their class weighs."""
    X, y = breast_cancer
    factor = {"malignant": 3.0, "benign": 1.0}
    model = small(CrossEntropy(), max_epochs=5, **members)
    by_class = clone(model).set_params(class_weight=factor).fit(X, y)
    by_row = clone(model).fit(X, y, sample_weight=y.map(factor))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    counts = y.value_counts()
    weights = y.map(len(y) / (2 * counts))
    by_hand = clone(model).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-4)


def linear(estimator, loss):
    return estimator(loss, hidden_layer_sizes=(), optimizer="lbfgs", random_state=0)


def differs(mine, theirs):
    return np.abs(mine - theirs).max() / np.std(theirs)


def test_linear_model_is_least_squares(diabetes):
    X, y = diabetes
    mine = linear(NeuralRegressor, "mse").fit(X, y).predict(X)
    assert differs(mine, LinearRegression().fit(X, y).predict(X)) < 1e-4


@pytest.mark.parametrize("quantile", [0.1, 0.25, 0.5, 0.9])
def test_linear_model_is_quantile_regression(quantile, diabetes):
    X, y = diabetes
    model = linear(NeuralRegressor, "quantile").set_params(loss__quantile=quantile)
    reference = QuantileRegressor(quantile=quantile, alpha=0, solver="highs").fit(X, y)
    assert differs(model.fit(X, y).predict(X), reference.predict(X)) < 1e-3
    if quantile == 0.5:
        absolute = linear(NeuralRegressor, "mae").fit(X, y).predict(X)
        assert differs(absolute, reference.predict(X)) < 1e-3


def test_linear_model_is_poisson_regression(diabetes):
    X, y = diabetes
    X = (X - X.mean(0)) / X.std(0)
    reference = PoissonRegressor(alpha=0, tol=1e-10, max_iter=10_000).fit(X, y).predict(X)
    assert differs(linear(NeuralRegressor, "poisson").fit(X, y).predict(X), reference) < 1e-3


def test_linear_model_is_logistic_regression():
    X, y = load_breast_cancer(return_X_y=True)
    X = ((X - X.mean(0)) / X.std(0))[:, :5]
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    mine = linear(NeuralClassifier, "cross_entropy").fit(X, y).predict_proba(X)
    np.testing.assert_allclose(mine, reference.predict_proba(X), atol=1e-3)


def test_linear_model_is_multinomial_regression():
    X, y = load_digits(return_X_y=True)
    X = np.c_[X.mean(1), X.std(1)]
    X = (X - X.mean(0)) / X.std(0)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    mine = linear(NeuralClassifier, "cross_entropy").fit(X, y).predict_proba(X)
    np.testing.assert_allclose(mine, reference.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("loss", CLASSIFICATION, ids=repr)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_probabilities_and_decisions_agree(loss, n_classes):
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    model = small(loss, **FEW)
    if n_classes > 2 and not loss.multi_class:
        with pytest.raises(ValueError, match="Only binary classification is supported"):
            model.fit(X, y)
        return
    scores = model.fit(X, y).decision_function(X)
    assert scores.shape == ((len(X),) if n_classes == 2 else (len(X), n_classes))
    chosen = (scores > 0).astype(int) if n_classes == 2 else scores.argmax(1)
    np.testing.assert_array_equal(model.classes_[chosen], model.predict(X))
    assert hasattr(model, "predict_proba") == (loss in WITH_POSTERIOR)
    if loss in WITH_POSTERIOR:
        p = model.predict_proba(X)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
        assert ((p >= 0) & (p <= 1)).all()
        chosen, clear = decided(p)
        agree = model.classes_[chosen][clear] == model.predict(X)[clear]
        assert agree.all() or not loss.decides_by_posterior
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, atol=1e-6)


@pytest.mark.parametrize("loss", REGRESSION, ids=repr)
def test_several_targets(loss):
    X, Y = load_linnerud(return_X_y=True)
    model = small(loss, max_epochs=200).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    constant = small(loss, max_epochs=1, lr=1e-12, module_params=AT_CONSTANT).fit(X, Y).predict(X)
    assert np.abs(model.predict(X) - Y).mean() < np.abs(constant - Y).mean()


@pytest.mark.parametrize("loss", CLASSIFICATION, ids=repr)
def test_multi_label(loss):
    X, digit = SOME
    labels = np.c_[digit % 2, digit > 4, digit == 0]
    model = small(loss, max_epochs=100, batch_size=200)
    brief = clone(model).set_params(max_epochs=2)
    if not loss.multi_label:
        for y in (labels, sparse.csr_array(labels)):
            with pytest.raises(ValueError, match="does not take multi-label y"):
                model.fit(X, y)
        return
    scores = clone(brief).fit(X, labels).decision_function(X)
    as_sparse = brief.fit(X, sparse.csr_array(labels))
    np.testing.assert_array_equal(as_sparse.decision_function(X), scores)
    assert as_sparse.predict(X).shape == labels.shape
    model.fit(X, labels)
    assert (model.predict(X) == labels).mean() > 0.9
    assert model.decision_function(X).shape == labels.shape
    if loss in WITH_POSTERIOR:
        p = model.predict_proba(X)
        assert p.shape == labels.shape
        agree = (p > 0.5) == model.predict(X)
        assert agree.all() or not loss.decides_by_posterior


@pytest.mark.parametrize(
    "labels", [["b", "a", "c"], [True, False, True], [-1, 7, 3], [2.0, 1.0, 2.0]]
)
def test_labels_of_every_type(labels):
    X, digit = SOME
    y = np.array(labels)[digit % 3]
    model = small(CrossEntropy(), max_epochs=60)
    predicted = model.fit(X, y).predict(X)
    assert predicted.dtype == y.dtype
    assert (predicted == y).mean() > 0.9


@pytest.mark.parametrize(
    "convert",
    [
        sparse.csr_array,
        sparse.csc_matrix,
        lambda X: X.astype(int),
        lambda X: X.astype(np.float32),
        np.asfortranarray,
    ],
)
@pytest.mark.parametrize("encoding", ["none", "auto"])
def test_features_of_every_type(encoding, convert):
    X, y = SOME
    X = X[:, X.std(0) > 0]
    model = small(SquaredError(), max_epochs=20, dtype="float64", numeric_encoding=encoding)
    as_array = clone(model).fit(X, y)
    converted = clone(model).fit(convert(X), y)
    np.testing.assert_allclose(converted.predict(convert(X)), as_array.predict(X), rtol=1e-6)


def test_sparse_features_are_centred_as_dense_ones():
    X, y = SOME
    model = small(SquaredError(), max_epochs=50).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(model._learned.input_scaler.mean, X.mean(0), atol=1e-9)
    assert model.score(sparse.csr_array(X), y) > 0.7
    of_sparse = model.predict(sparse.csr_array(X))
    np.testing.assert_allclose(model.predict(X), of_sparse, rtol=1e-4, atol=1e-5)


def test_constant_target_and_constant_feature():
    X, _ = load_diabetes(return_X_y=True)
    X = np.c_[X, np.full(len(X), 7.0)]
    for loss in REGRESSION:
        model = small(loss, max_epochs=3, module_params=AT_CONSTANT).fit(X, np.full(len(X), 5.0))
        np.testing.assert_allclose(model.predict(X), 5, atol=0.5)
