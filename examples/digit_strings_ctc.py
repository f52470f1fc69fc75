"""How do I read numbers without marking where digits begin?
=========================================================

Three to seven handwritten digits stand side by side, with gaps of 0 to 10 columns. The network sees
a string as a sequence of columns and learns from its transcript, "40213", which does not say which
columns are the 4: the CTC loss sums over all alignments. Look at where the network puts its
symbols.

Run it with ``python examples/digit_strings_ctc.py``, or with ``--splits 5`` for means over five
splits; it needs the ``examples`` extra.
"""

# %%
# Strings of digits
# -----------------
# A string is an array ``(width, 28)``: its columns are the frames, their pixels the features.
# Widths differ. The digits are split before they are put together, so test strings consist of
# digits that no training string has.
import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import mnist_5000
from sklearn.model_selection import train_test_split
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import SequenceTranscriber, token_error_rate

parser = argparse.ArgumentParser(description="Read handwritten numbers.")
parser.add_argument("--splits", type=int, default=1, help="number of splits to average over")
parser.add_argument("--strings", type=int, default=1_200, help="number of training strings")
given = parser.parse_args()


def strings(images, labels, n, shift, seed):
    """Return strings and their transcripts; digits are moved up or down by up to `shift` rows."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        chosen = rng.integers(len(images), size=rng.integers(3, 8))
        parts = [np.zeros((28, rng.integers(11)))]
        for k in chosen:
            inked = images[k][:, images[k].any(axis=0)]
            moved = np.roll(inked, rng.integers(-shift, shift + 1), axis=0)
            parts += [moved, np.zeros((28, rng.integers(11)))]
        X.append(np.hstack(parts).T.astype(np.float32) / 255)
        y.append("".join(str(label) for label in labels[chosen]))
    return X, y


def split(seed, n_test=200):
    """Return training strings, their transcripts, and the same for test strings."""
    images, labels = mnist_5000()
    train, test = train_test_split(np.arange(len(images)), test_size=0.2, random_state=seed)
    X, y = strings(images[train], labels[train], given.strings, shift=1, seed=1)
    return X, y, *strings(images[test], labels[test], n_test, shift=0, seed=2)


X, y, X_test, y_test = split(seed=0)
figure, axes = plt.subplots(3, 1, figsize=(8, 4), layout="constrained")
for axis, string, said in zip(axes, X, y, strict=False):
    axis.imshow(string.T, cmap="gray_r")
    axis.set_title(f'"{said}"', fontsize=10, loc="left")
    axis.set_axis_off()

# %%
# Training
# --------
# The learning rate rises and falls once over all epochs. Greedy decoding takes the likeliest symbol
# of each frame; the beam search takes the likeliest transcript, and needs no second fit.
EPOCHS = 14
rows = []
for seed in range(given.splits):
    X, y, X_test, y_test = split(seed)
    cycle = LRScheduler(OneCycleLR, max_lr=0.005, total_steps=EPOCHS)
    reader = SequenceTranscriber(
        "ctc",
        lr=0.005 / 25,
        max_epochs=EPOCHS,
        n_iter_no_change=EPOCHS,
        callbacks=[cycle],
        random_state=0,
    )
    reader.fit(X, y)
    found = reader.predict(X_test)
    whole = np.mean([a == b for a, b in zip(y_test, found, strict=True)])
    reader.set_params(decoding="beam")
    beam = token_error_rate(y_test, reader.predict(X_test))
    rows.append([token_error_rate(y_test, found), beam, whole])
columns = ["token error", "with beam search", "strings without an error"]
table = pd.DataFrame(rows, columns=columns)
table.loc["mean"] = table.mean()
print(table.to_string(float_format="{:.3f}".format))

# %%
# What the network returns
# -------------------------
# Below each string, the probability of every symbol in every frame; the network returns one frame
# for two columns. Between symbols it answers "blank", which is not drawn.
is_right = np.array([a == b for a, b in zip(y_test, found, strict=True)])
order = np.argsort(~is_right, kind="stable")  # errors last
chosen = [order[0], order[1], order[-1]]
figure, axes = plt.subplots(2, 3, figsize=(10, 4.5), layout="constrained")
for (above, below), k in zip(axes.T, chosen, strict=True):
    above.imshow(X_test[k].T, cmap="gray_r", aspect="auto")
    above.set_title(f'is "{y_test[k]}", read as "{found[k]}"', fontsize=10)
    above.set_axis_off()
    of_frames = reader.predict_proba([X_test[k]])[0][:, 1:]
    below.imshow(of_frames.T, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    below.set_yticks(range(10), reader.symbols_, fontsize=8)
    below.set_xlabel("frame")

# %%
# What was learnt
# ---------------
mean = table.loc["mean"]
print(
    f"From {len(X):,} strings and their transcripts alone, the network misreads",
    f"{mean['token error']:.1%} of the digits in new strings and reads",
    f"{mean['strings without an error']:.0%} of the strings without an error. The beam search",
    f"misreads {mean['with beam search']:.1%}.",
    sep="\n",
)
