"""The share of test rows is read from the search's cv, or asked for."""

import numpy as np
import pytest
from sklearn import model_selection as splitters
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GridSearchCV

from sklloss import LossSearchCV, NeuralRegressor, compare_losses
from sklloss.advice.verdicts.split_sizes import ratio_of_rows

from ...laws.small_models import ONE_NETWORK

RNG = np.random.default_rng(0)
X, Y, GROUPS = RNG.normal(size=(60, 2)), RNG.normal(size=60), np.arange(60) % 6
LABELS = np.arange(60) % 2
SPLITS = [(np.arange(30), np.arange(30, 60)), (np.arange(15, 60), np.arange(15))]


def groups_for(cv):
    """Return groups where a splitter needs them; others warn of them."""
    return GROUPS if "Group" in type(cv).__name__ else None


def searched(cv, y=Y):
    dummy = DummyRegressor(strategy="quantile")
    search = GridSearchCV(dummy, {"quantile": [0.2, 0.8]}, cv=cv)
    return search.fit(X, y, groups=groups_for(cv))


@pytest.mark.parametrize(
    "cv",
    [
        None,
        4,
        splitters.KFold(3, shuffle=True, random_state=0),
        splitters.StratifiedKFold(6),
        splitters.GroupKFold(3),
        splitters.LeaveOneGroupOut(),
        splitters.RepeatedKFold(n_splits=5, n_repeats=3, random_state=0),
        splitters.RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0),
        splitters.ShuffleSplit(3, random_state=0),
        splitters.ShuffleSplit(3, test_size=0.25, random_state=0),
        splitters.ShuffleSplit(3, train_size=0.5, random_state=0),
        splitters.ShuffleSplit(3, test_size=10, train_size=20, random_state=0),
        splitters.ShuffleSplit(3, test_size=0.1, train_size=0.2, random_state=0),
        splitters.GroupShuffleSplit(3, test_size=0.5, random_state=0),
        splitters.StratifiedShuffleSplit(3, random_state=0),
        splitters.PredefinedSplit(np.repeat([-1, 0, 1], [20, 30, 10])),
        SPLITS,
        [(np.arange(60) < 30, np.arange(60) >= 30), SPLITS[1]],
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_ratio_is_that_of_the_rows(cv):
    y = LABELS if "Stratified" in type(cv).__name__ else Y
    search = searched(cv, y)
    splits = list(splitters.check_cv(cv).split(X, y, groups_for(cv)))
    n_train, n_test = (sum(len(X[rows[i]]) for rows in splits) for i in (0, 1))
    found = ratio_of_rows(search, search.n_splits_, None, "compare_losses")
    assert found == pytest.approx(n_test / n_train)


@pytest.mark.parametrize(
    "cv",
    [
        splitters.TimeSeriesSplit(3),
        splitters.ShuffleSplit(3, test_size=10, random_state=0),
        (split for split in SPLITS),
        splitters.LeavePGroupsOut(2),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_what_cannot_be_known_is_asked_for(cv):
    search = searched(cv)
    with pytest.raises(ValueError, match=r"cannot tell from cv=.*Give test_size: 0.1 for 10-fold"):
        compare_losses(search)
    assert compare_losses(search, test_size=0.25).n_splits == search.n_splits_


def test_a_table_tells_nothing_of_rows():
    with pytest.raises(ValueError, match="cannot tell from its table on which share"):
        compare_losses(searched(4).cv_results_)


@pytest.mark.parametrize("test_size", [0, 1, -0.1, 10])
def test_test_size_is_a_share(test_size):
    with pytest.raises(ValueError, match=r"0 < test_size < 1; got"):
        compare_losses(searched(4), test_size=test_size)


@pytest.mark.parametrize(
    ("cv", "sizes"),
    [
        (splitters.TimeSeriesSplit(2), [[20, 20], [40, 20]]),
        ((split for split in SPLITS), [[30, 30], [45, 15]]),
    ],
    ids=["ordered", "generator"],
)
def test_our_searches_keep_the_sizes_of_any_splits(cv, sizes):
    net = NeuralRegressor(**ONE_NETWORK, max_epochs=1, hidden_layer_sizes=(2,), random_state=0)
    search = LossSearchCV(net, {"loss": ["mse", "mae"]}, cv=cv).fit(X, Y)
    assert search.split_sizes_.tolist() == sizes
    n_train, n_test = np.sum(sizes, axis=0)
    assert ratio_of_rows(search, 2, None, "") == pytest.approx(n_test / n_train)
