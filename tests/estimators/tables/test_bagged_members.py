"""The default on tables of 200 rows and more: eight members, each of which holds out a fold."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from skorch.callbacks import EpochScoring
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.cache import Cache
from sklloss.estimators.fit.prepare import Preparation
from sklloss.estimators.fit.splits import N_FOLDS, fold_splits
from sklloss.estimators.inputs.data import FitData

FEW = {"max_epochs": 3, "hidden_layer_sizes": (8,), "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))
Y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.1 * RNG.standard_normal(300)
LABELS = np.where(Y > 0.8, "high", np.where(Y > -0.5, "middle", "low"))


def regressor(**params):
    return NeuralRegressor(**{**FEW, **params})


def classifier(**params):
    return NeuralClassifier(**{**FEW, **params})


def linear(n_features):
    return nn.Linear(n_features, 1)


def prepared(model, X, y, sample_weight=None):
    return Preparation(model, Cache()).of(FitData(X, y, sample_weight))


# ------------------------------------------------------------------ who is bagged


def test_there_are_eight_members_of_equal_shape():
    model = regressor().fit(X, Y)
    assert len(model.members_) == 8
    assert [net.seed for net in model.members_] == list(range(8))
    sets = prepared(regressor(), X, Y).data
    assert {(len(each.train), len(each.valid)) for each in sets} == {(300 - 38, 37)}
    assert all("valid_loss" in net.history[-1] for net in model.members_)


@pytest.mark.parametrize(
    ("params", "rows", "is_held_out"),
    [
        pytest.param({}, 199, False, id="few rows"),
        pytest.param({"n_members": 1}, 300, True, id="one"),
        pytest.param({"early_stopping": False}, 300, False, id="no hold-out"),
        pytest.param({"warm_start": True}, 300, False, id="warm start"),
        pytest.param({"callbacks": [("r2", EpochScoring("r2"))]}, 300, False, id="callbacks"),
        pytest.param({"optimizer": "lbfgs", "max_epochs": 1}, 300, False, id="lbfgs"),
        pytest.param({"module": linear}, 300, False, id="own module"),
    ],
)
def test_otherwise_there_is_one(params, rows, is_held_out):
    model = regressor(**params).fit(X[:rows], Y[:rows])
    assert len(model.members_) == 1
    assert ("valid_loss" in model.history_[-1]) == is_held_out
    assert hasattr(model, "oof_") == is_held_out


def test_rows_count_once_whatever_they_weigh():
    few = X[:150]
    again, targets = np.tile(few, (10, 1)), np.tile(Y[:150], 10)
    model = regressor().fit(again, targets)
    assert len(model.members_) == 1
    once = regressor().fit(few, Y[:150], sample_weight=np.full(150, 10.0))
    np.testing.assert_array_equal(model.predict(X), once.predict(X))
    weight = np.r_[np.ones(180), np.zeros(120)]
    assert len(regressor().fit(X, Y, sample_weight=weight).members_) == 1
    # X alone has few distinct rows; with y there are enough.
    assert len(regressor().fit(X.round(0)[:, :1], Y).members_) == 8


def test_partial_fit_trains_one_member_on_all_rows():
    model = regressor().partial_fit(X, Y)
    assert len(model.members_) == 1
    assert "valid_loss" not in model.history_[-1]
    with pytest.raises(
        AttributeError, match="has no oof_, because .*Set n_members=8, early_stopping"
    ):
        getattr(model, "oof_")  # noqa: B009
    bagged = regressor().fit(X, Y)
    before = [len(net.history) for net in bagged.members_]
    bagged.partial_fit(X, Y)
    assert [len(net.history) for net in bagged.members_] == [n + 1 for n in before]


def test_any_number_of_members_holds_out_folds():
    several = classifier(n_members=3).fit(X, LABELS)
    assert len(several.members_) == 3
    assert np.isfinite(several.oof_).all(1).mean() == pytest.approx(3 / 8, abs=0.01)
    small = classifier(n_members=8, early_stopping=True).fit(X[:100], LABELS[:100])
    assert len(small.members_) == 8
    assert np.isfinite(small.oof_).all()


# ------------------------------------------------------------------ folds


def test_folds_partition_rows_and_keep_the_shares_of_classes():
    y = np.repeat([0, 1, 2], [203, 71, 30])[:, None]
    splits = fold_splits(y, True, seed=3, n_members=8)
    folds = np.concatenate([each.fold for each in splits])
    assert sorted(folds) == list(range(304))
    for each in splits:
        assert not set(each.train) & set(each.fold)
        assert set(each.valid) <= set(each.fold)
        counts = np.bincount(y[each.fold, 0])
        assert (np.abs(counts - np.array([203, 71, 30]) / 8) <= 1.2).all()
    assert {(len(s.train), len(s.valid)) for s in splits} == {(266, 38)}


def test_folds_are_a_function_of_seed_and_y():
    y = RNG.standard_normal((250, 1))
    first, again = fold_splits(y, False, 1, 8), fold_splits(y, False, 1, 8)
    other = fold_splits(y, False, 2, 8)
    for one, same, another in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one.valid, same.valid)
        assert not np.array_equal(one.valid, another.valid)
    deciles = np.argsort(np.argsort(y[:, 0])) * 10 // 250
    spread = [np.bincount(deciles[each.fold], minlength=10) for each in first]
    assert np.ptp(spread, axis=0).max() <= 1


def test_members_beyond_eight_go_round():
    y = RNG.standard_normal((100, 1))
    splits = fold_splits(y, False, 0, 10)
    assert splits[8] is splits[0]
    assert splits[9] is splits[1]


def test_a_rare_class_is_never_held_out():
    labels = LABELS.copy()
    labels[[5, 60, 200]] = "rare"
    model = classifier().fit(X, labels)
    assert "rare" in model.classes_
    is_rare = labels == "rare"
    assert np.isnan(model.oof_[is_rare]).all()
    assert np.isfinite(model.oof_[~is_rare]).all()
    single = np.array([*LABELS[:-1], "once"])
    assert len(classifier().fit(X, single).members_) == 8


def test_few_rows_make_as_many_folds_as_there_are():
    splits = fold_splits(np.zeros((3, 1)), False, 0, 8)
    assert [len(each.train) for each in splits] == [2] * 8
    with pytest.raises(ValueError, match="needs validation rows, but there is only 1 row"):
        fold_splits(np.zeros((1, 1)), False, 0, 8)


# ------------------------------------------------------------------ who sees what


def test_what_sees_y_is_learned_from_the_rows_of_a_member():
    found = prepared(regressor(), X, Y)
    centres = [scaler.centre[0] for scaler in found.learned.target_scalers]
    means = [Y[each.train.numpy()].mean() for each in found.data]
    np.testing.assert_allclose(centres, means)
    assert len(set(centres)) == 8
    labels = prepared(classifier(), X, LABELS)
    for net, data in zip(labels.nets, labels.data, strict=True):
        shares = torch.bincount(data.y[data.train, 0]) / len(data.train)
        np.testing.assert_allclose(net.criterion_.state["prior"].flatten(), shares, rtol=1e-5)


def test_weights_have_a_mean_of_1_over_the_rows_of_a_member():
    sets = prepared(regressor(), X, Y, sample_weight=np.linspace(0.1, 5, 300)).data
    assert len({id(each.sample_weight) for each in sets}) == 8
    for each in sets:
        assert each.sample_weight[each.train].mean().item() == pytest.approx(1)
    equal = prepared(regressor(), X, Y, sample_weight=np.full(300, 3.0)).data
    assert len({id(each.sample_weight) for each in equal}) == 1
    assert (equal[0].sample_weight == 1).all()


def test_a_single_hold_out_teaches_no_scale():
    """Neither the encoding of X nor the scale of y knows rows that only validate."""
    train, valid = np.arange(250), np.arange(250, 300)
    moved, shifted = X.copy(), Y.copy()
    moved[valid] *= 100
    shifted[valid] += 50
    given = {"validation_fraction": (train, valid), "n_members": 2}
    known = prepared(regressor(**given), X, Y).learned
    other = prepared(regressor(**given), moved, shifted).learned
    for name, value in vars(known.input_scaler).items():
        np.testing.assert_array_equal(value, getattr(other.input_scaler, name))
    np.testing.assert_array_equal(known.target_scaler.centre, other.target_scaler.centre)


def test_one_encoding_serves_all_members():
    found = prepared(regressor(), X, Y)
    assert len({id(each.X) for each in found.data}) == 1
    alone = prepared(regressor(early_stopping=False), X, Y)
    for name, value in vars(alone.learned.input_scaler).items():
        np.testing.assert_array_equal(value, getattr(found.learned.input_scaler, name))


@pytest.mark.parametrize("share", [0.2, KFold(4), ShuffleSplit(1, random_state=0)], ids=repr)
def test_other_hold_outs_are_taken(share):
    model = regressor(validation_fraction=share).fit(X, Y)
    assert len(model.members_) == 8
    assert not hasattr(model, "oof_")
    assert "valid_loss" in model.history_[-1]


# ------------------------------------------------------------------ predictions


def test_out_of_fold_predictions_are_of_the_member_that_held_the_row_out():
    weight = np.ones(300)
    weight[[3, 40]] = 0
    model = regressor().fit(X, Y, sample_weight=weight)
    found = prepared(regressor(), X, Y, weight)
    assert np.isnan(model.oof_[[3, 40]]).all()
    kept = np.flatnonzero(weight)
    for k, fold in enumerate(found.held_out.folds):
        rows = kept[fold]
        net, scaled = model.members_[k], model._prediction_rows(X[rows])
        raw, scaler = net.forward(scaled).numpy()[:, 0], model._learned.target_scalers[k]
        np.testing.assert_allclose(model.oof_[rows], net.predict(scaled), rtol=1e-5)
        np.testing.assert_allclose(model.oof_[rows], raw * scaler.scale + scaler.centre, rtol=1e-5)
    assert np.corrcoef(model.oof_[kept], Y[kept])[0, 1] > 0.5


def test_predictions_are_means_over_members_on_their_own_scales():
    model = regressor().fit(X, Y)
    scaled = model._prediction_rows(X)
    each = [
        net.forward(scaled).numpy()[:, 0] * scaler.scale + scaler.centre
        for net, scaler in zip(model.members_, model._learned.target_scalers, strict=True)
    ]
    np.testing.assert_allclose(model.predict(X), np.mean(each, 0), rtol=1e-5)
    np.testing.assert_allclose(
        model.to_module()(torch.from_numpy(X)).numpy(), model.predict(X), rtol=1e-4, atol=1e-5
    )


def test_several_targets_and_labels_have_out_of_fold_predictions():
    both = np.column_stack((Y, 100 * X[:, 2]))
    assert regressor().fit(X, both).oof_.shape == (300, 2)
    tags = (both > 0).astype(int)
    model = classifier().fit(X, tags)
    assert model.oof_.shape == (300, 2)
    assert ((model.oof_ >= 0) & (model.oof_ <= 1)).all()
    margin = classifier(loss="hinge").fit(X, LABELS == "low")
    assert margin.oof_.shape == (300,)


def test_a_bagged_default_is_better_than_one_network():
    table = load_digits(return_X_y=True, as_frame=True)
    X, y = table[0].iloc[:700], table[1].iloc[:700]
    X_test, y_test = table[0].iloc[700:], table[1].iloc[700:]
    bagged = NeuralClassifier(random_state=0).fit(X, y)
    one = NeuralClassifier(n_members=1, random_state=0).fit(X, y)
    assert bagged.score(X_test, y_test) > one.score(X_test, y_test) > 0.85
    errors = bagged.oof_.argmax(1) != y
    assert errors.mean() == pytest.approx(1 - bagged.score(X_test, y_test), abs=0.05)


# ------------------------------------------------------------------ steps


@pytest.mark.parametrize(
    ("rows", "size"), [(100, 100), (199, 199), (300, 64), (1142, 64), (1143, 128), (7000, 256)]
)
def test_batches_grow_with_the_table(rows, size):
    many = RNG.standard_normal((rows, 2))
    found = prepared(regressor(), many, many[:, 0])
    assert {net.batch_size for net in found.nets} == {size}


def test_an_epoch_leaves_out_what_does_not_fill_a_batch():
    model = regressor(max_epochs=2, n_iter_no_change=np.inf).fit(X, Y)
    steps = [net.optimizer_.state_dict()["state"][0]["step"].item() for net in model.members_]
    assert steps == [2 * (262 // 64)] * 8
    whole = regressor(batch_size=64, max_epochs=2, n_iter_no_change=np.inf).fit(X, Y)
    assert whole.net_.optimizer_.state_dict()["state"][0]["step"].item() == 2 * 5


def test_the_loss_of_an_epoch_is_the_mean_over_the_rows_that_were_drawn():
    """With a rate near 0 and weights of mean 1 it is that of the start."""
    weight = RNG.uniform(0.5, 2, 300)
    model = regressor(lr=1e-12, n_members=1, early_stopping=False, max_epochs=40)
    model.set_params(n_iter_no_change=np.inf, weight_decay=0).fit(X, Y, sample_weight=weight)
    error = ((model.predict(X) - Y) / model._learned.target_scalers[0].scale) ** 2
    start = np.average(error, weights=weight) / 2  # squared_error is half of it
    assert np.mean(model.history_[:, "train_loss"]) == pytest.approx(start, rel=0.02)


def test_rules_say_how_long_training_lasts():
    net = prepared(NeuralRegressor(), X, Y).nets[0]  # 4 steps per epoch
    assert (net.max_epochs, net.stopping.n_iter_no_change) == (150, 15)
    assert net.stopping.keep_best
    for n_rows, expected in {6_800: (40, 8), 7_300: (40, 8), 40_000: (18, 6)}.items():
        many = RNG.standard_normal((n_rows, 2))
        net = prepared(NeuralRegressor(), many, many[:, 0]).nets[0]
        assert (net.max_epochs, net.stopping.n_iter_no_change) == expected
    plain = prepared(NeuralRegressor(module=nn.Linear), X, Y).nets[0]
    assert (plain.max_epochs, plain.lr, plain.weight_decay) == (200, 0.001, 0.0)


# ------------------------------------------------------------------ together


def mixed(X):
    """Return a table with a category, a date and missing values."""
    table = pd.DataFrame(X.copy(), columns=list("abcd"))
    table["kind"] = np.where(X[:, 0] > 0.5, "x", np.where(X[:, 1] > 0, "y", None))
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta((X[:, 2] * 100).round(), "D")
    table.loc[::7, "b"] = np.nan
    return table


@pytest.mark.parametrize("table", [X, mixed(X)], ids=["numbers", "raw"])
def test_members_of_several_fits_train_as_one_stack_with_the_bits_of_each_alone(table):
    grid = {"loss": ["mse", "mae", "huber"], "random_state": [0, 5]}
    given = {"cv": KFold(2), "scoring": "neg_mean_absolute_error"}
    together = LossSearchCV(regressor(), grid, **given).fit(table, Y)
    alone = GridSearchCV(regressor(), grid, **given).fit(table, Y)
    for split in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(together.cv_results_[split], alone.cv_results_[split])


def test_a_clone_and_a_second_run_equal_the_first():
    model = classifier(loss="focal").fit(X, LABELS)
    again = clone(model).fit(X, LABELS)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(model.oof_, again.oof_)


def test_a_frame_of_numbers_equals_its_array():
    frame = pd.DataFrame(X.copy(), columns=list("abcd"))
    np.testing.assert_array_equal(
        regressor().fit(frame, Y).predict(frame), regressor().fit(X, Y).predict(X)
    )


def test_a_small_table_is_learned_by_one_member_in_float64():
    X, y = load_wine(return_X_y=True)
    model = NeuralClassifier(random_state=0).fit(X, y)
    assert len(model.members_) == 1
    assert next(model.net_.module_.parameters()).dtype == torch.float64
    assert N_FOLDS == 8
