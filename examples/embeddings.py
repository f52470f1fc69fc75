"""Learn a distance on five digits and use it to tell five other digits apart.

Run it with

    python examples/embeddings.py
    python examples/embeddings.py --choices 5     means over five choices of the held-out digits

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

A classifier of five digits can say nothing about the other five. `MetricEmbedder` learns which
differences matter, as vectors whose neighbours are alike. Does that also hold for digits that it
has never seen? The score is recall@1: the share of new digits whose nearest other new digit is the
same digit. Raw pixels are already good at that, so look at the remaining errors.

Five classes are few to learn a distance from. So every digit is also rotated and mirrored in all
eight ways, each a class of its own, and slightly shifted, tilted and stretched at random
(`augment`). The settings were chosen by holding out two of the five training classes, never on the
five held-out ones.

Losses that pull the rows of a class to one point (contrastive, hinge_embedding, cosine_embedding)
lose what tells new classes apart and stay behind raw pixels. Losses that compare neighbours with
each other do not.
"""

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
import torch
from data import mnist_5000
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch.nn.functional import affine_grid, grid_sample

from sklloss import MetricEmbedder
from sklloss.losses import Triplet

# Width of the vectors of one network.
WIDTH = 128
EPOCHS, MEMBERS = 6, 3
# The largest distortions: radians, half images, and shares.
TURN, SHIFT, STRETCH, SLANT = 0.25, 0.12, 0.12, 0.2
LOSSES = {
    "cosine_embedding": "cosine_embedding",
    "hinge_embedding": "hinge_embedding",
    "contrastive": "contrastive",
    # The margin of FaceNet; the default of 1 separates rows that are already in order.
    "triplet": Triplet(margin=0.2),
    "infonce": "infonce",
}
PIXELS = "raw pixels"
# 196 components would be the pixels themselves.
PCA_WIDTHS = (32, 64, 128)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 5,000 digits of MNIST at half their height and width, and their labels."""
    X, y = mnist_5000()
    images = np.asarray(X, dtype=np.float32).reshape(-1, 14, 2, 14, 2)
    return images.mean((2, 4)), np.asarray(y)


def turned_and_mirrored(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return images in their eight symmetries, each with its own classes."""
    views = [np.rot90(side, k, (1, 2)) for side in (X, X[:, :, ::-1]) for k in range(4)]
    return np.concatenate(views), np.concatenate([y + 10 * k for k in range(8)])


def jittered(images: torch.Tensor) -> torch.Tensor:
    """Return images (n, 1, height, width), each rotated, shifted and stretched a little."""
    turn, down, right, high, wide, slant = (2 * torch.rand(6, len(images)) - 1).to(images.dtype)
    cos, sin = (TURN * turn).cos(), (TURN * turn).sin()
    rows = torch.stack(
        [
            *(cos * (1 + STRETCH * wide), SLANT * slant - sin * (1 + STRETCH * high)),
            *(SHIFT * right, sin * (1 + STRETCH * wide)),
            *(cos * (1 + STRETCH * high), SHIFT * down),
        ],
        dim=1,
    )
    grid = affine_grid(rows.view(-1, 2, 3), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


def embedder(loss: Any) -> MetricEmbedder:
    """Return an ensemble of three small convolutional networks without hidden dense layers."""
    return MetricEmbedder(
        loss,
        n_components=WIDTH,
        module="cnn",
        module_params={"channels": (16, 32)},
        hidden_layer_sizes=(),
        lr=0.002,
        max_epochs=EPOCHS,
        augment=jittered,
        n_members=MEMBERS,
        random_state=0,
    )


def recall(vectors: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows whose nearest other row has their label."""
    nearest = NearestNeighbors(n_neighbors=1).fit(vectors).kneighbors(return_distance=False)
    return float((y[nearest[:, 0]] == y).mean())


def held_out(choice: int) -> np.ndarray:
    """Return five of the ten digits."""
    return np.sort(np.random.default_rng(choice).permutation(10)[:5])


def scores_of(X: np.ndarray, y: np.ndarray, new: np.ndarray) -> dict[str, float]:
    """Train on the digits that are not new, and return recall@1 among the new ones."""
    is_new = np.isin(y, new)
    flat = X.reshape(len(X), -1)
    known = turned_and_mirrored(X[~is_new], y[~is_new])
    scores = {PIXELS: recall(flat[is_new], y[is_new])}
    for width in PCA_WIDTHS:
        pca = PCA(width, random_state=0).fit(flat[~is_new])
        scores[f"PCA, {width} components"] = recall(pca.transform(flat[is_new]), y[is_new])
    for name, loss in LOSSES.items():
        start = time.perf_counter()
        scores[name] = embedder(loss).fit(*known).score(X[is_new], y[is_new])
        seconds = time.perf_counter() - start
        print(f"  {name:<17} {scores[name]:.4f}  ({seconds:.0f} s)", flush=True)
    return scores


def compare(n_choices: int) -> pd.DataFrame:
    """Return recall@1 of every method for every choice of the held-out classes."""
    X, y = digits()
    columns = {}
    for choice in range(n_choices):
        new = held_out(choice)
        name = " ".join(map(str, new))
        print(f"Trained without {name}:")
        columns[name] = scores_of(X, y, new)
    table = pd.DataFrame(columns)
    if n_choices > 1:
        table["mean"] = table.mean(axis=1)
    return table


def conclude(table: pd.DataFrame) -> None:
    """Print the table and a conclusion."""
    last = table.iloc[:, -1]
    table = table.assign(errors=[f"{100 * (1 - recall):.2f} %" for recall in last])
    print("\nrecall@1 among held-out digits; errors of the last column\n")
    print(table.to_string(float_format="{:.4f}".format))
    best = last[list(LOSSES)].idxmax()
    rival = last.drop(list(LOSSES)).idxmax()
    verdict = "is better" if last[best] > last[rival] else "is no better"
    print(
        f"\nThe best loss, {best}, {verdict} than {rival}:"
        f" recall@1 {last[best]:.4f} against {last[rival]:.4f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--choices", type=int, default=1, help="how many choices of five classes")
    conclude(compare(parser.parse_args().choices))


if __name__ == "__main__":
    main()
