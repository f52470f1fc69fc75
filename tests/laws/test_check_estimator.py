"""Law 1: scikit-learn's own checks, for both estimators with every loss."""

import inspect

import pytest
from sklearn.utils import estimator_checks

from sklloss import NeuralClassifier, NeuralRegressor

from ..loss_instances import OF_TABLES
from .brief_checks import JUDGE_WHAT_WAS_LEARNED, check_all, check_briefly

ESTIMATORS = {"regression": NeuralRegressor, "classification": NeuralClassifier}


def test_checks_that_judge_what_was_learned_are_those_of_scikit_learn():
    functions = {n: f for n, f in vars(estimator_checks).items() if n.startswith("check_")}
    judging = {
        n
        for n, f in functions.items()
        if "if not" in inspect.getsource(f) and ".poor_score" in inspect.getsource(f)
    }
    assert judging == JUDGE_WHAT_WAS_LEARNED


@pytest.mark.parametrize("task", ESTIMATORS)
def test_check_estimator_passes_at_the_defaults(task):
    check_all(ESTIMATORS[task]())


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_check_estimator_passes(cls):
    check_briefly(ESTIMATORS[cls.task](cls.name))


@pytest.mark.parametrize("task", ESTIMATORS)
@pytest.mark.parametrize(
    ("encoding", "more"),
    # The few steps of a small table are for numbers that are centred and scaled.
    [("none", {"max_epochs": 300}), ("standard", {}), ("quantile", {})],
)
def test_check_estimator_passes_with_other_encodings(task, encoding, more):
    check_briefly(ESTIMATORS[task](numeric_encoding=encoding, **more))


@pytest.mark.parametrize("loss", ["squared_error", "gaussian_nll"])
def test_check_estimator_passes_with_calibrated_quantiles(loss):
    check_briefly(NeuralRegressor(loss, calibrate=True))


def test_tags_tell_the_truth():
    regressor, poisson = NeuralRegressor("huber"), NeuralRegressor("poisson")
    assert not regressor.__sklearn_tags__().target_tags.positive_only
    assert poisson.__sklearn_tags__().target_tags.positive_only
    assert regressor.__sklearn_tags__().target_tags.multi_output
    assert not regressor.__sklearn_tags__().non_deterministic
    tags = NeuralClassifier("hinge").__sklearn_tags__()
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label
    for of_table in (tags.input_tags, regressor.__sklearn_tags__().input_tags):
        assert of_table.sparse
        assert of_table.allow_nan
        assert of_table.categorical
    assert not tags.classifier_tags.poor_score
    assert NeuralClassifier("no such loss").__sklearn_tags__().estimator_type == "classifier"
