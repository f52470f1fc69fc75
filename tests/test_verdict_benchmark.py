"""The benchmark of verdicts runs, and its regressions are scikit-learn's."""

import importlib
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error

from .test_benchmarks import column, tables_in

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

verdicts = importlib.import_module("verdicts")


def test_prints_false_alarms_and_power_of_every_method(capsys):
    verdicts.main(["--runs=6"])
    tables = tables_in(capsys.readouterr().out)
    assert len(tables) == 4
    for table in tables:
        assert column(table, "splits") == [each.label for each in verdicts.SETTINGS]
        for method in verdicts.METHODS:
            shares = np.array(column(table, method), dtype=float)
            assert ((shares >= 0) & (shares <= 1)).all()
    assert {*column(tables[0], ""), *column(tables[2], "")} <= {"met", "missed"}
    assert max(map(float, column(tables[1], "compare_losses"))) > 0.5


def test_scores_are_those_of_scikit_learns_ridge():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(verdicts.ROWS, 5)), rng.normal(size=verdicts.ROWS)
    tests = verdicts.test_rows(rng, verdicts.Setting(2, 4, 2))
    assert sorted(tests[:4].ravel()) == list(range(verdicts.ROWS))
    expected = []
    for test in tests:
        train = np.setdiff1d(np.arange(verdicts.ROWS), test)
        model = Ridge(verdicts.PENALTY, fit_intercept=False).fit(X[train], y[train])
        expected.append(-mean_squared_error(y[test], model.predict(X[test])))
    np.testing.assert_allclose(verdicts.scores_on(X, y, tests), expected)


def test_drawn_scores_have_the_correlation_of_their_splits():
    setting = verdicts.Setting(1, 5, 2)
    drawn = np.array([verdicts.drawn_scores(setting, seed, False)[0] for seed in range(4000)])
    correlation = np.corrcoef(drawn.T)[np.triu_indices(10, 1)]
    np.testing.assert_allclose(correlation.mean(), 1 / 5, atol=0.02)
