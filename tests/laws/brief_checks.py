"""scikit-learn's checks in a fraction of their time.

Most of them look at shapes, types and messages, which do not depend on how long a network trains:
they run with two epochs.  Those that judge what was learned, or compare fits, run with all.
"""

import inspect
import warnings
from collections import Counter

from sklearn.base import is_classifier
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from sklloss import NeuralClassifier, NeuralRegressor

ALLOWED_SKIPS = {
    "check_array_api_input",  # scikit-learn skips it unless SCIPY_ARRAY_API is set
    "check_classifiers_multilabel_output_format_predict_proba",  # where there is no predict_proba
}
# The checks that expect less of an estimator with the tag `poor_score`.
JUDGE_WHAT_WAS_LEARNED = {
    "check_class_weight_classifiers",
    "check_classifier_multioutput",
    "check_classifiers_train",
    "check_regressors_train",
}
# Those that compare two trained models: rounding adds up from epoch to epoch.
COMPARE_FITS = {
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


class PoorScore:
    """An estimator of whose score scikit-learn expects nothing."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        (tags.classifier_tags or tags.regressor_tags).poor_score = True
        return tags


class BriefClassifier(PoorScore, NeuralClassifier):
    pass


class BriefRegressor(PoorScore, NeuralRegressor):
    pass


def name_of(check):
    return inspect.unwrap(check.func).__name__


def check_all(estimator):
    """Run all checks as scikit-learn does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert not failed
    assert skipped <= ALLOWED_SKIPS
    assert Counter(r["status"] for r in results)["passed"] >= 58


def check_briefly(estimator):
    """Run all checks with two epochs, and with all those that judge or compare what was learned."""
    brief = BriefClassifier if is_classifier(estimator) else BriefRegressor
    check_all(brief(**{**estimator.get_params(deep=False), "max_epochs": 2}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judged = set()
        for model, each in estimator_checks_generator(estimator, mark=None):
            # Whether memory is read-only matters to the first epoch already.
            is_mapped = each.keywords.get("readonly_memmap", False)
            if name_of(each) in JUDGE_WHAT_WAS_LEARNED | COMPARE_FITS and not is_mapped:
                each(model)
                judged.add(name_of(each))
    assert judged >= COMPARE_FITS
    assert judged & JUDGE_WHAT_WAS_LEARNED
