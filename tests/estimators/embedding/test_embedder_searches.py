"""MetricEmbedder in searches, and scikit-learn's own checks."""

import warnings
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from sklloss import LossSearchCV, MetricEmbedder, NeuralClassifier
from sklloss.losses import Contrastive, Triplet

from .small_embedders import LOSSES, assert_same, embedder, pairs_of, table

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


GRID = [
    {"loss": ["infonce", "contrastive", "hinge_embedding"]},
    {"loss": ["triplet"], "loss__margin": [0.2, 1.0]},
]


@pytest.mark.parametrize("pairs", [False, True])
def test_searches_over_losses_by_its_own_score(pairs):
    X, y = table(90)
    X, y = pairs_of(X, y, 90) if pairs else (X, y)
    cv = StratifiedKFold(3) if pairs else KFold(3)
    model = embedder(max_epochs=8, lr=0.02, pairs=pairs)
    grid = GridSearchCV(model, GRID, cv=cv).fit(X, y)
    ours = LossSearchCV(model, GRID, cv=cv).fit(X, y)
    scores = grid.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], scores)
    assert len(np.unique(scores)) > 3
    assert ours.best_params_ == grid.best_params_
    rows = X[:, 0] if pairs else X
    assert_same(ours.best_estimator_, grid.best_estimator_, rows)
    assert ours.score(X, y) == grid.score(X, y)


def test_a_search_over_a_pipeline_that_ends_in_a_classifier():
    X, y = table(60)
    model = make_pipeline(embedder(max_epochs=2), NeuralClassifier(max_epochs=2, random_state=0))
    grid = {"metricembedder__loss": ["contrastive", "triplet", "infonce"]}
    assert len(GridSearchCV(model, grid, cv=2).fit(X, y).cv_results_["params"]) == 3


def test_parameters_of_the_loss():
    model = embedder().set_params(loss="triplet", loss__margin=0.3)
    assert model.loss == Triplet(0.3)
    assert model.get_params()["loss__margin"] == 0.3
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(ValueError, match="Loss 'infonce' has no parameter 'margin'"):
        model.set_params(loss="infonce", loss__margin=0.3)
    fitted = embedder(Contrastive(0.5)).fit(*table())
    assert fitted.loss_state_["margin"].item() == 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_check_estimator_passes(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        model = MetricEmbedder(loss, hidden_layer_sizes=(8,), n_components=3, max_epochs=5)
        results = check_estimator(model, on_fail=None, on_skip=None)
    assert not [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] >= 50


def test_tags_are_true():
    tags = embedder().__sklearn_tags__()
    assert tags.estimator_type is None
    assert tags.target_tags.required
    assert tags.input_tags.sparse
    assert tags.transformer_tags.preserves_dtype == []
    assert not tags.input_tags.three_d_array
    assert embedder(pairs=True).__sklearn_tags__().input_tags.three_d_array
