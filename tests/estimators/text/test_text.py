"""Texts: token ids into the network of texts, sparse counts into the plain one, in Pipelines and
searches."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, TokenVectorizer

from ...stacked_and_alone import assert_same, fitted_alone, fitted_together
from .labelled_lines import LINES, PAGE_OF

POOLINGS = ["mean", "conv", "gru"]
SMALL = {"embedding_size": 8, "n_filters": 6, "state_size": 8}
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def network(pooling="mean", estimator=NeuralClassifier, loss=None, **params):
    defaults = {"max_epochs": 15, "lr": 0.02, "random_state": 0, "hidden_layer_sizes": (8,)}
    own = {"module": "text", "module_params": {**SMALL, "pooling": pooling}}
    return estimator(*([loss] if loss else []), **{**defaults, **own, **params})


def pipeline(*args, **params):
    return Pipeline([("tokens", TokenVectorizer()), ("net", network(*args, **params))])


@pytest.fixture(scope="module")
def ids():
    return TokenVectorizer().fit_transform(LINES)


def test_means_of_embeddings_beat_logistic_regression_on_counts():
    theirs = make_pipeline(TfidfVectorizer(), LogisticRegression())
    ours = pipeline(module_params=None, hidden_layer_sizes=(100,), max_epochs=30, lr=0.01)
    scores = [cross_val_score(model, LINES, PAGE_OF, cv=FOLDS).mean() for model in (theirs, ours)]
    assert scores[1] > scores[0] + 0.05
    assert scores[1] > 0.5


@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_learns_and_says_the_same_twice(pooling):
    model = pipeline(pooling, max_epochs=40).fit(LINES, PAGE_OF)
    assert model.score(LINES, PAGE_OF) > 0.8
    probabilities = model.predict_proba(LINES)
    again = clone(model).fit(pd.Series(LINES), PAGE_OF)
    for twin in (again, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict_proba(LINES), probabilities)
    other = clone(model).set_params(net__random_state=1).fit(LINES, PAGE_OF)
    assert not np.array_equal(other.predict_proba(LINES), probabilities)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_columns_of_padding_change_no_bit(ids, pooling):
    wide = np.pad(ids, ((0, 0), (0, 9)))
    for options in ({"batch_size": 32}, {"dropout": 0.3, "batch_size": 32}):
        narrow_model, wide_model = (
            network(pooling, max_epochs=3, **options).fit(X, PAGE_OF) for X in (ids, wide)
        )
        mine, theirs = narrow_model.predict_proba(ids), wide_model.predict_proba(wide)
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(ids, pooling):
    """In batches of all rows, which have no order."""
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 3, len(ids))
    order = rng.permutation(weights.sum())
    X, y = ids.repeat(weights, 0)[order], PAGE_OF.repeat(weights)[order]
    model = network(pooling, max_epochs=5, batch_size=5000)
    weighted = clone(model).fit(ids, PAGE_OF, sample_weight=weights).predict_proba(ids)
    np.testing.assert_array_equal(clone(model).fit(X, y).predict_proba(ids), weighted)
    assert np.abs(clone(model).fit(ids, PAGE_OF).predict_proba(ids) - weighted).max() > 0.01


@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
def test_searches_go_over_losses_vocabularies_and_poolings(search):
    grid = {
        "tokens__max_features": [20, None],
        "net__module__pooling": ["mean", "conv"],
        "net__loss": ["cross_entropy", "mse", "focal"],
    }
    found = search(pipeline(max_epochs=10), grid, cv=FOLDS, scoring="accuracy").fit(LINES, PAGE_OF)
    results = pd.DataFrame(found.cv_results_)
    assert len(results) == 12
    assert results.mean_test_score.min() > 0.2
    by_size = results.groupby(results.param_tokens__max_features.isna()).mean_test_score.max()
    assert by_size[True] > by_size[False]
    assert found.best_params_["tokens__max_features"] is None
    assert found.score(LINES, PAGE_OF) > 0.6


def test_loss_search_scores_as_grid_search():
    grid = {"net__loss": ["cross_entropy", "mse", "gce"], "net__module__pooling": ["mean", "gru"]}
    searches = [
        search(pipeline(max_epochs=4), grid, cv=FOLDS).fit(LINES, PAGE_OF)
        for search in (GridSearchCV, LossSearchCV)
    ]
    theirs, mine = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "gaussian_nll"])
def test_regressors_read_texts_too(loss):
    length = np.array([np.mean([len(word) for word in line.split()]) for line in LINES])
    model = pipeline(estimator=NeuralRegressor, loss=loss, max_epochs=40).fit(LINES, length)
    assert model.score(LINES, length) > 0.6
    assert model.predict(LINES[:2]).shape == (2,)


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "gce", "focal", "cumulative_link"])
@pytest.mark.parametrize("n_classes", [2, 6])
def test_losses_of_classification_read_texts(ids, loss, n_classes):
    y = PAGE_OF if n_classes > 2 else PAGE_OF > "digits"
    model = network(loss=loss, max_epochs=40, early_stopping=False).fit(ids, y)
    assert model.score(ids, y) > 0.6
    assert len(model.classes_) == n_classes


def test_vocabulary_is_that_of_the_training_rows_and_what_is_new_is_unknown(ids):
    known = np.where(ids < 50, ids, 1)
    model = network().fit(known, PAGE_OF)
    assert model.net_.module_.n_tokens == 50
    np.testing.assert_array_equal(model.predict_proba(ids), model.predict_proba(known))
    more = network().set_params(module__n_tokens=int(ids.max()) + 1).fit(known, PAGE_OF)
    assert more.net_.module_.n_tokens == ids.max() + 1
    assert not np.array_equal(more.predict_proba(ids), more.predict_proba(known))


def test_ids_of_rows_of_weight_0_are_not_learnt(ids):
    rare = ids.copy()
    rare[0, 0] = ids.max() + 10
    weights = np.arange(len(ids)) > 0
    weighted = network(max_epochs=1).fit(rare, PAGE_OF, weights)
    removed = network(max_epochs=1).fit(rare[1:], PAGE_OF[1:])
    scores = [model.decision_function(rare[:1]) for model in (weighted, removed)]
    np.testing.assert_allclose(*scores, rtol=1e-4)


def test_networks_for_ids_and_for_tables_share_no_preparation(ids):
    one = {"max_epochs": 1, "n_members": 1, "early_stopping": False}
    models = [network(**one), network(module="mlp", module_params=None, **one)]
    assert_same(fitted_together(models, ids, PAGE_OF), fitted_alone(models, ids, PAGE_OF), ids)


def test_training_goes_on_with_new_ids(ids):
    known = np.where(ids < 50, ids, 1)
    model = network().partial_fit(known, PAGE_OF).partial_fit(ids, PAGE_OF)
    assert model.net_.module_.n_tokens == 50
    warm = network(warm_start=True, max_epochs=2).fit(ids, PAGE_OF)
    before = warm.score(ids, PAGE_OF)
    assert warm.set_params(max_epochs=20).fit(ids, PAGE_OF).score(ids, PAGE_OF) > before


def test_empty_documents_train_and_are_predicted(ids):
    X = np.concatenate((ids, np.zeros((40, ids.shape[1]), dtype=ids.dtype)))
    y = np.concatenate((PAGE_OF, ["nothing"] * 40))
    model = network(max_epochs=40).fit(X, y)
    assert set(model.predict(X[-40:])) == {"nothing"}
    alone = network(max_epochs=3).fit(np.zeros((20, 4)), np.arange(20) % 2)
    np.testing.assert_allclose(alone.predict_proba(np.zeros((2, 4))), 0.5, atol=0.01)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16, np.float32, np.float64])
def test_ids_of_any_type_are_alike(ids, dtype):
    expected = network(max_epochs=2).fit(ids, PAGE_OF).predict_proba(ids)
    converted = ids.astype(dtype)
    for X in (converted, pd.DataFrame(converted), converted.tolist()):
        model = network(max_epochs=2).fit(X, PAGE_OF)
        np.testing.assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("output", ["predict_proba", "decision_function"])
def test_to_module_takes_ids(ids, pooling, output):
    model = network(pooling, max_epochs=2).fit(ids, PAGE_OF)
    module = model.to_module(output)
    expected = getattr(model, output)(ids)
    np.testing.assert_allclose(module(torch.from_numpy(ids)).numpy(), expected, atol=1e-6)


BAD_IDS = {
    "negative": (
        lambda X: X - 1,
        ValueError,
        "Negative values in data passed to .*whole numbers from 0; .*, for example -1",
    ),
    "fractions": (lambda X: X + 0.5, ValueError, r"whole numbers from 0; .*for example .*\.5"),
    "huge": (lambda X: X + 2**24, ValueError, r"ids up to 16,777,215; the largest of X is"),
    "missing": (lambda X: np.where(X == 2, np.nan, X), ValueError, "contains NaN"),
    "text": (lambda X: LINES, ValueError, "X has text. Put a TokenVectorizer before it"),
    "a list of text": (lambda X: list(LINES), ValueError, "X has text. Put a TokenVectorizer"),
    "a column of text": (lambda X: pd.DataFrame({"text": LINES}), ValueError, "X has text. Put"),
    "a Series of text": (lambda X: pd.Series(LINES), ValueError, "X has text. Put"),
    "words": (lambda X: np.array([line.split()[:2] for line in LINES]), ValueError, "X has text"),
    "unequal rows": (
        lambda X: [row[row > 0].tolist() for row in X],
        ValueError,
        "X has rows of 0 to .* token ids.*Fill them up with 0",
    ),
    "sparse": (
        sparse.csr_array,
        TypeError,
        "X is sparse. Sparse counts and TF-IDF go to module='mlp'",
    ),
}


@pytest.mark.parametrize(("spoil", "error", "message"), BAD_IDS.values(), ids=BAD_IDS.keys())
@pytest.mark.parametrize("estimator", [NeuralClassifier, NeuralRegressor])
def test_what_is_no_matrix_of_ids_is_named(ids, spoil, error, message, estimator):
    y = PAGE_OF if estimator is NeuralClassifier else np.arange(len(ids)) / 100
    model = network(estimator=estimator, max_epochs=1)
    with pytest.raises(error, match=message):
        model.fit(spoil(ids), y)
    model.fit(ids, y)
    with pytest.raises(error, match=message):
        model.predict(spoil(ids))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"module__pooling": "max"}, "pooling to be one of 'mean', 'conv', 'gru'; got 'max'"),
        ({"module__width": 3}, "module 'text' has no parameter 'width'; its parameters are"),
        ({"module__dropout": 2}, "0 <= dropout < 1"),
        ({"module__embedding_size": 0}, "embedding_size >= 1"),
    ],
)
def test_parameters_of_the_network_are_checked(ids, params, message):
    with pytest.raises(ValueError, match=message):
        network().set_params(**params).fit(ids, PAGE_OF)


def test_sparse_counts_are_made_dense_a_few_rows_at_a_time(monkeypatch):
    """A matrix that would be 1.6 GB if it were dense; y is whether the first half of a row
    outweighs the second."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((2000, 100_000), density=3e-4, format="csr", rng=rng)
    y = X[:, :50_000].sum(1) > X[:, 50_000:].sum(1)
    made_dense = []
    toarray = sparse.csr_array.toarray

    def watched(self, *args, **kwargs):
        made_dense.append(self.shape[0] * self.shape[1])
        return toarray(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_array, "toarray", watched)
    monkeypatch.setattr(sparse.csr_array, "todense", None)
    one = {"n_members": 1, "early_stopping": False, "max_epochs": 2, "random_state": 0}
    model = NeuralClassifier(hidden_layer_sizes=(), batch_size=100, **one)
    model.fit(X, y)
    assert model.predict(X).shape == (2000,)
    assert len(made_dense) >= 20
    assert max(made_dense) <= 2000 * 100_000 / 10


FEED_FRACTIONS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_classifiers_one_label_sample_weights",
    "check_class_weight_classifiers",
    "check_decision_proba_consistency",
}
NEED_COLUMNS = {"check_classifiers_train", "check_regressors_train"}  # a mean does not see them


@pytest.mark.parametrize("estimator", [NeuralClassifier, NeuralRegressor])
def test_checks_of_scikit_learn_pass_where_they_feed_whole_numbers(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        model = estimator(module="text", module_params=SMALL, max_epochs=10)
        results = check_estimator(model, on_fail=None, on_skip=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert failed <= FEED_FRACTIONS | NEED_COLUMNS
    assert sum(r["status"] == "passed" for r in results) >= 55


def test_tags_say_what_ids_are():
    tags = NeuralClassifier(module="text").__sklearn_tags__().input_tags
    assert (tags.categorical, tags.positive_only, tags.sparse) == (True, True, False)
    assert NeuralClassifier().__sklearn_tags__().input_tags.sparse
