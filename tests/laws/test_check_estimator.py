"""Law 1: scikit-learn's own checks, for both estimators with every loss at its defaults."""

import warnings
from collections import Counter

import pytest
from sklearn.utils.estimator_checks import check_estimator

from sklloss import NeuralClassifier, NeuralRegressor

from ..loss_instances import OF_TABLES

ESTIMATORS = {"regression": NeuralRegressor, "classification": NeuralClassifier}
ALLOWED_SKIPS = {
    "check_array_api_input",  # scikit-learn skips it unless SCIPY_ARRAY_API is set
    "check_classifiers_multilabel_output_format_predict_proba",  # where there is no predict_proba
}


def check(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert not failed
    assert skipped <= ALLOWED_SKIPS
    assert Counter(r["status"] for r in results)["passed"] >= 58


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_check_estimator_passes(cls):
    check(ESTIMATORS[cls.task](cls.name))


@pytest.mark.parametrize("task", ESTIMATORS)
@pytest.mark.parametrize(
    ("encoding", "more"),
    # The few steps of a small table are for numbers that are centred and scaled.
    [("none", {"max_epochs": 300}), ("standard", {}), ("quantile", {})],
)
def test_check_estimator_passes_with_other_encodings(task, encoding, more):
    check(ESTIMATORS[task](numeric_encoding=encoding, **more))


@pytest.mark.parametrize("loss", ["squared_error", "gaussian_nll"])
def test_check_estimator_passes_with_calibrated_quantiles(loss):
    check(NeuralRegressor(loss, calibrate=True))


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
