"""Which loss withstands wrong labels of images?
=============================================

Three in ten labels of the training images are wrong here, as they may be where labels were
collected quickly. Which digit an image shows is learnt by ``module="cnn"`` with four losses, and
each epoch is scored on images whose labels are right. Look at how long cross-entropy gets better,
and at what it learns after that.

Run it with ``python examples/image_classification.py``; it needs the ``examples`` extra.
"""

# %%
# The images
# ----------
# Images go in as an array ``(n, height, width)``, here of 14 x 14 pixels from 0 to 255. Of the
# training labels, 30 % are replaced by another class.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import mnist_5000
from sklearn.model_selection import train_test_split

from sklloss import NeuralClassifier

images, y = mnist_5000()
X = images.reshape(-1, 14, 2, 14, 2).mean((2, 4))  # half the height and width
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=2_000, test_size=1_000, random_state=0, stratify=y
)
rng = np.random.default_rng(0)
is_wrong = rng.random(len(y_train)) < 0.3
noisy = np.where(is_wrong, (y_train + rng.integers(1, 10, len(y_train))) % 10, y_train)
print(f"{X_train.shape} {X_train.dtype}, {is_wrong.mean():.0%} of the labels are wrong")

figure, axes = plt.subplots(2, 8, figsize=(9, 2.8), layout="constrained")
for axis, image, given, wrong in zip(axes.flat, X_train, noisy, is_wrong, strict=False):
    axis.imshow(image, cmap="gray_r")
    axis.set_title(f"labelled {given}", fontsize=9, color="crimson" if wrong else "black")
    axis.set_axis_off()

# %%
# One loss after another
# ----------------------
# ``partial_fit`` trains one epoch over the rows that it is given, so the model can be scored after
# each. The generalized cross-entropy, ``"gce"``, lies between cross-entropy and the absolute error
# of probabilities: rows that contradict everything else count less.
EPOCHS = 24
LOSSES = ["cross_entropy", "mse", "focal", "gce"]
course = []
for labels, loss in [*(("30 % wrong", loss) for loss in LOSSES), ("right", "cross_entropy")]:
    model = NeuralClassifier(loss, module="cnn", lr=0.004, batch_size=64, random_state=0)
    for epoch in range(1, EPOCHS + 1):
        model.partial_fit(X_train, y_train if labels == "right" else noisy)
        repeated = (model.predict(X_train[is_wrong]) == noisy[is_wrong]).mean()
        accuracy = model.score(X_test, y_test)
        course.append((f"{loss}, labels {labels}", epoch, accuracy, repeated))
    if loss == "gce":
        gce = model
columns = ["trained with", "epoch", "accuracy", "wrong labels learnt"]
course = pd.DataFrame(course, columns=columns).pivot(index="epoch", columns="trained with")

# %%
# Accuracy on new images
# ----------------------
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
names = [f"{loss}, labels 30 % wrong" for loss in LOSSES]
right = course["accuracy"]["cross_entropy, labels right"]
axes[0].plot(right, "--", color="gray", label="cross_entropy, labels right")
for name in names:
    axes[0].plot(course["accuracy"][name], label=name.split(",")[0])
    axes[1].plot(course["wrong labels learnt"][name], label=name.split(",")[0])
axes[0].set(xlabel="epoch", ylabel="accuracy on new images", ylim=(0.6, 1))
axes[1].set(xlabel="epoch", ylabel="share of the wrong labels that are learnt", ylim=(0, 1))
axes[1].legend(title="30 % of labels wrong")
axes[0].legend(loc="lower left", fontsize=9)

table = pd.DataFrame(
    {
        "best epoch": course["accuracy"].idxmax(),
        "its accuracy": course["accuracy"].max(),
        "after the last": course["accuracy"].iloc[-1],
        "wrong labels learnt": course["wrong labels learnt"].iloc[-1],
    }
).sort_values("after the last", ascending=False)
print(table.to_string(float_format="{:.3f}".format))

# %%
# What the network sees
# ---------------------
# Test images with the predictions of ``"gce"`` after the last epoch; mistakes first, in red.
predicted = gce.predict(X_test)
order = np.argsort(predicted == y_test, kind="stable")[:24]
figure, axes = plt.subplots(3, 8, figsize=(9, 4.2), layout="constrained")
for axis, k in zip(axes.flat, order, strict=True):
    axis.imshow(X_test[k], cmap="gray_r")
    colour = "black" if predicted[k] == y_test[k] else "crimson"
    axis.set_title(f"{predicted[k]} (is {y_test[k]})", fontsize=9, color=colour)
    axis.set_axis_off()

# %%
# What was learnt
# ---------------
noise = table.drop("cross_entropy, labels right")
entropy, best = noise.loc["cross_entropy, labels 30 % wrong"], noise.iloc[0]
print(
    f"After {EPOCHS} epochs, cross-entropy has learnt"
    f" {entropy['wrong labels learnt']:.0%} of the wrong",
    f"labels by heart; its accuracy fell from {entropy['its accuracy']:.1%} to"
    f" {entropy['after the last']:.1%}.",
    f"{noise.index[0].split(',')[0]} ends at {best['after the last']:.1%} with"
    f" {best['wrong labels learnt']:.0%} of them learnt.",
    "Where labels may be wrong, put robust losses into the search, and stop early.",
    sep="\n",
)
