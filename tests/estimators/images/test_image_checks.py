"""scikit-learn's own checks of estimators whose network is convolutional.

Most of them bring tables, which such a network refuses: they run with one that takes the
rows of a table for images of one line.
"""

import warnings
from collections import Counter

import pytest
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.modules import CNN, MODULES

ESTIMATORS = [NeuralClassifier, NeuralRegressor]
WITHOUT_DATA = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


class Line(CNN):
    """A convolutional network that takes rows of a table for images of one line."""

    inputs = "table"

    def __init__(self, n_features, n_outputs, channels=(4,), **params):
        super().__init__((1, 1, n_features), n_outputs, channels, **params)

    def forward(self, X):
        return super().forward(X[:, None, None])


@pytest.fixture
def line(monkeypatch):
    """Seeded, because some of the checks do not: probabilities that reach 1 tie where scores do
    not."""
    monkeypatch.setitem(MODULES, "line", Line)
    one = {"n_members": 1, "early_stopping": False, "numeric_encoding": "standard"}
    params = {"hidden_layer_sizes": (8,), "lr": 0.01, "max_epochs": 80, "random_state": 0}
    return {"module": "line", **one, **params}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_check_estimator_passes(estimator, line):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(estimator(**line), on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] >= 59


@pytest.mark.parametrize("check", WITHOUT_DATA)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_checks_without_data_pass(check, estimator):
    model = estimator(module="cnn", module_params={"channels": (4,)}, max_epochs=2)
    assert getattr(estimator_checks, check)(estimator.__name__, model) is None


def test_tags_say_what_the_network_takes():
    of_images = get_tags(NeuralClassifier(module="cnn")).input_tags
    assert (of_images.two_d_array, of_images.three_d_array, of_images.sparse) == (
        False,
        True,
        False,
    )
    of_tables = get_tags(NeuralRegressor()).input_tags
    assert (of_tables.two_d_array, of_tables.three_d_array, of_tables.sparse) == (True, False, True)
    of_any = get_tags(NeuralRegressor(module=Line)).input_tags
    assert (of_any.two_d_array, of_any.three_d_array, of_any.sparse) == (True, True, True)
    unknown = get_tags(NeuralRegressor(module="lmp")).input_tags
    assert unknown.two_d_array
