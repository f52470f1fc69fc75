"""A model trained in a stack is the model that its own fit gives, bit for bit, whoever else is there."""

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import check_estimator
from skorch.callbacks import Checkpoint
from skorch.history import History
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.together import Fit, fit_together, sharing_key
from sklloss.modules.activations import ACTIVATIONS
from sklloss.training import OPTIMIZERS

from ..loss_instances import ALL, OF_TABLES
from ..stacked_and_alone import (
    assert_same,
    assert_same_nets,
    assert_stacked_is_alone,
    fitted_alone,
    fitted_together,
    heights,
)

pytestmark = pytest.mark.filterwarnings(  # three epochs of dropout and penalties learn little
    "ignore:.*worse than the best constant:sklearn.exceptions.ConvergenceWarning"
)
RNG = np.random.default_rng(0)
FEATURES = RNG.standard_normal((230, 57))
POSITIVE = np.exp(0.5 * FEATURES[:, 0] + 0.2 * RNG.standard_normal(230))  # in every loss's domain
COUNTS = np.floor(3 * POSITIVE)
CLASSES = np.digitize(FEATURES[:, 0] + 0.3 * RNG.standard_normal(230), [-0.6, 0.4])
X = FEATURES[:, :7]
RATES = [0.001, 0.01, 0.003, 0.003, 0.02]  # neighbours with one rate are one parameter

REGRESSION = ["squared_error", "huber", "quantile", "poisson", "barron", "expectile", "gamma"]
POSTERIORS = ["cross_entropy", "focal", "hinge", "brier", "generalized_cross_entropy"]


