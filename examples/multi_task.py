"""When does one network for several tasks pay?
============================================

Children in kindergarten have scores in reading and maths, numbers of which some are missing, and
lunch that is free or not, a label. One network can learn all three, each with its own loss. Does
that beat a network for each? Look at the score in maths when ever fewer children have one: the
others still train the hidden layers by their other labels.

Run it with ``python examples/multi_task.py``; it needs the ``examples`` extra.
"""

# %%
# Children and their scores
# -------------------------
# Missing labels are NaN or None; a row trains the tasks whose labels it has.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import as_numbers, kindergarten
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklloss import NeuralMultiTask

X, y = kindergarten()
print(y.head(4).to_string())
print("\nmissing:", ", ".join(f"{task} {share:.0%}" for task, share in y.isna().mean().items()))

# %%
# One network, or three
# ---------------------
# ``losses`` has a loss for each task. ``weighting="uncertainty"`` trains how much each task counts;
# ``"equal"`` counts all alike. All networks stop early by the same validation rows.
LOSSES = {"reading": "squared_error", "maths": "squared_error", "lunch": "cross_entropy"}
SHARES = (1.0, 0.3, 0.1, 0.03)
SEEDS = 3


def network(losses, weighting, inner):
    """Return a network that stops early by the given validation rows."""
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


rows = []
for seed in range(SEEDS):
    train, test = train_test_split(np.arange(len(X)), random_state=seed)
    scaler = as_numbers(StandardScaler()).fit(X.iloc[train])
    X_train, X_test = scaler.transform(X.iloc[train]), scaler.transform(X.iloc[test])
    inner = train_test_split(np.arange(len(train)), random_state=seed)
    drawn = np.random.default_rng(seed).random(len(train))
    for share in SHARES:
        y_train = y.iloc[train].assign(maths=y["maths"].iloc[train].where(drawn < share))
        for task in LOSSES if share == 1 else ["maths"]:
            alone = network({task: LOSSES[task]}, "equal", inner).fit(X_train, y_train[[task]])
            of_task = alone.task_scores(X_test, y.iloc[test][[task]])[task]
            rows.append((seed, share, "three networks", task, of_task))
        for weighting in ("equal", "uncertainty"):
            model = network(LOSSES, weighting, inner).fit(X_train, y_train)
            for task, of_task in model.task_scores(X_test, y.iloc[test]).items():
                rows.append((seed, share, f"one network, {weighting}", task, of_task))
found = pd.DataFrame(rows, columns=["seed", "share", "way", "task", "score"])

# %%
# All labels known
# ----------------
# R² for the two scores, accuracy for lunch; means over three splits.
table = found[found["share"] == 1].pivot_table(index="way", columns="task", values="score")
print(table[list(LOSSES)].sort_index(ascending=False).to_string(float_format="{:.3f}".format))

# %%
# Few scores in maths
# -------------------
# Means over the splits, and their standard errors.
maths = found[found["task"] == "maths"].groupby(["way", "share"])["score"].agg(["mean", "sem"])
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for way in maths.index.levels[0]:
    of_way = maths.loc[way]
    label = way.replace("three networks", "maths alone")
    axis.errorbar(of_way.index, of_way["mean"], of_way["sem"], marker="o", capsize=3, label=label)
axis.set_xscale("log")
axis.set_xticks(SHARES, [f"{share:.0%}" for share in SHARES], minor=False)
axis.minorticks_off()
axis.set(xlabel="share of training children with a score in maths", ylabel="R² of maths")
axis.legend()
print(maths["mean"].unstack("way").to_string(float_format="{:.3f}".format))

# %%
# What was learnt
# ---------------
shared, separate = (
    maths["mean"].loc[way] for way in ("one network, uncertainty", "three networks")
)
print(
    "With all scores known, a network for maths alone has an R² of"
    f" {separate[1.0]:.3f}, one network",
    f"for all tasks {shared[1.0]:.3f}. With a tenth of the scores in maths, it is"
    f" {shared[0.1]:.3f} for",
    f"one network and {separate[0.1]:.3f} alone: share a network where a task has few labels.",
    sep="\n",
)
