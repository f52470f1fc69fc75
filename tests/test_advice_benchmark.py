"""The advice benchmark runs on a table and a law, goes on where it stopped, and reports."""

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

from sklloss import NeuralClassifier, NeuralRegressor

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

advice, report, sets = (
    importlib.import_module(name) for name in ("advice", "advice_report", "advice_sets")
)
CASES = ["penguins", "gamma"]


def tiny(case):
    kind = NeuralRegressor if case.is_regression else NeuralClassifier
    return kind(n_members=1, hidden_layer_sizes=(4,), max_epochs=2, random_state=0)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(advice, "estimator_of", tiny)
    monkeypatch.setattr(sets, "TRAIN_ROWS", 150)
    monkeypatch.setattr(sets, "TEST_ROWS", 100)
    path = tmp_path / "advice.csv"
    wanted = ["--cases", *CASES, "--splits", "1", "--results", str(path)]
    advice.main(wanted)
    return path, wanted


def test_a_run_goes_on_where_it_stopped_and_reports(results):
    path, wanted = results
    files = path, path.with_name(advice.SUGGESTED)
    before = [file.read_text() for file in files]
    advice.main(wanted)
    assert [file.read_text() for file in files] == before
    suggested = pd.read_csv(path.with_name(advice.SUGGESTED))
    text = report.page(pd.read_csv(path), suggested)
    assert "| penguins, log-loss | 1 |" in text
    assert "| gamma, RMSE † | 1 |" in text
    assert "| all sets | 2 |" in text
    trained = pd.read_csv(path)
    for name in CASES:
        tried = set(trained[trained["case"] == name].candidate)
        assert set(suggested[suggested["case"] == name].candidate) <= tried


def test_the_better_mean_over_folds_is_chosen_and_its_test_error_counts():
    lines = [
        ("gamma", 0, "RMSE", '{"loss": "mse"}', 1.0, 2.0, 0.1),
        ("gamma", 0, "RMSE", '{"loss": "mae"}', 2.0, 1.0, 0.1),
        ("gamma", 0, "RMSE", '{"loss": "huber", "loss__delta": 2.0}', 0.5, 2.1, 0.1),
    ]
    results = pd.DataFrame(lines, columns=list(advice.COLUMNS))
    suggested = results.iloc[1:].assign(rank=[1, 2])[
        ["case", "split", "metric", "rank", "candidate"]
    ]
    (row,) = report.averaged(results, suggested).to_dict("records")
    assert (row["all"], row["four"], row["best of four"]) == (2.0, 2.1, 1.0)
    assert row["worse by"] == pytest.approx(0.05)
    assert row["chosen of four"] == "huber(delta=2.0)"


def test_a_law_draws_other_rows_for_each_split_and_wrong_labels_only_train():
    case = sets.CASES["wrong labels"]
    (X, _), (X_test, y_test) = case.rows(0)
    assert len(X) == sets.TRAIN_ROWS
    assert len(X_test) == len(y_test) == sets.TEST_ROWS
    pd.testing.assert_frame_equal(X, case.rows(0)[0][0])
    assert not X.equals(case.rows(1)[0][0])


def test_every_set_has_a_scorer_for_each_of_its_metrics():
    assert set(sets.CHOSEN_ON) < set(sets.CASES)
    assert sum(case.is_law for case in sets.CASES.values()) >= 10
    for case in sets.CASES.values():
        assert set(case.metrics) <= set(advice.SCORERS) & set(advice.MEASURED)
