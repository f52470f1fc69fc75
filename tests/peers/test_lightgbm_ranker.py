"""Peer: LightGBM's LGBMRanker.

Its users rely on these promises:

- ``group`` has the sizes of groups whose rows stand together; sizes that do not add up are refused
- ``predict`` gives a score per row, which neither needs groups nor depends on other rows
- the order within groups is learned, about as well as LightGBM learns it
- NDCG at k is that of LightGBM, with the gain 2^y - 1
- labels are grades from 0 to 31; others are refused
- groups of one row, and groups whose rows are equally relevant, are harmless
- weights make groups count more; early stopping keeps the best round
- the same seed gives the same model, and a copy answers as the model does
"""

import pickle

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRanker

from sklloss import NeuralRanker, mean_ndcg

RNG = np.random.default_rng(0)
SIZES = RNG.integers(4, 9, 60)
X = RNG.normal(size=(SIZES.sum(), 4))
WANTED = 2 * X[:, 0] - X[:, 1] + 0.3 * RNG.normal(size=len(X))
Y = np.digitize(WANTED, [-1.5, 0, 1.5])
HALF = SIZES[:30].sum()
TRAIN = X[:HALF], Y[:HALF]
TEST = X[HALF:], Y[HALF:]
FOREST = {"n_jobs": 1, "verbose": -1, "random_state": 0}


def ranker(loss="lambdarank", **params):
    settings = {"hidden_layer_sizes": (16,), "lr": 0.02, "max_epochs": 25, "random_state": 0}
    return NeuralRanker(loss, **{**settings, **params})


@pytest.fixture(scope="module")
def fitted():
    return ranker().fit(*TRAIN, group=SIZES[:30])


# ---------------------------------------------------------------------- groups


def test_sizes_that_do_not_add_up_are_refused_by_both():
    with pytest.raises(ValueError, match="group"):
        ranker().fit(*TRAIN, group=SIZES[:29])
    with pytest.raises(Exception, match="query|group"):
        LGBMRanker(n_estimators=1, **FOREST).fit(*TRAIN, group=SIZES[:29])


@pytest.mark.parametrize("form", [list, np.int32, np.array, pd.Series, tuple])
def test_sizes_in_any_form_are_the_ids_of_rows(form, fitted):
    ids = np.repeat(np.arange(30), SIZES[:30])
    for group in (form(SIZES[:30]), form(ids)):
        model = ranker().fit(*TRAIN, group=group)
        np.testing.assert_array_equal(model.predict(X), fitted.predict(X))


def test_scores_need_no_groups_and_do_not_depend_on_other_rows(fitted):
    scores = fitted.predict(X)
    assert scores.shape == (len(X),)
    order = RNG.permutation(len(X))
    np.testing.assert_allclose(fitted.predict(X[order]), scores[order], rtol=1e-5)
    np.testing.assert_allclose(fitted.predict(X[5:6]), scores[5:6], rtol=1e-5)


@pytest.mark.parametrize("loss", ["lambdarank", "ranknet", "listnet", "mse"])
def test_groups_without_an_order_are_harmless(loss):
    model = ranker(loss, max_epochs=3).fit(*TRAIN, group=SIZES[:30])
    extra_X, extra_y = np.r_[TRAIN[0], np.ones((4, 4))], np.r_[TRAIN[1], 1, 2, 2, 2]
    more = ranker(loss, max_epochs=3).fit(extra_X, extra_y, group=[*SIZES[:30], 1, 3])
    assert np.isfinite(more.predict(X)).all()
    agreement = np.corrcoef(more.predict(X), model.predict(X))[0, 1]
    assert agreement > 0.8


# ---------------------------------------------------------------------- what is learned