def models_of(estimator, losses, n_models, params):
    defaults = {"max_epochs": 3, "batch_size": 50, "hidden_layer_sizes": (32,)}
    return [
        estimator(
            losses[k % len(losses)],
            **{**defaults, "random_state": k // 2, "lr": RATES[k % 5], **params},
        )
        for k in range(n_models)
    ]


def regressors(n_models=5, losses=REGRESSION, **params):
    """Return regressors of different losses, seeds (some shared) and rates."""
    return models_of(NeuralRegressor, losses, n_models, params)


def classifiers(n_models=5, losses=POSTERIORS, **params):
    return models_of(NeuralClassifier, losses, n_models, params)


def varied(models, **values):
    """Give every model its own value of each parameter."""
    for k, model in enumerate(models):
        model.set_params(**{name: row[k % len(row)] for name, row in values.items()})
    return models


PENALTIES = {
    "weight_decay": [0.0, 0.1, 0.0, 0.01],
    "l1": [0.0, 0.0, 0.01, 0.003],
    "dropout": [0.0, 0.3, 0.0, 0.5],
}


# ---------------------------------------------------------------------- every loss


@pytest.mark.parametrize("cls", OF_TABLES, ids=lambda cls: f"{cls.task}-{cls.name}")
def test_every_loss(cls):
    """With parameters, rates, penalties and dropout of their own; and after another epoch."""
    losses = [loss for loss in ALL if type(loss) is cls and loss.structure == cls().structure]
    if cls.task == "regression":
        models, y = regressors(4, losses), COUNTS + 1
    else:
        models, y = classifiers(4, losses), CLASSES if cls.multi_class else CLASSES > 0
        if not cls.whole_batch:
            varied(models, class_weight=[None, "balanced", {0: 3.0}, None])
    assert_stacked_is_alone(varied(models, **PENALTIES), X, y, goes_on=True)


def test_losses_of_other_widths_do_not_share():
    """Their nets differ in shape: each is trained in its own stack, and equal all the same."""
    for name, params in {
        "cross_entropy": {"loss__n_bins": 20},
        "multi_quantile": {"loss__quantiles": (0.1, 0.9)},
    }.items():
        models = regressors(4, [name])
        for model in models[2:]:
            model.set_params(**params)
        with heights() as seen:
            stacked = fitted_together(models, X, POSITIVE)
        assert seen == [2, 2]
        assert_same(stacked, fitted_alone(models, X, POSITIVE), X)


def one_of_each(task):
    """Return the losses of a task that share stacks with others."""
    alone = ("multi_quantile", "cross_entropy") if task == "regression" else ()
    chosen = [cls() for cls in OF_TABLES if cls.task == task and cls.name not in alone]
    return [loss for loss in chosen if not loss.whole_batch]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_all_losses_together(task):
    """As many stacks as there are shapes of networks and kinds of trained parts."""
    losses = one_of_each(task)
    make, y = (
        (regressors, COUNTS + 1) if task == "regression" else (classifiers, CLASSES.clip(0, 1))
    )
    models = varied(make(len(losses), losses), **PENALTIES)
    with heights() as seen:
        stacked = fitted_together(models, X, y)
    assert max(seen) > 15
    assert_same(stacked, fitted_alone(models, X, y), X)


# ---------------------------------------------------------------------- shapes and settings


@pytest.mark.parametrize("hidden", [(), (32,), (64, 64), (100, 37), (1,)])
@pytest.mark.parametrize(("width", "rows"), [(1, 33), (2, 128), (7, 50), (20, 33), (57, 128)])
def test_shapes(hidden, width, rows):
    models = regressors(hidden_layer_sizes=hidden, batch_size=rows, max_epochs=2)
    assert_stacked_is_alone(models, FEATURES[:, :width], POSITIVE)


@contextmanager
def torch_threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    models = regressors(3, hidden_layer_sizes=(100, 37), batch_size=33, activation=activation)
    assert_stacked_is_alone(varied(models, dropout=[0.0, 0.2]), FEATURES, POSITIVE, goes_on=True)


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("activation", ["tanh", "elu", "silu"])
def test_large_steps(activation, n_threads):
    """They are shared among threads; 250 x 208 numbers do not divide well by three."""
    models = regressors(3, hidden_layer_sizes=(250, 250), batch_size=200, max_epochs=2)
    for model in models:
        model.set_params(activation=activation)
    with torch_threads(n_threads):
        assert_stacked_is_alone(models, FEATURES, POSITIVE)


@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - {"lbfgs"}))
@pytest.mark.parametrize("large", [False, True])
def test_optimizers(optimizer, large):
    shape = {
        "hidden_layer_sizes": (250, 250) if large else (33, 5),
        "max_epochs": 1 if large else 3,
    }
    models = regressors(3, optimizer=optimizer, batch_size=100, **shape)
    varied(models, weight_decay=[0.1, 0.0, 0.01], l1=[0.0, 0.001, 0.0])
    with torch_threads(2 if large else 1):
        assert_stacked_is_alone(models, FEATURES, POSITIVE, goes_on=not large)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer_params": {"amsgrad": True}},
        {"optimizer_params": {"betas": (0.8, 0.9)}},
        {"optimizer": "sgd", "optimizer_params": {"momentum": 0.0}},
        {"optimizer": "sgd", "optimizer_params": {"nesterov": True}},
        {"optimizer": torch.optim.Adamax},
    ],
    ids=str,
)
def test_optimizers_with_arguments(options):
    assert_stacked_is_alone(regressors(3, **options), X, POSITIVE, goes_on=True)


@pytest.mark.parametrize(
    "params",
    [
        {"dtype": "float64"},
        {"batch_size": "auto"},  # all rows in one batch, float64
        {"batch_size": 229},  # a last batch of one row
        {"batch_size": 1, "max_epochs": 1},
        {"scale_inputs": False},
        {"scale_target": False},
        {"tol": 0.5, "n_iter_no_change": 1, "max_epochs": 8},
    ],
    ids=str,
)
def test_settings(params):
    assert_stacked_is_alone(regressors(**params), X, POSITIVE, goes_on=True)


def test_settings_of_their_own():
    models = varied(regressors(), scale_inputs=[True, False], scale_target=[True, True, False])
    assert_stacked_is_alone(models, X, POSITIVE)


def test_weights_of_rows():
    weights = RNG.integers(0, 3, 230)
    assert_stacked_is_alone(regressors(), X, POSITIVE, sample_weight=weights)
    models = varied(classifiers(), class_weight=[None, "balanced", {1: 5.0}])
    assert_stacked_is_alone(models, X, CLASSES, sample_weight=weights)


