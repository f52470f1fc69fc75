"""When is a network the same as linear regression?
===================================================

A network without hidden layers that minimises squared error has the same optimum as
``LinearRegression``. Does training get there? The network learns by stochastic gradient descent
("sgd") and by L-BFGS ("lbfgs"). Look at how far the loss of sgd stays above its minimum, and at the
coefficients.

Run it with ``python examples/linear_regression.py``; it needs the ``plot`` extra.
"""

# %%
# Train the same model twice
# --------------------------
# The patients, the features and the loss are the same; only the optimiser differs.
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

from sklloss import NeuralRegressor


def linear_model(**params: object) -> NeuralRegressor:
    """Return a network without hidden layers that trains for 200 epochs."""
    epochs = {"max_epochs": 200, "n_iter_no_change": float("inf")}
    return NeuralRegressor("mse", hidden_layer_sizes=(), random_state=0, **epochs, **params)


X, y = load_diabetes(return_X_y=True, as_frame=True)
exact = LinearRegression().fit(X, y)
models = {
    "sgd": linear_model(optimizer="sgd", lr=0.01).fit(X, y),
    "lbfgs": linear_model(optimizer="lbfgs").fit(X, y),
}

# %%
# Compare coefficients
# --------------------
# A coefficient is how much the prediction rises per unit of a feature.


def coefficients(model: NeuralRegressor) -> np.ndarray:
    """Return how much the prediction rises per unit of each feature."""
    units = pd.DataFrame(np.eye(X.shape[1]), columns=X.columns)
    return model.predict(units) - model.predict(0 * units)


table = pd.DataFrame({name: coefficients(model) for name, model in models.items()}, index=X.columns)
table["LinearRegression"] = exact.coef_
print(table.to_string(float_format="{:.2f}".format))

# %%
# Draw both
# ---------
# The loss is half the mean squared error, in variances of y. Its least value follows from the R2 of
# the exact solution.
least = (1 - exact.score(X, y)) / 2
losses = models["sgd"].history_[:, "train_loss"]

_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.plot(range(1, len(losses) + 1), losses, label="sgd")
left.axhline(least, color="k", linestyle="--", label="minimum")
left.set(xscale="log", xlabel="epoch", ylabel="training loss", ylim=(0, None))
left.legend(frameon=False)
for name, marker in (("sgd", "D"), ("lbfgs", "o")):
    right.plot(table[name], X.columns, marker, label=name, fillstyle="none")
right.plot(table["LinearRegression"], X.columns, "k|", markersize=12, label="LinearRegression")
right.set(xlabel="coefficient")
right.invert_yaxis()
_ = right.legend(frameon=False)

# %%
# What was learnt
# ---------------
off = table.sub(table["LinearRegression"], axis=0).abs()
excess = (1 - models["sgd"].score(X, y)) / 2 / least - 1
worst = off["sgd"].idxmax()
correlations = X.corr()[worst].drop(worst)
twin = correlations.abs().idxmax()
text = (
    f"L-BFGS gives the coefficients of LinearRegression to within {off['lbfgs'].max():.1g}. The"
    f" loss of sgd ends only {excess:.1%} above the minimum, yet its coefficient of {worst} is"
    f" {off['sgd'].max():.0f} off: that feature has a correlation of {correlations[twin]:.2f} with"
    f" {twin}, so many pairs of their coefficients have nearly the same loss."
)
print(textwrap.fill(text, width=80))
