"""How do I stop a network from overfitting?
============================================

A network with two hidden layers of 100 has 11,100 weights, and there are 442 patients to learn
from. L1, L2, dropout and early stopping are four remedies. Look at the gap between R2 on training
rows and on test rows, which is overfitting, and for L1 at how many weights are exactly 0.

Run it with ``python examples/regularisation.py``; it needs the ``plot`` extra.
"""

# %%
# Four remedies, one at a time
# ----------------------------
# All variants except early stopping train for the same 200 epochs, so only the regularisation
# differs. The defaults of ``NeuralRegressor`` regularise, so they are switched off here.
import textwrap

import matplotlib.pyplot as plt
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


# %%
# Score on training rows, too
# ---------------------------
# ``cross_validate`` returns both scores and the fitted networks.
X, y = load_diabetes(return_X_y=True, as_frame=True)
folds = {}
for name, params in VARIANTS.items():
    scores = cross_validate(
        network(**params),
        X,
        y,
        cv=KFold(5, shuffle=True, random_state=0),
        return_train_score=True,
        return_estimator=True,
        n_jobs=2,
    )
    folds[name] = pd.DataFrame(
        {
            "train R2": scores["train_score"],
            "test R2": scores["test_score"],
            "weights at 0": [count_zeros(model) for model in scores["estimator"]],
            "epochs": [model.n_iter_ for model in scores["estimator"]],
        }
    )
table = pd.DataFrame({name: frame.mean() for name, frame in folds.items()}).T
whole = dict.fromkeys(("weights at 0", "epochs"), "{:,.0f}".format)
print("Diabetes, mean over 5 folds\n")
print(table.to_string(formatters=whole, float_format="{:.2f}".format))

# %%
# The line between the two scores is the gap.
_, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax.hlines(table.index, table["test R2"], table["train R2"], color="0.7", linewidth=3)
ax.plot(table["train R2"], table.index, "s", label="training rows")
ax.plot(table["test R2"], table.index, "o", label="test rows")
ax.set(xlabel="R2")
ax.invert_yaxis()
_ = ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)

# %%
# What was learnt
# ---------------
none, others = table.loc["none"], table.drop(index="none")
better = (others["test R2"] > none["test R2"]).sum()
first, second = others["test R2"].sort_values(ascending=False).index[:2]
gains = folds[first]["test R2"] - folds[second]["test R2"]
text = (
    f"Without regularisation R2 is {none['train R2']:.2f} on training rows and"
    f" {none['test R2']:.2f} on test rows; {better} of the {len(others)} remedies raise the latter."
    f" {first} has the best test R2, ahead of {second} by {gains.mean():.3f} on average and in"
    f" {(gains > 0).sum()} of {len(gains)} folds."
)
print(textwrap.fill(text, width=80))
