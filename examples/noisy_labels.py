"""Which losses survive wrong labels?
=====================================

In the training rows 40 % of the labels of handwritten digits are replaced by another digit; the
test labels are right. A network that trains for 100 epochs has the time to memorise wrong labels.
Look at the accuracy on the noisy labels that it was given, which nobody who knows the digits can
raise far above 60 %, and at the accuracy on clean ones, which memorising lowers.

Run it with ``python examples/noisy_labels.py``; it needs the ``plot`` extra.
"""

# %%
# Spoil the labels
# ----------------
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier
from sklloss.losses import ForwardCorrection

NOISE_RATE = 0.4

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
rng = np.random.default_rng(0)
wrong = rng.random(len(y_train)) < NOISE_RATE
y_noisy = np.where(wrong, (y_train + rng.integers(1, 10, len(y_train))) % 10, y_train)

# %%
# Train nine losses in two ways
# -----------------------------
# For 100 epochs, and stopped early by validation rows whose labels are noisy, too. Only
# ``forward_correction`` knows the share of wrong labels.
LOSSES = {
    "cross_entropy": "cross_entropy",
    "generalized_cross_entropy": "generalized_cross_entropy",
    "symmetric_cross_entropy": "symmetric_cross_entropy",
    "forward_correction": ForwardCorrection(noise_rate=NOISE_RATE),
    "absolute_error": "absolute_error",
    "bootstrap": "bootstrap",
    "bi_tempered": "bi_tempered",
    "normalized_cross_entropy": "normalized_cross_entropy",
    "active_passive": "active_passive",
}
LONG = {"early_stopping": False, "max_epochs": 100, "n_iter_no_change": float("inf")}

rows = {}
for name, loss in LOSSES.items():
    net = NeuralClassifier(loss, n_members=1, lr=0.003, random_state=0)
    stopped = net.fit(X_train, y_noisy).score(X_test, y_test)
    net.set_params(**LONG).fit(X_train, y_noisy)
    rows[name] = {
        "noisy training labels": net.score(X_train, y_noisy),
        "clean test labels": net.score(X_test, y_test),
        "clean, stopped early": stopped,
    }
table = pd.DataFrame.from_dict(rows, orient="index").sort_values("clean test labels")[::-1]
print(f"Digits, {NOISE_RATE:.0%} of the training labels wrong: accuracy after 100 epochs\n")
print(table.to_string(float_format="{:.3f}".format))

# %%
# The further left the square, the fewer wrong labels were memorised.
figure, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
for column, marker in zip(table, ("s", "o", "^"), strict=True):
    ax.plot(table[column], table.index, marker, label=column, markersize=8)
ax.axvline(1 - NOISE_RATE, color="0.4", linestyle=":", linewidth=1)
ax.set(xlabel="accuracy")
ax.grid(axis="y", color="0.9")
ax.invert_yaxis()
_ = figure.legend(loc="outside upper left", ncols=3, frameon=False)

# %%
# What was learnt
# ---------------
clean, early = table["clean test labels"], table["clean, stopped early"]
text = (
    f"After 100 epochs the accuracy of {clean.idxmax()} is {clean.max():.0%} and that of"
    f" cross_entropy {clean['cross_entropy']:.0%}, which has learnt"
    f" {table['noisy training labels']['cross_entropy']:.0%} of the noisy labels. Stopped early,"
    f" cross_entropy has {early['cross_entropy']:.0%} and the best, {early.idxmax()},"
    f" {early.max():.0%}."
)
print(textwrap.fill(text, width=80))
