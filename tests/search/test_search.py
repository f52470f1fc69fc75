"""What LossSearchCV does beyond GridSearchCV: checks before training, seeds, progress,
interruptions."""

import shutil
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.together import epochs_of
from sklloss.losses import Huber
from sklloss.search import progress

from ..laws.small_models import ONE_NETWORK
from ..stacked_and_alone import Fit, errors_of
from .interrupting import Interrupting

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 5}
GRID = {"loss": ["mse", "mae", "huber"]}


def regressor(**params):
    return NeuralRegressor(**{**SMALL, **params})


def pipeline(**params):
    return Pipeline([("scale", StandardScaler()), ("net", regressor(**params))])


class NeverFitted(StandardScaler):
    def fit(self, X, y=None, sample_weight=None):
        raise AssertionError("training began")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"net__losss": ["mse"]}, "losss"),
        ({"nett__loss": ["mse"]}, "nett"),
        ({"net__loss": ["mse", "hubr"]}, "Did you mean 'huber'"),
        ({"net__loss": ["mse", "focal"]}, "is a classification loss"),
        ({"net__loss": ["mse"], "net__loss__delta": [1]}, "has no parameter 'delta'"),
        ({"net__loss": ["mse", "huber"], "net__loss__delta": [1], "net__lrr": [1]}, "'lrr'"),
    ],
)
def test_candidates_are_checked_before_training(grid, message, diabetes):
    estimator = Pipeline([("scale", NeverFitted()), ("net", regressor())])
    with pytest.raises(ValueError, match=message):
        LossSearchCV(estimator, grid, error_score="raise").fit(*diabetes)


@pytest.mark.parametrize(
    ("estimator", "prefix"),
    [
        (regressor(), ""),
        (pipeline(), "net__"),
        (TransformedTargetRegressor(pipeline()), "regressor__net__"),
    ],
)
def test_one_grid_for_losses_of_different_parameters(estimator, prefix, diabetes):
    grid = {"loss": ["huber", Huber, "mse"], "loss__delta": np.array([0.5, 1.0]), "lr": [0.1]}
    named = {f"{prefix}{name}": values for name, values in grid.items()}
    with pytest.raises(ValueError, match="Give a list of grids") as caught:
        LossSearchCV(estimator, named).fit(*diabetes)
    shown = str(caught.value).partition("Give a list of grids: ")[2].removesuffix(".")
    grids = eval(shown.replace(repr(Huber), "Huber"), {"Huber": Huber})
    assert grids == [
        {f"{prefix}loss": ["mse"], f"{prefix}lr": [0.1]},
        {
            f"{prefix}loss": ["huber", Huber],
            f"{prefix}loss__delta": [0.5, 1.0],
            f"{prefix}lr": [0.1],
        },
    ]
    search = LossSearchCV(estimator, grids, cv=2).fit(*diabetes)
    assert len(search.cv_results_["params"]) == 5


@pytest.mark.parametrize(
    "params",
    [{"n_seeds": 0}, {"n_seeds": 1.5}, {"stack_size": 0}, {"stack_size": "all"}, {"n_seeds": True}],
)
def test_own_parameters_have_domains(params, diabetes):
    (name,) = params
    with pytest.raises(ValueError, match=f"LossSearchCV needs {name}"):
        LossSearchCV(regressor(), GRID, **params).fit(*diabetes)


@pytest.mark.parametrize("name", ["foo", "epochs", "go_on"])
def test_arguments_that_fit_does_not_take(name, diabetes):
    search = LossSearchCV(regressor(), GRID, cv=2, error_score="raise")
    with pytest.raises(TypeError, match=f"NeuralRegressor.fit.. got an unexpected .*'{name}'"):
        search.fit(*diabetes, **{name: 2})


def test_a_class_instead_of_an_estimator(diabetes):
    with pytest.raises(TypeError, match="not its class NeuralRegressor. Give NeuralRegressor()"):
        LossSearchCV(NeuralRegressor, {"loss": ["mse"]}).fit(*diabetes)


