"""Peer: scikit-learn, its MLPRegressor and MLPClassifier, and its common checks.

Its users rely on these promises:

- a subclass with an ``__init__`` of its own has get_params, clones and is searched over
- ``partial_fit`` is one epoch; its first call names the classes, and later ones bring no others
- ``warm_start`` goes on where the last fit ended, with the same classes
- ``early_stopping`` holds out rows, of which it needs enough, and keeps the best epoch's weights
- what is learned, scales and shares of classes too, comes from training rows alone
- sample weights: weight 2 is a row repeated, weight 0 a row left out
- the same seed gives the same model, and nothing touches the global generator of NumPy
- fitted attributes ``classes_``, ``n_iter_``, ``n_features_in_``, ``feature_names_in_``
- labels of any type, several labels and targets; ``predict`` is the argmax of ``predict_proba``
- sparse and dense X of the same numbers give the same model
- what does not fit is refused: other numbers of features, other column names, unfitted models
"""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
Y = X[:, 0] - X[:, 1] / 2 + 0.1 * RNG.normal(size=80)
CLASSES = np.digitize(Y, [-0.5, 0.5])
LABELS = np.array(["low", "mid", "top"])[CLASSES]
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}
MLP = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
either = pytest.mark.parametrize(
    ("kind", "y"),
    [(NeuralRegressor, Y), (NeuralClassifier, LABELS)],
    ids=["regressor", "classifier"],
)
quietly = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def answers_of(model, X):
    """Return predictions, and probabilities where there are any."""
    return [
        getattr(model, name)(X) for name in ("predict", "predict_proba") if hasattr(model, name)
    ]


