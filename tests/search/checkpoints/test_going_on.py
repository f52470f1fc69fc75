"""An interrupted search goes on where it was, and ends with the bits of an undisturbed one."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import LRScheduler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.training.engine import Engine

from .searches import (
    GRID,
    ONE,
    assert_same,
    interrupted_after,
    interruption,
    regressor,
    rows_of,
    search_in,
)

# A few epochs are too few for some candidates, which is the point.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning"),
]


def inside(prefix, grid=GRID):
    return {f"{prefix}__{name}": values for name, values in grid.items()}


def own_metrics(estimator, X, y):
    return {"score": estimator.score(X, y), "size": np.float32(len(y))}


def second_best(table):
    return int(np.argsort(table["mean_test_score"])[-2])


PATIENT = {"early_stopping": True, "n_iter_no_change": 2, "batch_size": 50}
CASES = {
    "plain": {},
    "members": {"estimator": regressor(**PATIENT, n_members=2)},
    "seeds": {"n_seeds": 2, "return_train_score": True, "keep_predictions": True},
    "several stacks": {"grid": {"hidden_layer_sizes": [(), (4,), (8, 8)], "loss": ["mse", "mae"]}},
    "trained losses": {"grid": {"loss": ["adaptive", "mse", "gaussian_nll"]}},
    "a candidate that fails": {"grid": {"lr": [0.01, 1e30], "loss": ["mse", "poisson"]}},
    "pipeline": {
        "estimator": Pipeline([("scale", StandardScaler()), ("net", regressor(**PATIENT))]),
        "grid": {**inside("net"), "scale__with_mean": [True, False]},
    },
    "target transformer": {
        "estimator": TransformedTargetRegressor(regressor(), transformer=StandardScaler()),
        "grid": inside("regressor"),
    },
    "several metrics": {"scoring": ["r2", "neg_crps"], "refit": "r2", "grid": {"lr": [0.01, 0.02]},
                        "estimator": regressor(loss="gaussian_nll")},
    "metrics of a function": {"scoring": own_metrics, "refit": "score"},
    "no refit": {"refit": False},
    "draws": {"grid": {"lr": loguniform(1e-3, 1e-1)}, "n_iter": 4, "random_state": 1},
    "halving": {"halving": {"factor": 2, "min_epochs": 2}},
    "halving of members": {
        "halving": {"factor": 2, "min_epochs": 2},
        "estimator": regressor(**PATIENT, n_members=2),
    },
    "fitted alone": {"grid": {"callbacks": [None, [LRScheduler(step_size=3)]], "lr": [0.01, 0.02]}},
    "another estimator": {"estimator": Ridge(), "grid": {"alpha": [0.1, 1.0, 10.0]}},
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_interrupted_search_ends_as_an_undisturbed_one(name, diabetes, tmp_path, monkeypatch):
    X, y = diabetes[0][:150], diabetes[1][:150]
    expected = search_in(None, **CASES[name]).fit(X, y)
    for n_results, n_states in ((-1, 3), (2, -1), (-1, 2)):
        search = search_in(tmp_path / "s.db", **CASES[name])
        with monkeypatch.context() as patch:
            interrupted_after(n_results, n_states, patch)
            try:
                search.fit(X, y)
            except KeyboardInterrupt:
                assert hasattr(search, "partial_results_")
    search = search_in(tmp_path / "s.db", **CASES[name]).fit(X, y)
    assert_same(search, expected, X)
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]
    # What is left are the weights of the refit.
    assert {
        candidate for (candidate,) in rows_of(tmp_path / "s.db", "SELECT candidate FROM states")
    } <= {-1}


def test_labels_and_probabilities_are_kept(breast_cancer, tmp_path, monkeypatch):
    X, y = breast_cancer[0][:150], breast_cancer[1][:150]
    how = {
        "estimator": NeuralClassifier(**ONE),
        "grid": {"loss": ["mse", "focal"]},
        "keep_predictions": True,
        "stack_size": 1,
    }
    expected = search_in(None, **how).fit(X, y)
    with interruption(2, -1, monkeypatch):
        search_in(tmp_path / "s.db", **how).fit(X, y)
    assert_same(search_in(tmp_path / "s.db", **how).fit(X, y), expected, X)


def test_nothing_that_is_finished_is_trained_again(diabetes, tmp_path, monkeypatch):
    search_in(tmp_path / "s.db").fit(*diabetes)
    monkeypatch.setattr(Engine, "_epoch", None)
    search = search_in(tmp_path / "s.db", stack_size=1, n_jobs=1, verbose=0).fit(*diabetes)
    assert search.predict(diabetes[0]).shape == (442,)
    # Another refit trains that alone.
    with pytest.raises(TypeError, match="NoneType"):
        search_in(tmp_path / "s.db", refit=second_best).fit(*diabetes)


def test_epochs_before_a_kill_are_not_trained_again(diabetes, tmp_path, monkeypatch):
    trained = []

    def epoch(engine, run=Engine._epoch):
        trained.append(engine._n_epochs + 1)
        run(engine)

    monkeypatch.setattr(Engine, "_epoch", epoch)
    how = {"grid": {"loss": ["mse"]}, "refit": False, "stack_size": 2}
    with interruption(-1, 4, monkeypatch):
        search_in(tmp_path / "s.db", **how).fit(*diabetes)
    search_in(tmp_path / "s.db", **how).fit(*diabetes)
    assert trained == [1, 2, 3, 4, 5, 6]


def test_a_search_may_go_on_with_other_stacks_and_workers(diabetes, tmp_path, monkeypatch):
    expected = search_in(None).fit(*diabetes)
    with interruption(2, 9, monkeypatch):
        search_in(tmp_path / "s.db").fit(*diabetes)
    assert rows_of(tmp_path / "s.db", "SELECT * FROM states")
    search = search_in(tmp_path / "s.db", stack_size=1, n_jobs=2, verbose=0).fit(*diabetes)
    assert_same(search, expected, diabetes[0])


def test_the_refit_goes_on_where_it_was(diabetes, tmp_path, monkeypatch):
    trained = []

    def epoch(engine, run=Engine._epoch):
        trained.append(engine._n_epochs + 1)
        if len(trained) == 10:
            raise KeyboardInterrupt
        run(engine)

    monkeypatch.setattr("sklloss.search.checkpoints.kept.seconds_between_states", 0.0)
    monkeypatch.setattr(Engine, "_epoch", epoch)
    how = {"grid": {"loss": ["mse"]}, "stack_size": 2}
    expected = regressor().fit(*diabetes)
    del trained[:]
    with pytest.raises(KeyboardInterrupt):
        search_in(tmp_path / "s.db", **how).fit(*diabetes)
    search = search_in(tmp_path / "s.db", **how).fit(*diabetes)
    assert trained == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 4, 5, 6]
    np.testing.assert_array_equal(search.predict(diabetes[0]), expected.predict(diabetes[0]))


def test_what_has_no_seed_keeps_the_one_that_was_drawn(diabetes, tmp_path, monkeypatch):
    steps = [("pca", PCA(3, svd_solver="randomized")), ("net", regressor(random_state=None))]
    how = {"estimator": Pipeline(steps), "grid": {"net__loss": ["mse"]}, "stack_size": 1}
    with interruption(-1, 3, monkeypatch):
        search_in(tmp_path / "s.db", **how).fit(*diabetes)
    first = search_in(tmp_path / "s.db", **how).fit(*diabetes)
    second = search_in(tmp_path / "s.db", **how).fit(*diabetes)
    np.testing.assert_array_equal(
        first.cv_results_["mean_test_score"], second.cv_results_["mean_test_score"]
    )
    assert first.best_estimator_["net"].random_state is None


def test_searches_of_outer_folds_share_a_file(diabetes, tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    expected = cross_val_score(search_in(None), *diabetes, cv=3)
    with interruption(5, -1, monkeypatch):
        cross_val_score(search_in(path), *diabetes, cv=3)
    assert rows_of(path, "SELECT status FROM searches") == [("finished",), ("running",)]
    np.testing.assert_array_equal(cross_val_score(search_in(path), *diabetes, cv=3), expected)
    assert rows_of(path, "SELECT status FROM searches") == [("finished",)] * 3
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


def test_a_fold_that_fails_does_not_stop_the_next(diabetes, tmp_path):
    X, y = diabetes
    y = np.where(np.arange(len(y)) < 150, y, -1.0)  # The training rows of the first fold.
    search = search_in(tmp_path / "s.db", regressor(loss="poisson"), {"lr": [0.01]}, refit=False)
    for rows in (slice(100, None), slice(0, 140)):
        try:
            search.fit(X[rows], y[rows])
        except ValueError as error:
            assert "fits failed" in str(error)  # noqa: PT017
    assert rows_of(tmp_path / "s.db", "SELECT status FROM searches") == [("failed",), ("finished",)]


def test_a_search_without_nets_of_ours_is_kept(diabetes, tmp_path):
    estimator = MultiOutputRegressor(NeuralRegressor(**ONE))
    how = {"estimator": estimator, "grid": {"estimator__lr": [0.01, 0.02]}}
    y = np.stack([diabetes[1], -diabetes[1]], 1)
    with pytest.warns(UserWarning, match="cannot train models together"):
        expected = search_in(None, **how).fit(diabetes[0], y)
    for _ in range(2):
        with pytest.warns(UserWarning, match="cannot train models together"):
            search = search_in(tmp_path / "s.db", **how).fit(diabetes[0], y)
        assert_same(search, expected, diabetes[0])


def test_own_searches_are_kept_over_several_calls(diabetes, tmp_path, monkeypatch):
    class Twice(LossSearchCV):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"loss": "mse"}, {"loss": "mae"}])
            evaluate_candidates([{"loss": "huber"}], cv=KFold(2, shuffle=True, random_state=0))

    expected = Twice(regressor(), {}, cv=2).fit(*diabetes)
    with interruption(3, -1, monkeypatch):
        Twice(regressor(), {}, cv=2, stack_size=1, checkpoint=tmp_path / "s.db").fit(*diabetes)
    search = Twice(regressor(), {}, cv=2, checkpoint=tmp_path / "s.db").fit(*diabetes)
    assert_same(search, expected, diabetes[0])
