"""Let Optuna choose a loss, and prune trials that fall behind.

Run it with

    python examples/optuna_pruning.py

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

Which loss, and which learning rate, predicts the strength of a kind of concrete? Look at the
callback of skorch: after every epoch it reports the error on the validation rows of early stopping,
and ends the training of a trial that Optuna would prune. Further folds are trained only for trials
that survive the first. For candidates that are known beforehand, `LossSearchCV(..., halving=3)`
ranks by all folds, which it trains together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pandas as pd
from data import from_r
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import KFold
from skorch.callbacks import Callback

from sklloss import NeuralRegressor

TRIALS = 30
FOLDS = KFold(3, shuffle=True, random_state=0)

Metric = Callable[[np.ndarray, np.ndarray], float]


class Pruning(Callback):
    """Reports an error after every epoch, and ends trainings that Optuna prunes."""

    def __init__(self, trial: optuna.Trial, metric: Metric) -> None:
        self.trial = trial
        self.metric = metric

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Report the error on the validation rows; raise `TrialPruned` if the trial is behind."""
        epoch = net.history[-1, "epoch"]
        self.trial.report(self.metric(dataset_valid.y, net.predict(dataset_valid.X)), epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind after {epoch} epochs")


def mean_error(
    trial: optuna.Trial,
    net: NeuralRegressor,
    X: pd.DataFrame,
    y: np.ndarray,
    metric: Metric,
) -> float:
    """Return the mean error of a network over the folds, unless Optuna prunes it in the first."""
    errors = []
    for fold, (train, test) in enumerate(FOLDS.split(X)):
        callbacks = None if fold else [Pruning(trial, metric)]
        fitted = clone(net).set_params(callbacks=callbacks).fit(X.iloc[train], y[train])
        errors.append(metric(y[test], fitted.predict(X.iloc[test])))
    return float(np.mean(errors))


def proposed(trial: optuna.Trial) -> NeuralRegressor:
    """Return a network with the loss and the learning rate that Optuna proposes."""
    loss = trial.suggest_categorical("loss", ["mse", "mae", "huber", "log_cosh"])
    net = NeuralRegressor(loss, n_members=1, early_stopping=True, max_epochs=40, random_state=0)
    net.set_params(lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    if loss == "huber":
        net.set_params(loss__delta=trial.suggest_float("delta", 0.2, 5, log=True))
    return net


def main() -> None:
    table = from_r("modeldata", "concrete")
    X, y = table.drop(columns="compressive_strength"), table["compressive_strength"].to_numpy(float)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=4, reduction_factor=3),
    )
    study.optimize(
        lambda trial: mean_error(trial, proposed(trial), X, y, mean_absolute_error), TRIALS
    )
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    print(f"{TRIALS} trials, {pruned} of them pruned in their first fold")
    print(f"best: {study.best_params}, mean absolute error {study.best_value:.2f} MPa")


if __name__ == "__main__":
    main()
