"""Fit linear regression as the smallest network: no hidden layer, squared error.

Run it with

    python examples/linear_regression.py

It trains the same model by stochastic gradient descent ("sgd") and by L-BFGS ("lbfgs"), and
compares both with `LinearRegression`, which solves for the optimum. Look at the loss per epoch,
which falls towards its minimum, and at the coefficients: those of lbfgs are exact, while some of
those of sgd are still far off although its loss is nearly as low.
"""

import textwrap

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

from sklloss import NeuralRegressor

SHOWN_EPOCHS = (1, 2, 3, 5, 10, 20, 50, 100, 200)


def linear_model(**params: object) -> NeuralRegressor:
    """Return a network without hidden layers that trains for 200 epochs."""
    return NeuralRegressor(
        "mse",
        hidden_layer_sizes=(),
        max_epochs=200,
        n_iter_no_change=float("inf"),
        random_state=0,
        **params,
    )


def loss_of(model: NeuralRegressor | LinearRegression, X: pd.DataFrame, y: pd.Series) -> float:
    """Return the training loss: half the mean squared error, in variances of y."""
    return (1 - model.score(X, y)) / 2


def coefficients(model: NeuralRegressor, X: pd.DataFrame) -> np.ndarray:
    """Return how much the prediction rises per unit of each feature."""
    n_features = X.shape[1]
    units = pd.DataFrame(np.eye(n_features), columns=X.columns)
    origin = pd.DataFrame(np.zeros((1, n_features)), columns=X.columns)
    return model.predict(units) - model.predict(origin)


def print_losses(model: NeuralRegressor, least: float) -> None:
    losses = model.history_[:, "train_loss"]
    print("Training loss of sgd: half the squared error, in variances of y\n")
    print("epoch    loss   above the minimum")
    for epoch in SHOWN_EPOCHS:
        print(f"{epoch:5d}  {losses[epoch - 1]:.4f}   {losses[epoch - 1] / least - 1:17.1%}")
    print(f"  min  {least:.4f}\n")


def coefficient_table(
    models: dict[str, NeuralRegressor], exact: LinearRegression, X: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per feature and one column per model."""
    columns = {name: coefficients(model, X) for name, model in models.items()}
    return pd.DataFrame({**columns, "LinearRegression": exact.coef_}, index=X.columns)


def print_differences(
    models: dict[str, NeuralRegressor],
    exact: LinearRegression,
    X: pd.DataFrame,
    table: pd.DataFrame,
) -> None:
    print("Largest difference from LinearRegression\n")
    print("       coefficients  predictions")
    for name, model in models.items():
        coefficient = (table[name] - table["LinearRegression"]).abs().max()
        prediction = np.abs(model.predict(X) - exact.predict(X)).max()
        print(f"{name:5s}  {coefficient:12.3g}  {prediction:11.3g}")


def print_conclusion(excess: float, table: pd.DataFrame, X: pd.DataFrame) -> None:
    """Print which coefficient of sgd is furthest off, and the feature that it correlates with."""
    worst = (table["sgd"] - table["LinearRegression"]).abs().idxmax()
    correlations = X.corr()[worst].drop(worst)
    twin = correlations.abs().idxmax()
    text = (
        f"The loss of sgd ends {excess:.1%} above the minimum, and its coefficient of {worst} is"
        f" furthest off. That feature has a correlation of {correlations[twin]:.2f} with {twin}, so"
        " many pairs of their coefficients have nearly the same loss."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    exact = LinearRegression().fit(X, y)
    models = {
        "sgd": linear_model(optimizer="sgd", lr=0.01).fit(X, y),
        "lbfgs": linear_model(optimizer="lbfgs").fit(X, y),
    }
    table = coefficient_table(models, exact, X)
    least = loss_of(exact, X, y)
    print_losses(models["sgd"], least)
    print(f"Coefficients\n\n{table.to_string(float_format='{:.2f}'.format)}\n")
    print_differences(models, exact, X, table)
    print_conclusion(loss_of(models["sgd"], X, y) / least - 1, table, X)


if __name__ == "__main__":
    main()