def assert_same(model, other):
    for mine, theirs in zip(answers_of(model, X), answers_of(other, X), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def assert_close(model, other):
    mine, theirs = answers_of(model, X)[-1], answers_of(other, X)[-1]
    np.testing.assert_allclose(mine, theirs, rtol=1e-6)


# ---------------------------------------------------------------------- subclasses


class Mine(NeuralClassifier):
    def __init__(self, lr=0.01):
        super().__init__("focal", lr=lr, hidden_layer_sizes=(4,), max_epochs=2, random_state=0)


class Wider(NeuralRegressor):
    def __init__(self, loss="mae", *, width=4, lr=0.02):
        super().__init__(loss, lr=lr, hidden_layer_sizes=(width,), max_epochs=2, random_state=0)
        self.width = width


@pytest.mark.parametrize(
    ("model", "params", "y"),
    [(Mine(), {"lr"}, LABELS), (Wider(), {"loss", "width", "lr"}, Y)],
    ids=["Mine", "Wider"],
)
@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
def test_a_subclass_with_its_own_init(search, model, params, y):
    assert set(model.get_params(deep=False)) == params
    again = clone(model.set_params(lr=0.03))
    assert type(again) is type(model)
    assert again.lr == 0.03
    found = search(again, {"lr": [0.001, 0.1]}, cv=2, error_score="raise").fit(X, y)
    assert type(found.best_estimator_) is type(model)
    alone = clone(model).set_params(**found.best_params_).fit(X, y)
    assert_same(found.best_estimator_, alone)
    assert np.isfinite(cross_val_score(model, X, y, cv=2)).all()


# ---------------------------------------------------------------------- going on


@either
def test_partial_fit_is_one_epoch(kind, y):
    stepwise = kind(**SMALL)
    for _ in range(3):
        stepwise.partial_fit(X, y)
    assert_same(stepwise, kind(**SMALL).fit(X, y))
    assert stepwise.n_iter_ == 3


def test_partial_fit_names_classes_in_its_first_call():
    model = NeuralClassifier(**SMALL).partial_fit(X[:9], LABELS[:9], classes=["low", "mid", "top"])
    for other in (["low", "mid"], ["low", "mid", "top", "new"]):
        with pytest.raises(ValueError, match="is not the same as on .* call"):
            model.partial_fit(X, LABELS, classes=other)
        theirs = MLPClassifier(**MLP).partial_fit(X, LABELS, classes=["low", "mid", "top"])
        with pytest.raises(ValueError, match="is not the same as on .* call"):
            theirs.partial_fit(X, LABELS, classes=other)
    one = LABELS == "mid"
    assert model.partial_fit(X[one], LABELS[one]).predict_proba(X).shape == (80, 3)
    with pytest.raises(ValueError, match="y has labels that are not in `classes_`"):
        model.partial_fit(X[:2], ["mid", "new"])


@either
def test_partial_fit_refuses_early_stopping_as_theirs_does(kind, y):
    with pytest.raises(ValueError, match="partial_fit .* early_stopping=False"):
        kind(early_stopping=True, **SMALL).partial_fit(X, y)
    theirs = {NeuralRegressor: MLPRegressor, NeuralClassifier: MLPClassifier}[kind]
    # As they do not have the method then, it is an AttributeError or a ValueError.
    with pytest.raises((AttributeError, ValueError)):
        theirs(early_stopping=True, **MLP).partial_fit(X, y, *([np.unique(y)] * (y is LABELS)))


@either
def test_warm_start_goes_on_and_another_fit_starts_anew(kind, y):
    once = kind(**{**SMALL, "max_epochs": 6}).fit(X, y)
    twice = kind(warm_start=True, **SMALL).fit(X, y).fit(X, y)
    assert_same(twice, once)
    assert twice.n_iter_ == 6
    assert_same(kind(**SMALL).fit(X, y).fit(X, y), kind(**SMALL).fit(X, y))


@quietly
@pytest.mark.parametrize("other", [["low", "mid"], ["low", "mid", "new"], [0, 1, 2]])
def test_warm_start_takes_the_same_classes_only(other):
    again = np.array(other)[CLASSES.clip(max=len(other) - 1)]
    for model in (
        MLPClassifier(warm_start=True, **MLP),
        NeuralClassifier(warm_start=True, **SMALL),
    ):
        model.fit(X, LABELS)
        with pytest.raises(ValueError, match="warm_start"):
            model.fit(X, again)


# ---------------------------------------------------------------------- early stopping

STOPPED = {"n_members": 1, "early_stopping": True, "random_state": 0}


def test_early_stopping_stops_and_keeps_the_best_epoch(diabetes):
    X, y = diabetes
    held = {"validation_fraction": (np.arange(0, 400), np.arange(400, 442))}
    model = NeuralRegressor(lr=0.02, max_epochs=100, **STOPPED, **held).fit(X, y)
    losses = model.history_[:, "valid_loss"]
    best = int(np.argmin(losses)) + 1
    assert best < model.n_iter_ < 100
    until_best = NeuralRegressor(lr=0.02, max_epochs=best, **STOPPED, **held).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), until_best.predict(X))


@pytest.mark.parametrize(
    ("rows", "y"),
    [(9, CLASSES % 2), (19, np.r_[np.zeros(18), 1].astype(int))],
    ids=["one validation row", "a class of one row"],
)
def test_early_stopping_on_too_little_is_refused_by_both(rows, y):
    ours = NeuralClassifier(validation_fraction=0.1, **STOPPED)
    for model in (MLPClassifier(early_stopping=True), ours):
        with pytest.raises(ValueError, match="validation|least populated|test_size"):
            model.fit(X[:rows], y[:rows])


