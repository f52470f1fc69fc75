"""Transcribe spoken digits: 31 utterances can be memorised but are too few to learn speech from.

Run it with

    python examples/speech_ctc.py

The recordings come with a Debian package, which needs no root to unpack:

    apt-get download pocketsphinx-testdata && dpkg-deb -x pocketsphinx-testdata_*.deb speech
    python examples/speech_ctc.py --tidigits speech/usr/share/pocketsphinx/test/data/tidigits

Two speakers say 107 digits in 31 utterances ("oh" and "zero" are both 0), given as 13 cepstra at
100 frames per second. The network learns from the words of an utterance, without their times. Look
at two errors: the one on training utterances shows that CTC finds the words; the one on test
utterances, beside the best constant guess, shows how little 24 utterances teach.
"""

import argparse
from collections import Counter

import numpy as np
from data import tidigits
from sklearn.model_selection import KFold
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import SequenceTranscriber, word_error_rate

FOLDS = KFold(4, shuffle=True, random_state=0)
EPOCHS = 120
# The word error on training utterances that should not be exceeded.
BAR = 0.05


def model() -> SequenceTranscriber:
    """Return the network, with one cycle of the learning rate over all epochs."""
    cycle = LRScheduler(OneCycleLR, max_lr=0.005, total_steps=EPOCHS)
    return SequenceTranscriber(
        "ctc",
        tokens="word",
        batch_size=4,
        lr=0.005 / 25,
        max_epochs=EPOCHS,
        n_iter_no_change=EPOCHS,
        callbacks=[cycle],
        random_state=0,
    )


def guesses(said: list[str]) -> list[str]:
    """Return constant transcripts: none, and the most common words, repeated up to five times."""
    counts = Counter(word for text in said for word in text.split())
    words = [word for word, _ in counts.most_common(3)]
    return ["", *(" ".join([word] * n) for word in words for n in range(1, 6))]


def constant_error(y_train: list[str], y_test: list[str]) -> float:
    """Return the word error of the constant transcript that is best in training."""
    best = min(guesses(y_train), key=lambda text: word_error_rate(y_train, [text] * len(y_train)))
    return word_error_rate(y_test, [best] * len(y_test))


def held_out_errors(X: list[np.ndarray], y: list[str]) -> tuple[float, float]:
    """Return the mean word errors of the network and of the constant guess over the folds."""
    errors = []
    for train, test in FOLDS.split(X):
        y_train, y_test = [y[i] for i in train], [y[i] for i in test]
        heard = model().fit([X[i] for i in train], y_train).predict([X[i] for i in test])
        errors.append((word_error_rate(y_test, heard), constant_error(y_train, y_test)))
    of_network, of_constant = np.mean(errors, axis=0)
    return of_network, of_constant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tidigits", help="the folder that holds tidigits.lsn")
    try:
        X, y = tidigits(parser.parse_args().tidigits)
    except FileNotFoundError as missing:
        print(missing)
        return
    learner = model().fit(X, y)
    heard = learner.predict(X)
    for said, text in list(zip(y, heard, strict=True))[:3]:
        print(f"said  {said}\nheard {text}\n")
    trained = word_error_rate(y, heard)
    print(f"word error on the {len(X)} training utterances: {trained:.3f} (bar {BAR:.2f})")
    network, constant = held_out_errors(X, y)
    print(
        f"word error on test utterances: {network:.2f}; of the best constant guess: {constant:.2f}"
    )
    print(
        f"{len(X)} utterances with {sum(len(text.split()) for text in y)} words of"
        f" {len(learner.symbols_)} kinds are too few: the network has learnt these recordings,"
        " not speech."
    )


if __name__ == "__main__":
    main()
