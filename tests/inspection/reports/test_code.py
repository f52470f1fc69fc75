"""The code of an estimator rebuilds it."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralMultiTask, NeuralRegressor, get_loss
from sklloss.inspection.reports.code import code_of
from sklloss.losses import Focal, ForwardCorrection, Huber

from ...loss_instances import ALL

COLUMNS = ColumnTransformer(
    [("one_hot", OneHotEncoder(handle_unknown="ignore"), ["town", "street"])],
    remainder=StandardScaler(with_mean=False),
)
ESTIMATORS = [
    NeuralRegressor(),
    NeuralRegressor("mae"),
    NeuralRegressor(Huber(delta=2.0), hidden_layer_sizes=(64, 64), lr=3e-4, random_state=7),
    NeuralRegressor(hidden_layer_sizes=(3,), optimizer=torch.optim.SGD),
    NeuralRegressor(optimizer_params={"betas": (0.9, 0.99), "eps": 1e-6}),
    NeuralRegressor(get_loss(torch.nn.HuberLoss, task="regression", delta=3.0)),
    NeuralRegressor(torch.nn.L1Loss, n_iter_no_change=float("inf")),
    NeuralRegressor(loss=np.str_("huber"), lr=np.float64(0.01), max_epochs=np.int64(3)),
    NeuralClassifier(Focal(alpha=(0.25, 0.75)), class_weight={"it's": 2.0, 'say "no"': 1.0}),
    NeuralClassifier(ForwardCorrection(noise_matrix=((0.9, 0.1), (0.2, 0.8)))),
    NeuralMultiTask({"price": "huber", "sold": Focal(gamma=1.0)}),
    TransformedTargetRegressor(
        make_pipeline(StandardScaler(), NeuralRegressor("tukey")),
        func=np.log1p,
        inverse_func=np.expm1,
    ),
    Pipeline([("columns", COLUMNS), ("net", NeuralClassifier("ldam"))]),
    LossSearchCV(NeuralRegressor(), {"loss": ["mse", Huber()], "lr": np.array([0.1, 0.2])}, cv=3),
    make_pipeline(FunctionTransformer(np.log1p), NeuralRegressor()),
]


def rebuilt(estimator):
    names = {}
    exec(code_of(estimator), names)
    return names["model"]


def settings_of(estimator):
    return {name: repr(value) for name, value in estimator.get_params(deep=True).items()}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: repr(each)[:40])
def test_code_rebuilds_the_estimator(estimator):
    again = rebuilt(estimator)
    assert type(again) is type(estimator)
    wanted = settings_of(estimator)
    if isinstance(estimator, NeuralRegressor) and isinstance(estimator.loss, np.str_):
        wanted = settings_of(NeuralRegressor("huber", lr=0.01, max_epochs=3))
    assert settings_of(again) == wanted
    clone(again)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_code_rebuilds_every_loss(loss):
    assert rebuilt(NeuralRegressor(loss)).loss == loss


def test_lines_are_short():
    for estimator in ESTIMATORS:
        assert max(map(len, code_of(estimator).splitlines())) <= 100


def test_rebuilt_estimator_predicts_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    model = make_pipeline(
        StandardScaler(), NeuralRegressor(Huber(delta=0.7), max_epochs=3, random_state=3)
    ).fit(X, y)
    np.testing.assert_array_equal(rebuilt(model).fit(X, y).predict(X), model.predict(X))


def test_what_no_code_rebuilds_is_left_to_the_reader():
    code = code_of(NeuralRegressor(lambda p, y: (p - y) ** 2, module=torch.nn.Linear(3, 1)))
    assert "your_lambda = ...  # put it here:" in code
    assert "your_linear = ...  # put it here: Linear(in_features=3" in code
    assert "loss=your_lambda" in code
    compile(code, "code", "exec")
