"""How do I tell apart classes that were not in training?
======================================================

A classifier of five digits can say nothing about the other five. ``MetricEmbedder`` learns which
differences matter, as vectors whose neighbours are alike. Does that hold for digits that it has
never seen? Raw pixels are already good at that, so look at the errors that remain, and at the two
maps of the unseen digits.

Run it with ``python examples/embeddings.py``; it needs the ``examples`` extra.
"""

# %%
# Known and unseen digits
# -----------------------
# Five digits are for training, five for testing. Images are halved to 14 x 14 pixels.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from data import mnist_5000
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from torch.nn.functional import affine_grid, grid_sample

from sklloss import MetricEmbedder
from sklloss.losses import Triplet

images, y = mnist_5000()
X = images.astype(np.float32).reshape(-1, 14, 2, 14, 2).mean((2, 4))
unseen = np.sort(np.random.default_rng(0).permutation(10)[:5])
is_new = np.isin(y, unseen)
X_known, y_known, X_new, y_new = X[~is_new][::2], y[~is_new][::2], X[is_new], y[is_new]
print(f"{len(X_known)} training images of {np.unique(y_known)}, {len(X_new)} unseen of {unseen}")

# %%
# More classes, and more of each
# ------------------------------
# Five classes are few to learn a distance from. Each digit is rotated and mirrored in all eight
# ways, which makes eight classes of it, and ``augment`` shifts, tilts and stretches images at
# random.
views = [np.rot90(side, k, (1, 2)) for side in (X_known, X_known[:, :, ::-1]) for k in range(4)]
X_train = np.concatenate(views)
y_train = np.concatenate([y_known + 10 * k for k in range(8)])


def jittered(images):
    """Return images (n, 1, height, width), each rotated, shifted and stretched a little."""
    turn, down, right, high, wide, slant = (2 * torch.rand(6, len(images)) - 1).to(images.dtype)
    cos, sin = (0.25 * turn).cos(), (0.25 * turn).sin()
    across = [cos * (1 + 0.12 * wide), 0.2 * slant - sin * (1 + 0.12 * high), 0.12 * right]
    along = [sin * (1 + 0.12 * wide), cos * (1 + 0.12 * high), 0.12 * down]
    matrices = torch.stack(across + along, dim=1).view(-1, 2, 3)
    grid = affine_grid(matrices, list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


figure, axes = plt.subplots(2, 8, figsize=(9, 2.6), layout="constrained")
torch.manual_seed(0)
shifted = jittered(torch.tensor(np.stack([view[0] for view in views]))[:, None])[:, 0].numpy()
for k, (above, below) in enumerate(axes.T):
    above.imshow(views[k][0], cmap="gray_r")
    below.imshow(shifted[k], cmap="gray_r")
    above.set_title(f"class {y_known[0] + 10 * k}", fontsize=9)
    above.set_axis_off()
    below.set_axis_off()

# %%
# Losses
# ------
# ``score`` is recall@1: the share of images whose nearest other image shows the same digit. Pixels
# and PCA are scored alike.


def recall(vectors):
    """Return the share of unseen digits whose nearest other one is the same digit."""
    nearest = NearestNeighbors(n_neighbors=1).fit(vectors).kneighbors(return_distance=False)
    return (y_new[nearest[:, 0]] == y_new).mean()


flat = X_new.reshape(len(X_new), -1)
pca = PCA(32, random_state=0).fit(X_known.reshape(len(X_known), -1))
scores = {"raw pixels": recall(flat), "PCA, 32 components": recall(pca.transform(flat))}
losses = {"contrastive": "contrastive", "triplet": Triplet(margin=0.2), "infonce": "infonce"}
embedders = {}
for name, loss in losses.items():
    embedders[name] = MetricEmbedder(
        loss,
        n_components=128,
        module="cnn",
        module_params={"channels": (16, 32)},
        hidden_layer_sizes=(),
        lr=0.002,
        max_epochs=3,
        augment=jittered,
        random_state=0,
    ).fit(X_train, y_train)
    scores[name] = embedders[name].score(X_new, y_new)
errors = 1 - pd.Series(scores)

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
colours = ["tab:blue" if name in losses else "tab:gray" for name in errors.index]
drawn = axis.barh(errors.index, 100 * errors, color=colours)
axis.bar_label(drawn, fmt="%.2f %%", padding=3)
axis.set(xlabel="unseen digits whose nearest neighbour is another digit, %")
axis.margins(x=0.15)
print(errors.to_frame("1 - recall@1").to_string(float_format="{:.4f}".format))

# %%
# Maps of the unseen digits
# -------------------------
# t-SNE places images near each other that are near in pixels, left, and in the vectors of
# ``"infonce"``, right. No image of these five digits was in training.
some = np.random.default_rng(0).permutation(len(X_new))[:500]
vectors = embedders["infonce"].transform(X_new[some])
figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), layout="constrained")
for axis, rows, title in zip(axes, (flat[some], vectors), ("pixels", "vectors"), strict=True):
    places = TSNE(random_state=0).fit_transform(rows)
    for digit in unseen:
        axis.scatter(*places[y_new[some] == digit].T, s=12, label=str(digit))
    axis.set_title(title)
    axis.set(xticks=[], yticks=[])
axes[1].legend(title="digit", loc="best")

# %%
# What was learnt
# ---------------
best = errors[list(losses)].idxmin()
print(
    f"Of {len(X_new):,} unseen digits, {errors[best]:.2%} have a wrong nearest neighbour with",
    f"{best}, {errors['raw pixels']:.2%} with raw pixels and {errors.iloc[1]:.2%} with PCA. Losses",
    "that compare neighbours with each other carry over to new classes; contrastive, which pulls",
    f"each class to one point, does less well: {errors['contrastive']:.2%}.",
    sep="\n",
)
