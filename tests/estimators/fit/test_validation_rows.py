"""Early stopping refuses what is too little to train on and to validate with."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklloss import MetricEmbedder, NeuralClassifier, NeuralRanker, NeuralRegressor, Recommender
from sklloss.estimators.fit.splits import N_FOLDS, fold_splits

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=40)
ONE_TEN = np.r_[np.zeros(20), np.ones(19), 2].astype(int)  # the last class has one row
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0, "n_members": 1}
TOO_FEW = r"at least 2 training and 2 validation rows.*early_stopping=False"
ALONE = r"rows of every class; there is one row only of 2\..*\(train, valid\).*early_stopping=False"


def regressor(share, **params):
    settings = {**SMALL, "early_stopping": True, "validation_fraction": share, **params}
    return NeuralRegressor(**settings)


def classifier(share, **params):
    settings = {**SMALL, "early_stopping": True, "validation_fraction": share, **params}
    return NeuralClassifier(**settings)


@pytest.mark.parametrize(
    ("share", "n_rows"),
    [(0.1, 2), (0.1, 10), (0.5, 3), (0.7, 4), (LeaveOneOut(), 40), (ShuffleSplit(test_size=1), 9)],
)
def test_parts_of_less_than_two_rows_are_refused(share, n_rows):
    with pytest.raises(ValueError, match=TOO_FEW):
        regressor(share).fit(X[:n_rows], Y[:n_rows])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("n_rows", [2, 5, 11, 20])
def test_validation_rows_are_too_few_where_they_are_for_scikit_learns_mlp(share, n_rows):
    theirs = MLPRegressor(early_stopping=True, validation_fraction=share, max_iter=2)
    for model in (theirs, regressor(share)):
        if np.ceil(share * n_rows) < 2:
            with pytest.raises(ValueError, match="validation"):
                model.fit(X[:n_rows], Y[:n_rows])
        else:
            model.fit(X[:n_rows], Y[:n_rows])


def test_rows_that_are_given_one_by_one_are_taken():
    assert regressor((np.arange(1, 3), np.arange(1))).fit(X[:3], Y[:3]).n_iter_ == 2
    pair = (np.arange(39), np.arange(39, 40))
    assert classifier(pair).fit(X, ONE_TEN).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("share", [0.2, KFold(4), ShuffleSplit(1, random_state=0)])
def test_a_class_of_one_row_is_refused_by_share_and_splitter(share):
    with pytest.raises(ValueError, match=ALONE):
        classifier(share).fit(X, ONE_TEN)
    with pytest.raises(ValueError, match="least populated class"):
        MLPClassifier(early_stopping=True).fit(X, ONE_TEN == 2)
    kept = np.ones(40)
    kept[-1] = 0  # a row of weight 0 is no row
    assert classifier(share).fit(X, ONE_TEN, sample_weight=kept).classes_.tolist() == [0, 1]
    # Several labels are not stratified, and without validation rows any class is trained.
    several = np.column_stack((ONE_TEN == 0, ONE_TEN == 2)).astype(int)
    classifier(share).fit(X, several)
    assert classifier(share, early_stopping=False).fit(X, ONE_TEN).classes_.tolist() == [0, 1, 2]


def test_folds_never_hold_out_a_class_of_one_row_where_another_has_more():
    y = np.r_[np.repeat([0, 1, 2], 7), 3][:, None]  # none has a row for each fold
    for seed in range(10):
        for split in fold_splits(y, True, seed, N_FOLDS):
            assert 21 in split.train
            assert len(np.unique(y[split.train])) == 4
    assert classifier("auto").fit(X[:22], y[:, 0]).classes_.tolist() == [0, 1, 2, 3]
    alone = fold_splits(np.arange(9)[:, None], True, 0, N_FOLDS)
    assert sorted(np.concatenate([each.fold for each in alone])) == list(range(9))


def test_folds_leave_two_rows_to_train_on():
    with pytest.raises(ValueError, match=TOO_FEW):
        regressor("auto").fit(X[:2], Y[:2])
    assert regressor("auto").fit(X[:3], Y[:3]).n_iter_ == 2


def test_other_units_are_counted_and_named():
    ranker = NeuralRanker(early_stopping=True, max_epochs=1, random_state=0)
    grades = np.tile([0, 1, 2, 1], 10)
    with pytest.raises(ValueError, match=r"2 validation groups; there would be 9 and 1\."):
        ranker.fit(X, grades, group=np.full(10, 4))
    ranker.set_params(validation_fraction=0.2).fit(X, grades, group=np.full(10, 4))
    pairs = [(user, item) for user in range(2) for item in range(4)]
    with pytest.raises(ValueError, match=TOO_FEW):
        Recommender(early_stopping=True, max_epochs=1, random_state=0).fit(pairs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_embedder_takes_classes_of_one_row():
    embedder = MetricEmbedder(early_stopping=True, validation_fraction=0.3, **SMALL)
    assert embedder.fit(X, ONE_TEN).n_iter_ == 2