def parts(n_rows, seed=0):
    """Return rows that train and rows that validate."""
    order = np.random.default_rng(seed).permutation(n_rows)
    return np.sort(order[n_rows // 5 :]), np.sort(order[: n_rows // 5])


def r2_on_training_rows(X, y, wild_X, wild_y, **params):
    """Return R² on the clean training rows, of fits on clean data and with wild validation rows."""
    train, _ = parts(len(y))
    models = (
        NeuralRegressor(random_state=0, **params).fit(*data) for data in ((X, y), (wild_X, wild_y))
    )
    return [model.score(X[train], y[train]) for model in models]


def wild(values, row, value):
    changed = values.copy()
    changed[row] = value
    return changed


@pytest.mark.parametrize("numeric_encoding", ["auto", "robust", "quantile"])
@pytest.mark.parametrize("value", [1e5, -1e9])
def test_a_wild_x_in_a_validation_row_changes_little(numeric_encoding, value, diabetes):
    X, y = diabetes
    train, valid = parts(len(y))
    held = {"validation_fraction": (train, valid), "early_stopping": True, "n_members": 1}
    wild_X = wild(X, valid[0], value)
    clean, dirty = r2_on_training_rows(
        X, y, wild_X, y, numeric_encoding=numeric_encoding, max_epochs=30, **held
    )
    assert clean > 0.45
    assert dirty > clean - 0.1


@pytest.mark.parametrize("value", [1e5, -1e9])
def test_a_wild_x_in_one_row_of_a_default_fit_changes_little(value, diabetes):
    X, y = diabetes
    clean, dirty = r2_on_training_rows(X, y, wild(X, parts(len(y))[1][0], value), y)
    assert clean > 0.5
    assert dirty > clean - 0.05


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "cross_entropy"])
def test_a_wild_y_in_a_validation_row_changes_little(loss, diabetes):
    X, y = diabetes
    train, valid = parts(len(y))
    held = {"validation_fraction": (train, valid), "early_stopping": True, "n_members": 1}
    clean, dirty = r2_on_training_rows(
        X, y, X, wild(y, valid[0], 1e5), loss=loss, max_epochs=30, **held
    )
    assert clean > 0.4
    assert dirty > clean - 0.1


@quietly
@pytest.mark.parametrize("numeric_encoding", ["auto", "standard"])
@pytest.mark.parametrize(
    "loss", ["mse", "mae", "huber", "cross_entropy", "poisson", "gaussian_nll", "quantile", "mape"]
)
def test_scale_bins_and_start_come_from_training_rows(loss, numeric_encoding, diabetes):
    X, y = diabetes
    train, valid = parts(len(y))
    held = {"validation_fraction": (train, valid), "early_stopping": True, "n_members": 1}
    wild_X, wild_y = wild(X, valid[0], 1e5), wild(y, valid[0], 1e5)
    given = {**held, "max_epochs": 1, "random_state": 0, "numeric_encoding": numeric_encoding}
    clean, dirty = (
        NeuralRegressor(loss, **given).fit(*data) for data in ((X, y), (wild_X, wild_y))
    )
    assert clean.history_[0, "train_loss"] == dirty.history_[0, "train_loss"]
    np.testing.assert_array_equal(clean.predict(X[train]), dirty.predict(X[train]))
    assert set(clean.loss_state_) == set(dirty.loss_state_)
    for name, value in clean.loss_state_.items():
        np.testing.assert_array_equal(value.numpy(), dirty.loss_state_[name].numpy())


@quietly
@pytest.mark.parametrize("loss", ["cross_entropy", "logit_adjusted", "class_balanced", "ldam"])
def test_shares_of_classes_come_from_training_rows(loss, diabetes):
    X, y = diabetes
    y = (y > 200).astype(int)
    train, valid = parts(len(y))
    held = {"validation_fraction": (train, valid), "early_stopping": True, "n_members": 1}
    given = {**held, "max_epochs": 1, "random_state": 0}
    clean, dirty = (
        NeuralClassifier(loss, **given).fit(X, labels) for labels in (y, wild(y, valid, 1))
    )
    np.testing.assert_array_equal(clean.decision_function(X), dirty.decision_function(X))
    assert clean.loss_state_["prior"].tolist() == dirty.loss_state_["prior"].tolist()


# ---------------------------------------------------------------------- weights and seeds