@pytest.mark.parametrize("cv", [3, KFold(3)])
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT])
def test_missing_labels_are_counted_before_training(missing, cv, breast_cancer):
    X, y = breast_cancer
    labels = np.where(y, "benign", "malignant").astype(object)
    labels[[3, 5]] = missing
    search = LossSearchCV(NeuralClassifier(), {"loss": ["mse"]}, cv=cv)
    with pytest.raises(ValueError, match="2 of 569 rows have no label, for example row 3. Leave"):
        search.fit(X, labels)


def test_seeds_need_a_random_state(diabetes):
    with pytest.raises(ValueError, match="n_seeds=2 needs an estimator with a random_state"):
        LossSearchCV(StandardScaler(), {"with_std": [True]}, n_seeds=2, scoring="r2").fit(*diabetes)


@pytest.mark.parametrize("make", [regressor, pipeline, TransformedTargetRegressor])
def test_scores_are_means_over_consecutive_seeds(make, diabetes):
    estimator = make() if make is not TransformedTargetRegressor else make(regressor())
    prefix = {regressor: "", pipeline: "net__"}.get(make, "regressor__")
    grid = {f"{prefix}loss": ["mse", "mae"]}
    cv = KFold(3)
    search = LossSearchCV(estimator, grid, cv=cv, n_seeds=3).fit(*diabetes)
    seeded = [
        GridSearchCV(estimator.set_params(**{f"{prefix}random_state": seed}), grid, cv=cv)
        .fit(*diabetes)
        .cv_results_
        for seed in (5, 6, 7)
    ]
    estimator.set_params(**{f"{prefix}random_state": 5})
    for split in range(3):
        name = f"split{split}_test_score"
        expected = np.mean([table[name] for table in seeded], axis=0)
        np.testing.assert_array_equal(search.cv_results_[name], expected)
    by_split = np.array([[t[f"split{i}_test_score"] for i in range(3)] for t in seeded])
    np.testing.assert_allclose(
        search.cv_results_["std_over_seeds_test_score"], by_split.std(0).mean(0)
    )
    assert len(search.cv_results_["params"]) == 2
    own = estimator.set_params(**search.best_params_).fit(*diabetes)
    np.testing.assert_array_equal(search.predict(diabetes[0]), own.predict(diabetes[0]))


def test_seeds_begin_at_those_of_the_grid_or_at_a_drawn_one(diabetes):
    grid = {"random_state": [0, 1]}
    table = LossSearchCV(regressor(), grid, cv=2, n_seeds=2).fit(*diabetes).cv_results_
    single = LossSearchCV(regressor(), {"random_state": [0, 1, 2]}, cv=2).fit(*diabetes)
    of_seed = single.cv_results_["mean_test_score"]
    expected = [of_seed[:2].mean(), of_seed[1:].mean()]
    np.testing.assert_allclose(table["mean_test_score"], expected, rtol=1e-12)
    free = LossSearchCV(regressor(random_state=None), {"loss": ["mse", "MSELoss"]}, cv=2, n_seeds=2)
    first, second = free.fit(*diabetes).cv_results_["mean_test_score"]
    assert first == second
    generator = np.random.RandomState(3)
    drawn = LossSearchCV(regressor(random_state=generator), {"loss": ["mse"]}, cv=2, n_seeds=1)
    again = LossSearchCV(regressor(random_state=generator), {"loss": ["mse"]}, cv=2, n_seeds=1)
    assert drawn.fit(*diabetes).best_score_ == again.fit(*diabetes).best_score_


def test_a_seed_outside_what_is_allowed_fails_alone(diabetes):
    search = LossSearchCV(regressor(), {"random_state": [-1, 1]}, cv=2, n_seeds=2)
    with (
        pytest.warns(FitFailedWarning, match="4 fits failed out of a total of 8"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*diabetes)
    assert search.best_params_ == {"random_state": 1}


class Watching:
    """A callback of scikit-learn that counts fits."""

    count = 0

    def setup(self, estimator, context):
        type(self).count += 1

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, *args, **kwargs):
        pass

    def on_fit_task_end(self, *args, **kwargs):
        pass