@pytest.mark.parametrize("loss", ["lambdarank", "ranknet", "listmle", "approx_ndcg"])
def test_the_order_is_learned_about_as_well_as_by_lightgbm(loss):
    forest = LGBMRanker(n_estimators=30, min_child_samples=5, **FOREST)
    forest.fit(*TRAIN, group=SIZES[:30])
    theirs = mean_ndcg(TEST[1], forest.predict(TEST[0]), SIZES[30:], k=5)
    ours = ranker(loss).fit(*TRAIN, group=SIZES[:30])
    assert mean_ndcg(TEST[1], ours.predict(TEST[0]), SIZES[30:], k=5) > theirs - 0.02
    assert ours.score(*TEST, group=SIZES[30:]) > 0.9


@pytest.mark.parametrize("k", [1, 3, 5])
def test_ndcg_is_that_of_lightgbm(k):
    # Leaves of single rows, so that no two scores are equal, whose order is each one's own.
    forest = LGBMRanker(n_estimators=3, num_leaves=500, min_child_samples=1, **FOREST)
    y = np.where(np.arange(HALF) == np.repeat(np.cumsum(SIZES[:30]) - 1, SIZES[:30]), 3, TRAIN[1])
    forest.fit(
        TRAIN[0], y, group=SIZES[:30],
        eval_X=(TRAIN[0],), eval_y=(y,), eval_group=[SIZES[:30]], eval_at=[k],
    )  # fmt: skip
    scores = forest.predict(TRAIN[0])
    groups = np.split(scores, np.cumsum(SIZES[:29]))
    assert all(len(np.unique(scores_of)) == len(scores_of) for scores_of in groups)
    ((theirs,),) = (list(of.values()) for of in forest.evals_result_.values())
    ours = mean_ndcg(y, scores, SIZES[:30], k=k, gain="exponential")
    assert ours == pytest.approx(theirs[-1], abs=1e-6)


def test_the_order_of_groups_does_not_matter_to_ndcg():
    scores = RNG.normal(size=len(X))
    order = np.concatenate(np.split(np.arange(len(X)), np.cumsum(SIZES)[:-1])[::-1])
    assert mean_ndcg(Y[order], scores[order], SIZES[::-1], k=3) == pytest.approx(
        mean_ndcg(Y, scores, SIZES, k=3)
    )


# ---------------------------------------------------------------------- labels and weights


@pytest.mark.parametrize(
    ("y", "message"),
    [(np.where(Y == 0, -1, Y), "relevance >= 0"), (np.where(Y == 3, 32, Y), "31")],
    ids=["negative", "too large"],
)
def test_grades_are_from_0_to_31(y, message):
    with pytest.raises(ValueError, match=message):
        ranker().fit(X, y, group=SIZES)
    with pytest.raises(Exception, match="[Ll]abel"):
        LGBMRanker(n_estimators=1, **FOREST).fit(X, y, group=SIZES)


def test_groups_of_more_weight_count_more():
    reverse = np.r_[TRAIN[1], Y[:HALF].max() - TRAIN[1]]
    twice, sizes = np.r_[TRAIN[0], TRAIN[0]], np.r_[SIZES[:30], SIZES[:30]]
    for weights, better in (([10, 1], True), ([1, 10], False)):
        model = ranker().fit(twice, reverse, group=sizes, group_weight=np.repeat(weights, 30))
        agrees = np.corrcoef(model.predict(TRAIN[0]), TRAIN[1])[0, 1]
        assert (agrees > 0.5) if better else (agrees < -0.5)


def test_early_stopping_keeps_the_best_epoch():
    given = {"early_stopping": True, "validation_fraction": (np.arange(20), np.arange(20, 30))}
    model = ranker("ranknet", max_epochs=60, n_iter_no_change=3, lr=0.1, **given)
    model.fit(*TRAIN, group=SIZES[:30])
    best = int(np.argmin(model.history_[:, "valid_loss"])) + 1
    assert best < model.n_iter_ < 60
    until = ranker("ranknet", max_epochs=best, lr=0.1, **given).fit(*TRAIN, group=SIZES[:30])
    np.testing.assert_array_equal(model.predict(X), until.predict(X))


def test_a_seed_and_a_copy_give_the_same_scores(fitted):
    again = ranker().fit(*TRAIN, group=SIZES[:30])
    for other in (again, pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
