"""Arguments of other libraries are answered with ours, and signatures stay what they are."""

import inspect
import pickle

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, Recommender

X = np.random.default_rng(0).normal(size=(30, 2))

ANSWERS = [
    ("solver", "sgd", r"\(scikit-learn's MLP\)\. In sklloss this is optimizer='sgd'\."),
    ("alpha", 0.1, r"this is weight_decay=alpha / batch_size\. scikit-learn divides"),
    ("learning_rate_init", 0.1, r"In sklloss this is lr=0\.1\."),
    ("max_iter", 300, r"In sklloss this is max_epochs=300\."),
    ("learning_rate", "adaptive", r"schedules are skorch's, callbacks="),
    ("n_estimators", 100, r"max_epochs=\"auto\"\. It counts passes over the rows"),
    ("num_leaves", 31, r"LightGBM or CatBoost\)\. It shapes trees; .* hidden_layer_sizes"),
    ("objective", "reg:absoluteerror", r"In sklloss this is loss='absolute_error'\."),
    ("objective", "huber", r"In sklloss this is loss='huber'\."),
    ("quantile_alpha", 0.9, r"loss=\"quantile\"\. Then set_params\(loss__quantile="),
    ("metric", "rmse", r"Metrics are scorers of scikit-learn"),
    ("epochs", 5, r"\(Keras\)\. In sklloss this is max_epochs=5\."),
    ("validation_data", (X, X), r"validation_fraction=\(train, valid\), early_stopping=True"),
    ("eval_set", [(X, X)], r"validation_fraction=\(train, valid\), early_stopping=True"),
    ("random_seed", 3, r"random_state=3\."),
]


@pytest.mark.parametrize(("name", "value", "answer"), ANSWERS)
def test_the_constructor_answers_with_our_name(name, value, answer):
    with pytest.raises(TypeError, match=rf"^NeuralRegressor has no parameter '{name}' .*{answer}"):
        NeuralRegressor(**{name: value})


@pytest.mark.parametrize(("name", "value", "answer"), ANSWERS)
def test_set_params_answers_with_our_name(name, value, answer):
    model = NeuralRegressor()
    message = rf"^Invalid parameter '{name}' for NeuralRegressor .*{answer}"
    with pytest.raises(ValueError, match=message):
        model.set_params(max_epochs=3, **{name: value})
    assert model.max_epochs == "auto"


@pytest.mark.parametrize("cls", [NeuralRegressor, NeuralClassifier])
@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("epochs", 5, r"\(Keras\)\. In sklloss this is {}\(max_epochs=5\)\."),
        ("validation_data", (X, X), r"this is {}\(validation_fraction=\(train, valid\), early_"),
        ("eval_set", [(X, X)], r"this is {}\(validation_fraction=\(train, valid\), early_stop"),
        ("early_stopping_rounds", 9, r"{}\(early_stopping=True, n_iter_no_change=9\)\."),
        ("batch_size", 32, r"Give it to the constructor: {}\(batch_size=32\)\."),
        ("optimizer", "adam", r"Give it to the constructor: {}\(optimizer='adam'\)\."),
        ("callbacks", [], r"Give it to the constructor: {}\(callbacks=\.\.\.\)\."),
        ("metrics", ["mae"], r"Metrics are scorers of scikit-learn"),
        ("sample_wieght", None, r"it takes X, y, .*sample_weight.* Did you mean 'sample_weight'"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fit_answers_with_our_name(cls, name, value, answer, method):
    message = rf"^{method} has no argument '{name}'.*" + answer.format(cls.__name__)
    with pytest.raises(TypeError, match=message):
        getattr(cls(), method)(X, X[:, 0] > 0, **{name: value})


def test_an_optimizer_that_is_built_is_answered_with_class_and_arguments():
    built = torch.optim.Adam([torch.zeros(1)])
    with pytest.raises(TypeError, match=r"Give the class, and its arguments as optimizer_params="):
        NeuralRegressor(optimizer=built).fit(X, X[:, 0])


def test_nested_parameters_are_not_for_the_constructor():
    with pytest.raises(TypeError, match=r"set_params\(loss__delta=2\.0\) or in the grid"):
        NeuralRegressor("huber", loss__delta=2.0)


def test_unknown_names_get_the_nearest_or_the_list():
    with pytest.raises(TypeError, match="Did you mean 'hidden_layer_sizes'"):
        NeuralRegressor(hiden_layer_sizes=(3,))
    with pytest.raises(TypeError, match="Its parameters are loss, .*max_epochs"):
        NeuralRegressor(qqqq=1)
    with pytest.raises(TypeError, match="Did you mean 'n_jobs'"):
        LossSearchCV(NeuralRegressor(), {"loss": ["mse"]}, n_job=2)


def test_a_synonym_of_what_the_estimator_lacks_is_no_answer():
    with pytest.raises(TypeError) as error:
        Recommender(units=3)
    assert "hidden_layer_sizes" not in str(error.value)


@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
def test_grids_and_pipelines_pass_the_answer_on(search):
    pipeline = make_pipeline(StandardScaler(), NeuralRegressor(max_epochs=1))
    with pytest.raises(ValueError, match=r"In sklloss this is lr=0\.1"):
        search(pipeline, {"neuralregressor__learning_rate_init": [0.1]}, cv=2).fit(X, X[:, 0])


class Wide(NeuralRegressor):
    """A user's subclass that has a parameter of another library's name, and passes others on."""

    def __init__(self, loss="mae", *, alpha=1.0, **others):
        super().__init__(loss, **others)
        self.alpha = alpha


def test_a_subclass_may_have_a_parameter_of_such_a_name():
    model = Wide(alpha=3, max_epochs=2)
    assert (model.alpha, model.max_epochs) == (3, 2)
    with pytest.raises(TypeError, match="Wide has no parameter 'solver'"):
        Wide(solver="adam")


@pytest.mark.parametrize("cls", [NeuralRegressor, NeuralClassifier, LossSearchCV, Recommender])
@pytest.mark.parametrize("name", ["__init__", "fit", "partial_fit"])
def test_signatures_have_no_catch_all(cls, name):
    if cls is LossSearchCV and name != "__init__":
        return  # whose fit passes parameters on, as GridSearchCV's
    kinds = {each.kind for each in inspect.signature(getattr(cls, name)).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


def test_clone_pickle_and_routing_see_the_estimator_as_it_is():
    model = NeuralRegressor("huber", max_epochs=2)
    for twin in (clone(model), pickle.loads(pickle.dumps(model))):
        assert twin.get_params() == model.get_params()
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        assert clone(model).get_metadata_routing().fit.requests == {"sample_weight": True}
    assert "Train the network." in NeuralRegressor.fit.__doc__


def test_warnings_of_a_fit_point_to_the_line_that_calls_it():
    model = NeuralRegressor(max_epochs=1, n_members=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_epochs=1 has ended") as caught:
        model.fit(X, X[:, 0])
    assert {each.filename for each in caught} == {__file__}
