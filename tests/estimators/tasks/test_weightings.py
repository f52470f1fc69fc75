"""How the weightings of tasks act in a fit."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from sklloss.estimators.inputs.data import FitData
from sklloss.estimators.tasks.target_table import TargetTable
from sklloss.losses import (
    DynamicWeightAverage,
    JointLoss,
    RandomWeights,
)

from .small_tasks import WEIGHTINGS, assert_same, model, table


def test_uncertainty_trains_readable_weights():
    """A task that is mostly noise comes to count less than one that can be learnt."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = pd.DataFrame({"signal": X[:, 0], "noise": rng.normal(size=300)})
    learnt = model("mse", weighting="uncertainty", max_epochs=100, lr=0.01).fit(X, y)
    weights = learnt.task_weights_
    assert weights["signal"] > 3 * weights["noise"]
    assert sum(weights.values()) == pytest.approx(2)
    log_variance = learnt.loss_state_["log_variance"].flatten().numpy()
    known = np.array([weights[task] for task in y])
    np.testing.assert_allclose(
        np.exp(-log_variance) / known, np.exp(-log_variance[0]) / known[0], rtol=1e-5
    )
    assert "raw_log_variance" in learnt.net_.criterion_.state.trained


def test_dwa_follows_the_losses_of_the_last_two_epochs():
    X, y = table()
    learnt = model(weighting=DynamicWeightAverage(temperature=0.1), lr=0.02).fit(X, y)
    state = learnt.loss_state_
    rate = (state["last_losses"] / state["losses_before"]).flatten().numpy() / 0.1
    expected = 3 * np.exp(rate) / np.exp(rate).sum()
    np.testing.assert_allclose(list(learnt.task_weights_.values()), expected, rtol=1e-5)
    assert expected.max() > 1.05
    first = model(weighting="dwa", max_epochs=1).fit(X, y)
    assert first.task_weights_ == {"size": 1.0, "count": 1.0, "kind": 1.0}


def test_random_weights_change_the_fit_and_not_what_is_judged():
    X, y = table()
    still = {"lr": 1e-12, "max_epochs": 1, "dtype": "float64", "batch_size": 20}
    losses = [
        model(weighting=weighting, **still).fit(X, y).history_[-1, "train_loss"]
        for weighting in ("equal", "uncertainty", "dwa", "random")
    ]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    fits = [
        model(weighting=weighting).fit(X, y).predict(X)["size"] for weighting in ("equal", "random")
    ]
    assert not np.allclose(*fits)


def test_random_weights_are_a_function_of_seed_epoch_and_step(monkeypatch):
    X, y = table()
    seen = []

    def factors(weighting, state, original=RandomWeights.factors):
        seen.extend(map(tuple, state.get("draws", torch.empty(0, 1, 3))[:, 0].tolist()))
        return original(weighting, state)

    monkeypatch.setattr(RandomWeights, "factors", factors)
    for seed in (0, 0, 1):
        model(weighting="random", batch_size=20, max_epochs=2, random_state=seed).fit(X, y)
    first, again, other = seen[:6], seen[6:12], seen[12:]
    assert first == again
    assert len({*first, *other}) == 12


def test_weights_of_a_dict_weigh():
    X, y = table()
    ignored = model(weighting={"size": 0, "count": 0.0}, max_epochs=30).fit(X, y)
    assert ignored.task_weights_ == {"size": 0.0, "count": 0.0, "kind": 3.0}
    assert np.ptp(ignored.predict(X)["size"]) < 1e-9
    only = model(weighting={"size": 5, "count": 5, "kind": 5}).fit(X, y)
    assert_same(only, model().fit(X, y), X)


@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=str)
def test_early_stopping_keeps_the_epoch_that_fixed_weights_judge_best(weighting):
    X, y = table(120)
    pair = (np.arange(80), np.arange(80, 120))
    learnt = model(
        weighting=weighting, early_stopping=True, validation_fraction=pair, max_epochs=12, lr=0.05
    ).fit(X, y)
    losses = learnt.history_[:, "valid_loss"]
    state = learnt.net_.criterion_.state
    rows = torch.from_numpy(StandardScaler().fit(X[:80]).transform(X[80:]))
    target, learned = learnt._target, learnt._learned
    encoded = target.encode(TargetTable.of(y), FitData(X), learnt.loss_, (4,), learned.target)
    encoded = torch.from_numpy(learned.target_scalers[0].transform(encoded.y))
    dtype = learnt.net_.criterion_.constant.dtype
    raw = learnt.net_.raw(rows.to(dtype))
    fixed = JointLoss(learnt.loss_.losses, learnt.loss_.weighting)
    value = fixed(raw, encoded[80:].to(dtype)[None], state)
    assert value.item() == pytest.approx(min(losses), rel=1e-4)
    assert min(losses) < losses[0]


def test_lbfgs_trains_several_tasks():
    X, y = table()
    learnt = model(optimizer="lbfgs", weighting="uncertainty", max_epochs=25, weight_decay=1e-3)
    scores = learnt.fit(X, y).task_scores(X, y)
    assert scores["size"] > 0.95
    assert scores["kind"] > 0.85
