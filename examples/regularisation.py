"""Prevent overfitting in four ways: L1, L2, dropout and early stopping.

Run it with

    python examples/regularisation.py

A network with two hidden layers of 100 predicts the progression of diabetes of 442 patients, with
5-fold cross-validation. It has 11,100 weights and overfits. Look at R2 on training and test rows: a
wide gap is overfitting. For L1 also look at how many weights are exactly 0. All variants except
early stopping train for the same 200 epochs, so that only the regularisation differs.
"""

import textwrap

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, cross_validate

from sklloss import NeuralRegressor

UNTIL_THE_END = {"early_stopping": False, "n_iter_no_change": float("inf")}
VARIANTS = {
    "none": UNTIL_THE_END,
    "L1: l1=0.01": {**UNTIL_THE_END, "l1": 0.01},
    "L2: weight_decay=0.03": {**UNTIL_THE_END, "weight_decay": 0.03},
    "dropout=0.7": {**UNTIL_THE_END, "dropout": 0.7},
    "early_stopping=True": {"early_stopping": True, "n_iter_no_change": 10},
}


def network(**params: object) -> NeuralRegressor:
    """Return one network that is too large for the data, without any regularisation of its own."""
    plain = {"n_members": 1, "weight_decay": 0, "optimizer": "adam", "lr": 0.001, "batch_size": 200}
    plain |= {"numeric_encoding": "standard", "hidden_layer_sizes": (100, 100), "max_epochs": 200}
    return NeuralRegressor("mse", random_state=0, **(plain | params))


def count_zeros(model: NeuralRegressor) -> int:
    """Return how many of the network's weights, without biases, are exactly 0."""
    named = model.net_.module_.named_parameters()
    return sum(int((values == 0).sum()) for name, values in named if name.endswith("weight"))


def validate(X: pd.DataFrame, y: pd.Series, params: dict[str, object]) -> pd.DataFrame:
    """Return one row per fold: scores, numbers of zero weights and epochs."""
    scores = cross_validate(
        network(**params),
        X,
        y,
        cv=KFold(5, shuffle=True, random_state=0),
        return_train_score=True,
        return_estimator=True,
        n_jobs=2,
    )
    columns = {
        "train R2": scores["train_score"],
        "test R2": scores["test_score"],
        "gap": scores["train_score"] - scores["test_score"],
        "weights at 0": [count_zeros(model) for model in scores["estimator"]],
        "epochs": [model.n_iter_ for model in scores["estimator"]],
    }
    return pd.DataFrame(columns)


def print_table(table: pd.DataFrame) -> None:
    whole = dict.fromkeys(("weights at 0", "epochs"), "{:,.0f}".format)
    print("Diabetes, mean over 5 folds\n")
    print(table.to_string(formatters=whole, float_format="{:.2f}".format))


def print_conclusion(table: pd.DataFrame, test_scores: pd.DataFrame) -> None:
    none, others = table.loc["none"], table.drop(index="none")
    better = (others["test R2"] > none["test R2"]).sum()
    first, second = others["test R2"].sort_values(ascending=False).index[:2]
    gains = test_scores[first] - test_scores[second]
    text = (
        f"Without regularisation R2 is {none['train R2']:.2f} on training rows and"
        f" {none['test R2']:.2f} on test rows; {better} of the {len(others)} remedies raise"
        f" the latter. {first} has the best test R2, ahead of {second} by {gains.mean():.3f} on"
        f" average and in {(gains > 0).sum()} of {len(gains)} folds."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    folds = {name: validate(X, y, params) for name, params in VARIANTS.items()}
    table = pd.DataFrame({name: frame.mean() for name, frame in folds.items()}).T
    print_table(table)
    print_conclusion(table, pd.DataFrame({name: frame["test R2"] for name, frame in folds.items()}))


if __name__ == "__main__":
    main()