def test_callbacks_of_scikit_learn(diabetes):
    search = LossSearchCV(pipeline(), {"net__loss": ["mse", "mae"]}, cv=2)
    with pytest.raises(ValueError, match="scikit-learn's callbacks"):
        search.set_callbacks(Watching()).fit(*diabetes)
    watched = LossSearchCV(pipeline().set_callbacks(Watching()), search.param_grid, cv=2)
    watched.fit(*diabetes)
    assert Watching.count == 5


def test_several_metrics_over_seeds(diabetes):
    search = LossSearchCV(
        regressor(), GRID, cv=2, n_seeds=2, scoring=["r2", "neg_max_error"], refit="r2"
    )
    table = search.fit(*diabetes).cv_results_
    assert (table["std_over_seeds_test_neg_max_error"] > 0).all()
    assert list(table)[-2:] == ["std_over_seeds_test_r2", "std_over_seeds_test_neg_max_error"]


class Counting(StandardScaler):
    folder = ""

    def fit(self, X, y=None, sample_weight=None):
        with (Path(self.folder) / "fits").open("a") as file:
            file.write("x")
        return super().fit(X, y)


@pytest.mark.parametrize("stack_size", ["auto", 2])
def test_steps_are_fitted_once_per_split_and_setting(stack_size, diabetes, tmp_path, monkeypatch):
    monkeypatch.setattr(Counting, "folder", str(tmp_path))
    estimator = Pipeline([("scale", Counting()), ("net", regressor())])
    grid = {"net__loss": ["mse", "mae", "huber"], "scale__with_std": [True, False]}
    LossSearchCV(estimator, grid, cv=3, refit=False, stack_size=stack_size).fit(*diabetes)
    assert (tmp_path / "fits").read_text() == "x" * 6


def test_pipelines_with_memory(diabetes, tmp_path):
    estimator = pipeline().set_params(memory=str(tmp_path))
    search = LossSearchCV(estimator, {"net__loss": ["mse", "mae"]}, cv=2).fit(*diabetes)
    expected = GridSearchCV(pipeline(), {"net__loss": ["mse", "mae"]}, cv=2).fit(*diabetes)
    assert search.best_score_ == expected.best_score_
    assert search.best_estimator_.memory == str(tmp_path)


def test_target_transformers_are_as_their_own_fit_leaves_them(diabetes):
    X, y = diabetes
    shell = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    seen = []

    def score(estimator, X, y):
        seen.append(estimator)
        return estimator.score(X, y)

    LossSearchCV(
        shell,
        {"regressor__loss": ["mae"]},
        cv=[(range(300), range(300, 442))],
        scoring=score,
        refit=False,
    ).fit(X, y)
    own = TransformedTargetRegressor(regressor(loss="mae"), transformer=StandardScaler())
    own.fit(X[:300], y[:300])
    assert set(vars(seen[0])) == set(vars(own))
    np.testing.assert_array_equal(seen[0].predict(X), own.predict(X))
    assert not hasattr(seen[0].regressor, "net_")
    assert seen[0].regressor_.loss == seen[0].regressor.loss == "mae"


def test_an_interrupted_search_keeps_the_results_so_far(diabetes):
    search = LossSearchCV(regressor(), GRID, cv=2, stack_size=3).fit(*diabetes)
    full = search.cv_results_
    search.set_params(scoring=Interrupting(1), stack_size=1)
    with pytest.raises(KeyboardInterrupt) as caught:
        search.fit(*diabetes)
    assert "ended early, after 0 of 3 candidates" in caught.value.__notes__[0]
    assert [name for name in vars(search) if name.endswith("_")] == ["partial_results_"]
    assert np.isnan(search.partial_results_["mean_test_score"]).all()
    with pytest.raises(NotFittedError):
        search.predict(diabetes[0])
    search.set_params(scoring=Interrupting(5))
    with pytest.raises(KeyboardInterrupt) as caught:
        search.fit(*diabetes)
    assert "ended early, after 2 of 3 candidates" in caught.value.__notes__[0]
    table = search.partial_results_
    assert table["interrupted"].tolist() == [False, False, True]
    np.testing.assert_array_equal(table["mean_test_score"][:2], full["mean_test_score"][:2])
    assert np.isnan(table["mean_test_score"][2])
    assert set(table) == {*full, "interrupted"}


