"""Which optimiser brings the loss down fastest?
================================================

The same network learns handwritten digits by cross-entropy, from the same initial weights, with
four optimisers at their default learning rates. Look at the loss by epoch, read from ``history_``,
and at the test errors: the lowest loss need not mean the fewest errors. An epoch of "lbfgs" is many
iterations on all rows, so its epochs are not comparable with the others'.

Run it with ``python examples/optimisers.py``; it needs the ``plot`` extra.
"""

# %%
# Train once per optimiser
# ------------------------
# Nothing stops the training early: every network trains for 50 epochs.
import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier

X, y = load_digits(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

losses, rows = {}, {}
for name in ("sgd", "adam", "rmsprop", "lbfgs"):
    model = NeuralClassifier(
        "cross_entropy",
        optimizer=name,
        numeric_encoding="standard",
        hidden_layer_sizes=(100,),
        early_stopping=False,
        max_epochs=50,
        n_iter_no_change=float("inf"),
        random_state=0,
    )
    model.fit(X_train, y_train)
    losses[name] = model.history_[:, "train_loss"]
    rows[name] = {
        "lr": model.net_.lr,
        "last loss": losses[name][-1],
        "test accuracy": model.score(X_test, y_test),
        "test errors": (model.predict(X_test) != y_test).sum(),
    }
table = pd.DataFrame.from_dict(rows, orient="index").astype({"test errors": int})
formats = {"lr": "{:g}".format, "last loss": "{:.1e}".format}
print(table.to_string(formatters=formats, float_format="{:.3f}".format))

# %%
# The loss on a logarithmic axis, because it falls by orders of magnitude.
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, values), dashes in zip(losses.items(), ("-", "--", "-.", ":"), strict=True):
    ax.plot(range(1, len(values) + 1), values, dashes, label=name)
ax.set(xlabel="epoch", ylabel="training cross-entropy", yscale="log")
_ = ax.legend(frameon=False)

# %%
# What was learnt
# ---------------
lowest, errors = table["last loss"].idxmin(), table["test errors"]
fewest = " and ".join(errors.index[errors == errors.min()])
text = (
    f"{lowest} has the lowest training loss and {errors[lowest]} errors on {len(y_test)} test rows;"
    f" the fewest are {errors.min()}, by {fewest}. This is one split and one seed: a difference of"
    " a few errors does not rank optimisers."
)
print(textwrap.fill(text, width=80))