@pytest.mark.parametrize(
    ("make", "losses", "y"),
    [
        (regressors, REGRESSION, np.c_[POSITIVE, POSITIVE**2, POSITIVE[::-1]]),
        (regressors, ["adaptive", "adaptive"], np.c_[POSITIVE, POSITIVE[::-1]]),
        (classifiers, POSTERIORS, CLASSES > 0),
        (classifiers, POSTERIORS, np.array(["b", "c", "a"])[CLASSES]),
        (classifiers, ["cumulative_link"], CLASSES),
        (classifiers, ["asymmetric", "focal"], np.c_[CLASSES > 0, CLASSES > 1, X[:, 1] > 0] + 0),
        (regressors, [nn.SmoothL1Loss], POSITIVE),
        (classifiers, [nn.CrossEntropyLoss], CLASSES),
    ],
    ids=["targets", "trained", "binary", "strings", "ordinal", "labels", "own", "own classes"],
)
def test_targets(make, losses, y):
    assert_stacked_is_alone(make(5, losses), X, y, goes_on=True)


def test_sparse_features():
    thin = sparse.csr_array(np.where(RNG.random(FEATURES.shape) < 0.2, FEATURES, 0))
    assert_stacked_is_alone(regressors(), thin, POSITIVE, goes_on=True)


def test_batches_that_threads_share():
    """The sum over a batch of 33 000 rows, which torch splits where it is the only one."""
    many = np.tile(FEATURES[:, :3], (150, 1)).astype(np.float32)
    shape = {"batch_size": 33_000, "hidden_layer_sizes": (40,), "max_epochs": 1}
    with torch_threads(2):
        assert_stacked_is_alone(regressors(2, ["crps"], **shape), many, np.tile(POSITIVE, 150))


# ---------------------------------------------------------------------- models that leave


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_early_stopping_in_different_epochs(task):
    """Weights of the best epoch, optimiser of the last: also of models whose stack went on without them."""
    many = {"max_epochs": 30, "early_stopping": True, "hidden_layer_sizes": (64, 64)}
    make, y = (regressors, POSITIVE) if task == "regression" else (classifiers, CLASSES)
    models = varied(make(8, **many), n_iter_no_change=[1, 3, 2, 5], lr=[0.003, 0.01, 0.001])
    stacked = assert_stacked_is_alone(models, X, y, goes_on=True)
    assert len({model.n_iter_ for model in stacked}) > 3


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
def test_different_numbers_of_epochs(optimizer):
    """Few leave at once, so that the others go on in a stack with them, and in smaller ones later."""
    epochs = [3, 9, 9, 1, 9, 6, 9, 9, 2, 9]
    models = varied(regressors(10, optimizer=optimizer), max_epochs=epochs)
    stacked = assert_stacked_is_alone(models, X, POSITIVE, goes_on=True)
    assert [model.n_iter_ for model in stacked] == [n + 1 for n in epochs]


def test_who_else_is_there_does_not_matter():
    models = regressors(7)
    whole = fitted_together(models, X, POSITIVE)
    for chosen in ([0, 1], [6, 3, 0], [5, 4, 3, 2, 1]):
        part = fitted_together([models[k] for k in chosen], X, POSITIVE)
        assert_same(part, [whole[k] for k in chosen], X)