def test_an_interrupted_refit_keeps_the_results(diabetes, monkeypatch):
    def interrupted(self, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(LossSearchCV, "_refit_best", interrupted)
    search = LossSearchCV(regressor(), GRID, cv=2)
    with pytest.raises(KeyboardInterrupt) as caught:
        search.fit(*diabetes)
    assert "in its refit, after all 3 candidates" in caught.value.__notes__[0]
    assert not any(search.partial_results_["interrupted"])
    assert not hasattr(search, "cv_results_")


def test_a_search_that_an_error_ends_keeps_the_results_so_far(diabetes):
    search = LossSearchCV(regressor(), GRID, cv=2, stack_size=1, error_score="raise")
    search.set_params(scoring=Interrupting(5, MemoryError))
    with pytest.raises(MemoryError) as caught:
        search.fit(*diabetes)
    assert "after 2 of 3 candidates" in caught.value.__notes__[0]
    assert search.partial_results_["interrupted"].tolist() == [False, False, True]


def interrupted_by_mse(estimator, X, y):
    if estimator.loss == "mse":
        raise KeyboardInterrupt
    return {"r2": estimator.score(X, y), "one": 1.0}


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_interruption_of_workers(backend, diabetes):
    search = LossSearchCV(
        regressor(), {"loss": ["mae", "mse"]}, cv=2, n_jobs=2, stack_size=1, refit="r2"
    ).set_params(scoring=interrupted_by_mse)
    with (
        joblib.parallel_config(backend=backend),
        pytest.raises(KeyboardInterrupt),
    ):
        search.fit(*diabetes)
    assert search.partial_results_["interrupted"][1]


def test_silent_unless_asked(diabetes, capsys):
    LossSearchCV(regressor(), GRID, cv=2).fit(*diabetes)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress(n_jobs, diabetes, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    search = LossSearchCV(pipeline(), {"net__loss": ["mse", "mae"]}, cv=2, verbose=2, n_jobs=n_jobs)
    with joblib.parallel_config(backend="threading"):
        search.fit(*diabetes)
    out, err = capsys.readouterr()
    assert "12/12" in err
    assert f"best={search.best_score_:.4g}" in err
    assert len(out.splitlines()) == 2
    assert "[LossSearchCV 1/2] net__loss='mse': score=" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_members": 3},
        {"early_stopping": True, "validation_fraction": 0.25},
        {"max_epochs": 7},
    ],
)
@pytest.mark.parametrize("n_rows", [150, 401, 442])
def test_epochs_are_counted_before_a_fit_as_they_are_trained(params, n_rows, diabetes):
    X, y = (part[:n_rows] for part in diabetes)
    model = NeuralRegressor(random_state=0, **params)
    counted = []
    assert errors_of([Fit(model, X, y)], counted.append) == [None]
    assert sum(counted) == sum(net.max_epochs for net in model.members_)
    assert epochs_of(model, n_rows) == sum(counted)
    assert counted[0] == 0, "the first call corrects what was counted"


@pytest.mark.parametrize("trouble", ["no folder", "folder vanishes"])
def test_a_search_does_not_end_because_of_its_bar(trouble, diabetes, monkeypatch):
    class Folder(tempfile.TemporaryDirectory):
        def __init__(self, *args, **kwargs):
            if trouble == "no folder":
                raise PermissionError("TMPDIR is not writable")
            super().__init__(*args, **kwargs)

    def stays(slot, n_epochs, add=progress.Slot.add):
        if slot.path is not None:
            shutil.rmtree(Path(slot.path).parent, ignore_errors=True)
        add(slot, n_epochs)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", Folder)
    if trouble == "folder vanishes":
        monkeypatch.setattr(progress.Slot, "add", stays)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 1e-3)
    model = NeuralRegressor(n_members=1, max_epochs=3, random_state=0)
    search = LossSearchCV(model, {"loss": ["mse", "mae"]}, cv=2, verbose=1).fit(*diabetes)
    quiet = LossSearchCV(model, {"loss": ["mse", "mae"]}, cv=2).fit(*diabetes)
    assert search.best_score_ == quiet.best_score_