@either
def test_weight_2_is_a_row_repeated_and_weight_0_one_left_out(kind, y):
    weights = np.tile([0, 1, 2, 1], 20)
    weighted = kind(**SMALL).fit(X, y, sample_weight=weights)
    assert_close(weighted, kind(**SMALL).fit(X.repeat(weights, 0), y.repeat(weights)))
    assert_close(weighted, kind(**SMALL).fit(X, y, sample_weight=5.0 * weights))
    score = weighted.score(X, y, sample_weight=weights)
    assert score == pytest.approx(weighted.score(X.repeat(weights, 0), y.repeat(weights)))


@either
def test_weights_may_begin_in_partial_fit(kind, y):
    model = kind(**SMALL).partial_fit(X, y, sample_weight=np.ones(80))
    assert_same(model, kind(**SMALL).partial_fit(X, y))


@either
def test_the_same_seed_is_the_same_model(kind, y):
    before = np.random.get_state()[1].tobytes()
    one, same, other = (kind(**{**SMALL, "random_state": s}).fit(X, y) for s in (3, 3, 4))
    assert_same(one, same)
    assert np.abs(answers_of(one, X)[-1] - answers_of(other, X)[-1]).max() > 0
    assert np.random.get_state()[1].tobytes() == before


# ---------------------------------------------------------------------- what is fitted


@either
def test_fitted_attributes(kind, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = kind(**SMALL)
    for name in ("predict", "score"):
        with pytest.raises(NotFittedError):
            getattr(model, name)(*([X, y] if name == "score" else [X]))
    model.fit(frame, y)
    assert model.n_iter_ == 3
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.predict(frame[list("bacd")])
    with pytest.raises(ValueError, match="X has 3 features, but Neural.* is expecting 4"):
        kind(**SMALL).fit(X, y).predict(X[:, :3])


@pytest.mark.parametrize(
    "labels", [CLASSES, LABELS, LABELS.astype(object), CLASSES > 0, CLASSES - 1.0, -CLASSES]
)
def test_labels_of_any_type(labels):
    model = NeuralClassifier(**SMALL).fit(X, labels)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[p.argmax(1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))


def test_several_labels_and_several_targets():
    several = np.column_stack((CLASSES > 0, CLASSES > 1)).astype(int)
    model = NeuralClassifier(**SMALL).fit(X, several)
    assert model.predict(X).shape == model.predict_proba(X).shape == (80, 2)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    sparse_y = NeuralClassifier(**SMALL).fit(X, sparse.csr_matrix(several))
    np.testing.assert_array_equal(sparse_y.predict_proba(X), model.predict_proba(X))
    both = np.column_stack((Y, -Y))
    assert NeuralRegressor(**SMALL).fit(X, both).predict(X).shape == (80, 2)
    assert NeuralRegressor(**SMALL).fit(X, Y).predict(X).shape == (80,)


@either
def test_sparse_and_dense_numbers_give_one_model(kind, y):
    zeros = np.where(np.abs(X) < 0.5, 0, X)
    dense = kind(**SMALL).fit(zeros, y)
    for convert in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        model = kind(**SMALL).fit(convert(zeros), y)
        mine, theirs = answers_of(model, convert(zeros))[-1], answers_of(dense, zeros)[-1]
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_lbfgs_solves_a_small_problem_as_theirs_does():
    given = {"hidden_layer_sizes": (8,), "random_state": 0}
    ours = NeuralRegressor(optimizer="lbfgs", max_epochs=200, **given).fit(X, Y)
    theirs = MLPRegressor(solver="lbfgs", max_iter=2000, **given).fit(X, Y)
    assert ours.score(X, Y) > 0.98
    assert theirs.score(X, Y) > 0.98


@either
def test_nothing_is_printed_unless_asked(kind, y, capsys):
    kind(**SMALL).fit(X, y)
    assert capsys.readouterr() == ("", "")
    kind(verbose=1, **SMALL).fit(X, y)
    assert capsys.readouterr().out.count("\n") >= 3