@pytest.mark.parametrize(
    "culprit",
    [
        NeuralRegressor(optimizer="sgd", lr=1e6),
        NeuralRegressor("huber", optimizer="sgd", lr=1e38),
        NeuralRegressor("barron", optimizer="sgd", lr=1e38),
        NeuralRegressor("squared_error", optimizer="sgd", lr=0.01, weight_decay=1e30),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [0, 3])
def test_a_model_that_turns_nan_leaves_the_others_alone(culprit, place):
    params = {"max_epochs": 12, "batch_size": 50, "hidden_layer_sizes": (32,), "random_state": 0}
    models = regressors(5, max_epochs=12, optimizer="sgd")
    without = fitted_together(models, X, POSITIVE)
    lost = clone(culprit).set_params(**params)
    fits = [Fit(clone(model), X, POSITIVE) for model in models]
    fits.insert(place, Fit(lost, X, POSITIVE))
    with heights() as seen:
        outcomes = fit_together(fits)
    assert seen == [6]
    assert isinstance(outcomes.pop(place).error, FloatingPointError)
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert not hasattr(lost, "net_")
    fits.pop(place)
    assert_same([fit.estimator for fit in fits], without, X)


def test_folds_in_one_call():
    """Splits with as many rows share a stack; one with fewer has its own."""
    cut = [*KFold(4).split(X[:228]), *KFold(3).split(X)]
    parts = [(X[train], POSITIVE[train]) for train, _ in cut]
    fits = [Fit(model, *part) for part in parts for model in regressors(3)]
    with heights() as seen:
        outcomes = fit_together(fits)
    rows = [len(part[0]) for part in parts for _ in range(3)]
    assert sorted(seen) == sorted(rows.count(n) for n in set(rows))
    assert [outcome.error for outcome in outcomes] == [None] * len(fits)
    alone = [model.fit(*part) for part in parts for model in regressors(3)]
    assert_same([fit.estimator for fit in fits], alone, X)


def test_folds_of_classes_with_their_own_weights():
    parts = [(X[train], CLASSES[train]) for train, _ in KFold(4).split(X[:228])]
    models = varied(classifiers(4), class_weight=["balanced", None])
    fits = [Fit(clone(m), *part) for m, part in zip(models, parts, strict=True)]
    with heights() as seen:
        fit_together(fits)
    assert seen == [4]
    alone = [clone(m).fit(*part) for m, part in zip(models, parts, strict=True)]
    assert_same([fit.estimator for fit in fits], alone, X)


def test_a_fit_that_cannot_begin_does_not_touch_the_others():
    fits = [Fit(model, X, POSITIVE) for model in regressors(3)]
    fits.insert(1, Fit(NeuralRegressor("poisson"), X, -POSITIVE))
    fits.insert(2, Fit(NeuralRegressor(max_epochs=0), X, POSITIVE))
    errors = [outcome.error for outcome in fit_together(fits)]
    assert [type(error).__name__ for error in errors] == [
        "NoneType", "ValueError", "ValueError", "NoneType", "NoneType",
    ]  # fmt: skip
    chosen = [fits[k].estimator for k in (0, 3, 4)]
    assert_same(chosen, fitted_alone(regressors(3), X, POSITIVE), X)


# ---------------------------------------------------------------------- what a stack leaves behind


def test_fitted_models_share_nothing():
    """Training one of them on, or loading weights into it, moves no other."""
    first, second, third = fitted_together(regressors(3), X, POSITIVE)
    before = [model.predict(X) for model in (second, third)]
    first.partial_fit(X, POSITIVE)
    first.net_.module_.load_state_dict(second.net_.module_.state_dict())
    with torch.no_grad():
        for parameter in first.net_.module_.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(second.predict(X), before[0])
    np.testing.assert_array_equal(third.predict(X), before[1])
    assert (first.predict(X) == first.predict(X)[0]).all()
    storages = {
        tensor.untyped_storage().data_ptr()
        for model in (first, second, third)
        for tensor in [
            *model.net_.module_.parameters(),
            *(v for s in model.net_.optimizer_.state.values() for v in s.values()),
        ]
    }
    assert len(storages) == 3 * (1 + 3)  # weights; step, mean and square of gradients


def test_pickles_of_stacked_models_train_on():
    models = fitted_together(regressors(3), X, POSITIVE)
    twins = pickle.loads(pickle.dumps(models))
    for model in (*models, *twins):
        model.partial_fit(X, POSITIVE)
    assert_same(models, twins, X)


def test_history_is_written_and_checkpoints_load_after_a_search(tmp_path):
    grid = {"lr": [0.001, 0.01], "loss": ["huber", "mse"]}
    search = LossSearchCV(regressors(1)[0], grid, cv=2).fit(X, POSITIVE)
    net = search.best_estimator_.net_
    net.history.to_file(tmp_path / "history.json")
    assert History.from_file(tmp_path / "history.json") == net.history
    for model in fitted_together(regressors(2), X, POSITIVE):
        model.net_.history.to_file(tmp_path / "history.json")
        assert History.from_file(tmp_path / "history.json") == model.history_
        assert all(row["dur"] > 0 for row in model.history_)
        names = {"f_params": str(tmp_path / "w.pt"), "f_optimizer": str(tmp_path / "o.pt")}
        before = model.predict(X)
        model.net_.save_params(**names)
        goes_on = clone(model).fit(X, POSITIVE).partial_fit(X, POSITIVE).predict(X)
        model.partial_fit(X, POSITIVE)
        np.testing.assert_array_equal(model.predict(X), goes_on)
        model.net_.load_params(**names)
        np.testing.assert_array_equal(model.predict(X), before)
        model.partial_fit(X, POSITIVE)
        assert len(model.history_) == 5


# ---------------------------------------------------------------------- what shares a stack


def test_estimators_that_are_fitted_alone():
    apart = [
        {"optimizer": "lbfgs"},
        {"module": nn.Linear},
        {"callbacks": [Checkpoint()]},
        {"warm_start": True},
        {"verbose": 1},
        {"early_stopping": True, "validation_fraction": KFold(3)},
        {"lr": -1.0},
        {"loss": "no such loss"},
    ]
    for params in apart:
        assert sharing_key(NeuralRegressor(**params)) is None, params
    keys = {sharing_key(model) for model in regressors(7)}
    assert len(keys) == 1
    assert None not in keys


def test_alone_or_not_the_models_are_the_same():
    """Whatever is given to `fit_together` comes out as from `fit`, also where nothing can be shared."""
    models = [
        *regressors(2, optimizer="lbfgs", max_epochs=2),
        *regressors(2, module=nn.Linear),
        *regressors(2, activation="tanh"),
        *regressors(2, module_params={"activation": "silu"}),
        *regressors(2, n_members=2),
        *regressors(2, early_stopping=True, validation_fraction=KFold(3)),
        *varied(regressors(2, early_stopping=True), validation_fraction=[0.1, 0.4]),
    ]
    stacked = fitted_together(models, X, POSITIVE)
    assert_same(stacked, fitted_alone(models, X, POSITIVE), X)


# ---------------------------------------------------------------------- members


class Own(nn.Module):
    """A module with buffers and dropout."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_features, 12)
        self.norm = nn.BatchNorm1d(12)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(12, n_outputs)

    def forward(self, X):
        return self.last(self.drop(torch.relu(self.norm(self.first(X)))))


def own(n_features, n_outputs):
    return Own(n_features, n_outputs)


def single_fits(model, y, n_members=3):
    seeds = [(model.random_state + i) % 2**32 for i in range(n_members)]
    return [clone(model).set_params(random_state=seed, n_members=1).fit(X, y) for seed in seeds]


def assert_members_are(many, ones):
    for net, one in zip(many.members_, ones, strict=True):
        assert_same_nets(net, one.net_)
    assert many.n_iter_ == max(one.n_iter_ for one in ones)


MEMBERS = {
    "plain": (NeuralRegressor("huber"), POSITIVE, [3]),
    "classes": (NeuralClassifier("focal", class_weight="balanced"), CLASSES, [3]),
    "two classes": (NeuralClassifier(dropout=0.2), CLASSES > 0, [3]),
    "decision": (NeuralClassifier("hinge"), CLASSES, [3]),
    "trained": (NeuralRegressor("adaptive", l1=0.001), POSITIVE, [3]),
    "stopped": (
        NeuralClassifier(early_stopping=True, n_iter_no_change=1, max_epochs=20), CLASSES, [3],
    ),
    "own": (NeuralRegressor(module=own, weight_decay=0.1), POSITIVE, []),
    "own stopped": (
        NeuralRegressor(module=Own, early_stopping=True, n_iter_no_change=1, max_epochs=20),
        POSITIVE,
        [],
    ),
    "own loss": (NeuralRegressor(nn.SmoothL1Loss), POSITIVE, [3]),
    "lbfgs": (NeuralRegressor("mae", optimizer="lbfgs"), POSITIVE, []),
    "callbacks": (NeuralRegressor(callbacks=[("c", Checkpoint(monitor=None))]), POSITIVE, []),
    "last seed": (NeuralRegressor(random_state=2**32 - 1), POSITIVE, [3]),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_fits_of_consecutive_seeds(name, tmp_path, monkeypatch):
    """Also after warm starts and in pickles; predictions are means."""
    monkeypatch.chdir(tmp_path)
    model, y, stacks = MEMBERS[name]
    model = clone(model).set_params(batch_size=50, warm_start=True)
    model.set_params(max_epochs=min(model.max_epochs, 20 if model.early_stopping else 3))
    model.set_params(random_state=3 if model.random_state is None else model.random_state)
    with heights() as seen:
        many = clone(model).set_params(n_members=3).fit(X, y)
    assert seen == stacks
    ones = single_fits(model, y)
    assert_members_are(many, ones)
    assert_predictions_are_means(many, ones)
    twin = pickle.loads(pickle.dumps(many)).fit(X, y)
    for one in ones:
        one.fit(X, y)
    assert_members_are(many.fit(X, y), ones)
    assert_members_are(twin, ones)
    if not model.early_stopping:
        for one in ones:
            one.partial_fit(X, y)
        assert_members_are(many.partial_fit(X, y), ones)


def assert_predictions_are_means(many, ones):
    if isinstance(many, NeuralRegressor):
        mean = np.mean([one.predict(X) for one in ones], 0)
        np.testing.assert_allclose(many.predict(X), mean, rtol=1e-12)
        return
    if not hasattr(many, "predict_proba"):
        scores = np.mean([one.decision_function(X) for one in ones], 0)
        np.testing.assert_allclose(many.decision_function(X), scores, atol=1e-6)
        np.testing.assert_array_equal(many.predict(X), many.classes_[scores.argmax(1)])
        return
    p = many.predict_proba(X)
    np.testing.assert_allclose(p, np.mean([one.predict_proba(X) for one in ones], 0), atol=1e-6)
    if many.loss_.decides_by_posterior:
        np.testing.assert_array_equal(many.predict(X), many.classes_[p.argmax(1)])


@pytest.mark.parametrize("cls", [c for c in OF_TABLES if c.task == "classification"])
def test_members_decide_as_their_mean_does(cls):
    y = CLASSES if cls.multi_class else CLASSES > 0
    model = NeuralClassifier(cls.name, n_members=2, max_epochs=8, random_state=0, lr=0.01).fit(X, y)
    scores = model.decision_function(X)
    chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[chosen])
    if hasattr(model, "predict_proba") and model.loss_.decides_by_posterior:
        p = model.predict_proba(X)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
        np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(1)])


@pytest.mark.parametrize("n_members", [0, 1.5, -1, "3", True])
def test_numbers_of_members_have_a_domain(n_members):
    with pytest.raises(ValueError, match="NeuralRegressor needs n_members"):
        NeuralRegressor(n_members=n_members).fit(X, POSITIVE)


def test_members_without_a_seed_differ():
    model = NeuralRegressor(n_members=2, max_epochs=2).fit(X, POSITIVE)
    weights = [net.module_[0].weight for net in model.members_]
    assert not torch.equal(*weights)
    with pytest.raises(ValueError, match="n_members was 2"):
        model.set_params(n_members=3).partial_fit(X, POSITIVE)


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralRegressor("huber", n_members=2, max_epochs=100),
        NeuralClassifier("focal", n_members=2, max_epochs=40, lr=0.01, hidden_layer_sizes=(30,)),
    ],
    ids=repr,
)
def test_check_estimator_passes_for_members(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert not [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]


# ---------------------------------------------------------------------- memory-mapped features


class CountsReads(np.memmap):
    """Notes what is read."""

    reads = 0

    def __getitem__(self, item):
        type(self).reads += 1
        return super().__getitem__(item)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale_inputs", [True, False])
def test_features_on_disk_are_those_in_memory(dtype, scale_inputs, tmp_path):
    values = X.astype(dtype)
    path = tmp_path / "X.bin"
    values.tofile(path)
    mapped = CountsReads(path, dtype=dtype, mode="r", shape=X.shape)
    CountsReads.reads = 0
    models = regressors(3, scale_inputs=scale_inputs)
    with heights() as seen:
        stacked = fitted_together(models, mapped, POSITIVE)
    assert seen == [3]
    assert_same(stacked, fitted_alone(models, values, POSITIVE), X)
    np.testing.assert_array_equal(stacked[0].predict(mapped), stacked[0].predict(values))
    assert CountsReads.reads < 30
    np.testing.assert_array_equal(np.fromfile(path, dtype=dtype).reshape(X.shape), values)
