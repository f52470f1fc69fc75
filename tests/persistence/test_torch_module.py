"""Pipelines as plain modules."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.persistence.torch_module import to_module

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) * [1, 10, 100, 0.1] + [0, 5, -50, 2]
Y = X[:, 0] + X[:, 1]
SMALL = {"max_epochs": 2, "hidden_layer_sizes": (4,), "random_state": 0}
STEPS = [
    (StandardScaler(),),
    (StandardScaler(with_mean=False), StandardScaler(with_std=False)),
    (MinMaxScaler((-1, 2)),),
    (MinMaxScaler(clip=True),),
    (MaxAbsScaler(),),
    (RobustScaler(),),
    (RobustScaler(with_centering=False),),
    (PCA(2),),
    (PCA(2, whiten=True), "passthrough"),
    (TruncatedSVD(2),),
    (SelectKBest(f_regression, k=2), StandardScaler()),
    (make_pipeline(SimpleImputer(), MaxAbsScaler()),),
]


@pytest.mark.parametrize(
    "steps", STEPS, ids=lambda steps: ", ".join(type(each).__name__ for each in steps)
)
def test_steps_give_the_same_numbers(steps):
    model = make_pipeline(*steps, NeuralRegressor(**SMALL)).fit(X, Y)
    rows = torch.from_numpy(3 * X)
    np.testing.assert_allclose(to_module(model)(rows), model.predict(3 * X), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_missing_values_and_empty_columns_are_imputed():
    given = np.c_[X, np.full(len(X), np.nan)]
    given[3, 1] = np.nan
    model = make_pipeline(SimpleImputer(strategy="median"), NeuralRegressor(**SMALL))
    wanted = model.fit(given, Y).predict(given)
    np.testing.assert_allclose(to_module(model)(torch.from_numpy(given)), wanted, rtol=1e-5)


def test_it_exports_with_any_number_of_rows():
    model = make_pipeline(StandardScaler(), PCA(3), NeuralClassifier(**SMALL)).fit(X, Y > 0)
    module, rows = to_module(model, "predict_proba"), torch.from_numpy(X)
    dynamic = ({0: torch.export.Dim("rows")},)
    exported = torch.export.export(module, (rows[:2],), dynamic_shapes=dynamic).module()
    np.testing.assert_allclose(exported(rows), model.predict_proba(X), atol=1e-6)


def test_an_estimator_is_what_its_own_method_returns():
    model = NeuralClassifier(**SMALL).fit(X, Y > 0)
    rows = torch.from_numpy(X)
    assert torch.equal(to_module(model)(rows), model.to_module()(rows))
    assert torch.equal(to_module(model, "raw")(rows), model.to_module("raw")(rows))


def test_a_step_without_a_form_in_torch_is_named():
    model = make_pipeline(PolynomialFeatures(), NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match="step 'polynomialfeatures', a PolynomialFeatures, into"):
        to_module(model)
    imputer = SimpleImputer(add_indicator=True)
    model = make_pipeline(imputer, NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match=r"'simpleimputer', a SimpleImputer .* add_indicator"):
        to_module(model)


def test_what_is_no_estimator_of_ours():
    with pytest.raises(TypeError, match="got Ridge"):
        to_module(make_pipeline(StandardScaler(), Ridge()).fit(X, Y))
    with pytest.raises(NotFittedError):
        to_module(make_pipeline(StandardScaler(), NeuralRegressor()))