def test_the_bar_stays_within_its_bounds_where_fits_train_more_than_expected(monkeypatch):
    # Rows of weight 0 do not train, so more epochs make as many steps.
    X = np.random.default_rng(0).standard_normal((900, 3))
    weight = (np.arange(900) % 9 < 5).astype(float)
    model = NeuralRegressor(
        early_stopping=True, n_members=2, n_iter_no_change=np.inf, hidden_layer_sizes=(4,),
        random_state=0,
    )  # fmt: skip
    positions = []

    class Bar(tqdm):
        def display(self, *_, **__):
            positions.append((self.n, self.total))

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 1e-3)
    search = LossSearchCV(model, {"loss": ["mse", "mae"]}, cv=2, verbose=1)
    search.fit(X, X[:, 0], sample_weight=weight)
    assert all(0 <= n <= total for n, total in positions)
    assert positions[-1][0] == positions[-1][1]


@pytest.mark.parametrize("refit", [False, "r2", lambda table: 0])
def test_progress_of_several_metrics(refit, diabetes, capsys):
    search = LossSearchCV(
        regressor(),
        {"max_epochs": np.array([1, 2])},
        cv=2,
        scoring=["r2", "neg_max_error"],
        refit=refit,
        verbose=2,
    )
    table = search.fit(*diabetes).cv_results_
    out, err = capsys.readouterr()
    assert "6/6" in err
    assert ("best=" in err) == (refit == "r2")
    for r2, error in zip(table["mean_test_r2"], table["mean_test_neg_max_error"], strict=True):
        assert f": r2={r2:.4g}, neg_max_error={error:.4g}" in out


def test_failures_of_steps_leave_the_bar_whole(diabetes, capsys):
    broken = FunctionTransformer(lambda X: X[:, :0])
    grid = {"scale": [StandardScaler(), broken], "net__loss": ["mse"]}
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        LossSearchCV(pipeline(), grid, cv=2, verbose=1).fit(*diabetes)
    assert "12/12" in capsys.readouterr().err


def test_classifier_in_a_pipeline_picks_a_loss(breast_cancer):
    X, y = breast_cancer
    net = NeuralClassifier(**{**SMALL, "max_epochs": 30, "lr": 0.01})
    estimator = Pipeline([("scale", StandardScaler()), ("net", net)])
    grid = [
        {"net__loss": ["mae", "cross_entropy"]},
        {"net__loss": ["focal"], "net__loss__gamma": [1, 2]},
    ]
    search = LossSearchCV(estimator, grid, cv=3, scoring="f1_macro").fit(X, y)
    assert search.best_score_ > 0.95
    assert (
        search.best_score_
        == cross_val_score(
            estimator.set_params(**search.best_params_), X, y, cv=3, scoring="f1_macro"
        ).mean()
    )


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ([40, 49], r"test rows of split 1 indices beyond the 40 rows of X; 2 of 2 .* example 40\."),
        ([0, -41], r"1 of 2 are, for example -41\. Give integers from 0 to 39"),
        ([0.0, 1.0], r"test rows of split 1 as float64 of shape \(2,\)\. Give integers"),
        (["a"], r"or a mask of the 40 rows"),
        ([True] * 39, r"test rows of split 1 as bool of shape \(39,\)"),
    ],
)
def test_splits_outside_of_the_rows_are_refused(test, said):
    X = np.random.default_rng(0).normal(size=(40, 3))
    folds = [(np.arange(20), np.arange(20, 40)), (np.arange(20), np.array(test))]
    with pytest.raises(ValueError, match=f"cv gives the {said}" if said[0] == "t" else said):
        LossSearchCV(regressor(), GRID, cv=folds).fit(X, X[:, 0])


@pytest.mark.parametrize("form", ["dia", "bsr", "coo", "dok", "lil"])
def test_every_form_of_sparse_matrix_is_split(form):
    X = np.random.default_rng(0).normal(size=(40, 3)).clip(0)
    found, expected = (
        LossSearchCV(regressor(), GRID, cv=2).fit(each, X[:, 0]).cv_results_["mean_test_score"]
        for each in (getattr(sparse, f"{form}_array")(X), sparse.csr_array(X))
    )
    np.testing.assert_array_equal(found, expected)
