"""Can Optuna choose the loss?
=============================

Which loss, and which learning rate, predicts the strength of a kind of concrete? Optuna proposes
both, and ends trials that fall behind. Look at the callback of skorch, which reports the error on
the validation rows after every epoch, and at the curves that end early.

Run it with ``python examples/optuna_pruning.py``; it needs the ``examples`` extra.
"""

# %%
# Report every epoch
# ------------------
# A trial that Optuna would prune ends with ``TrialPruned``. The network scales y, and some losses
# scale it differently, so the callback reports the error relative to that of predicting the median.
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import optuna
from data import from_r
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import KFold
from skorch.callbacks import Callback

from sklloss import NeuralRegressor


class Pruning(Callback):
    """Reports an error after every epoch, and ends trainings that Optuna prunes."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Report the error on the validation rows; raise `TrialPruned` if the trial is behind."""
        epoch = net.history[-1, "epoch"]
        truth = np.asarray(dataset_valid.y)
        error = mean_absolute_error(truth, net.predict(dataset_valid.X))
        guess = mean_absolute_error(truth, np.full_like(truth, np.median(truth)))
        self.trial.report(error / guess, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind after {epoch} epochs")


# %%
# Propose and train
# -----------------
# Further folds are trained only for trials that survive the first.
TRIALS = 30
FOLDS = KFold(3, shuffle=True, random_state=0)

table = from_r("modeldata", "concrete")
X, y = table.drop(columns="compressive_strength"), table["compressive_strength"].to_numpy(float)


def proposed(trial: optuna.Trial) -> NeuralRegressor:
    """Return a network with the loss and the learning rate that Optuna proposes."""
    loss = trial.suggest_categorical("loss", ["mse", "mae", "huber", "log_cosh"])
    net = NeuralRegressor(loss, n_members=1, early_stopping=True, max_epochs=40, random_state=0)
    net.set_params(lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    if loss == "huber":
        net.set_params(loss__delta=trial.suggest_float("delta", 0.2, 5, log=True))
    return net


def mean_error(trial: optuna.Trial) -> float:
    """Return the mean error over the folds, unless Optuna prunes the trial in the first."""
    net, errors = proposed(trial), []
    for fold, (train, test) in enumerate(FOLDS.split(X)):
        callbacks = None if fold else [Pruning(trial)]
        fitted = clone(net).set_params(callbacks=callbacks).fit(X.iloc[train], y[train])
        errors.append(mean_absolute_error(y[test], fitted.predict(X.iloc[test])))
    return float(np.mean(errors))


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=4, reduction_factor=3),
)
study.optimize(mean_error, TRIALS)

# %%
# Look at the trials
# ------------------
# Each curve is a trial in its first fold; the circle marks where Optuna pruned it.
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for trial in study.trials:
    epochs, errors = zip(*trial.intermediate_values.items(), strict=True)
    is_pruned = trial.state == optuna.trial.TrialState.PRUNED
    is_best = trial.number == study.best_trial.number
    colour, width = ("C0", 2.5) if is_best else ("0.6", 0.8)
    ax.plot(epochs, errors, color=colour, linewidth=width, label="best trial" if is_best else None)
    if is_pruned:
        ax.plot(epochs[-1], errors[-1], "o", color="C1", fillstyle="none")
ax.plot([], [], "o", color="C1", fillstyle="none", label="pruned")
ax.set(xlabel="epoch", ylabel="error relative to that of the median")
_ = ax.legend(frameon=False)

# %%
# What was learnt
# ---------------
# For candidates that are known beforehand, ``LossSearchCV(..., halving=3)`` ranks by all folds,
# which it trains together.
pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
best = ", ".join(
    f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
    for name, value in study.best_params.items()
)
print(f"Optuna pruned {pruned} of {TRIALS} trials in their first fold.")
print(f"The best has {best} and a mean absolute error of {study.best_value:.2f} MPa.")
