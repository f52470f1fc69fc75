"""Compare optimisers on one loss: how fast it falls, and what that is worth on new data.

Run it with

    python examples/optimisers.py

The same network learns handwritten digits by cross-entropy, from the same initial weights, with
each optimiser at its default learning rate. Look at the loss after 1, 5, 20 and 50 epochs, read
from `history_`, and at the last columns: the lowest loss need not mean the fewest errors. An epoch
of "lbfgs" is many iterations on all rows, so its epochs are not comparable with the others'.
"""

import textwrap

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier

OPTIMISERS = ("sgd", "adam", "rmsprop", "lbfgs")
SHOWN_EPOCHS = (1, 5, 20, 50)


def network(optimizer: str) -> NeuralClassifier:
    """Return a network that trains for 50 epochs."""
    return NeuralClassifier(
        "cross_entropy",
        optimizer=optimizer,
        numeric_encoding="standard",
        hidden_layer_sizes=(100,),
        early_stopping=False,
        max_epochs=50,
        n_iter_no_change=float("inf"),
        random_state=0,
    )


def compare() -> pd.DataFrame:
    """Return one row per optimiser: losses after some epochs, accuracies and errors."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    rows = {}
    for name in OPTIMISERS:
        model = network(name).fit(X_train, y_train)
        losses = model.history_[:, "train_loss"]
        rows[name] = {f"epoch {epoch}": losses[epoch - 1] for epoch in SHOWN_EPOCHS}
        rows[name]["train accuracy"] = model.score(X_train, y_train)
        rows[name]["test accuracy"] = model.score(X_test, y_test)
        rows[name]["test errors"] = (model.predict(X_test) != y_test).sum()
    return pd.DataFrame.from_dict(rows, orient="index")


def print_table(table: pd.DataFrame) -> None:
    formats = {
        "train accuracy": "{:.3f}".format,
        "test accuracy": "{:.3f}".format,
        "test errors": "{:.0f}".format,
    }
    print("Digits: training cross-entropy after some epochs, and accuracy at the end\n")
    print(table.to_string(formatters=formats, float_format="{:.1e}".format))


def print_conclusion(table: pd.DataFrame) -> None:
    lowest = table[f"epoch {SHOWN_EPOCHS[-1]}"].idxmin()
    errors = table["test errors"]
    text = (
        f"{lowest} has the lowest training loss and {errors[lowest]:.0f} test errors;"
        f" {errors.idxmin()} has the fewest test errors, {errors.min():.0f}. This is one split and"
        " one seed: a difference of a few errors does not rank optimisers."
    )
    print("\n" + textwrap.fill(text, width=90))


def main() -> None:
    table = compare()
    print_table(table)
    print_conclusion(table)


if __name__ == "__main__":
    main()
