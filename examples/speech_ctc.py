"""How much speech can a network learn from 31 recordings?
=======================================================

Two speakers say 107 digits in 31 utterances ("oh" and "zero" are both 0). The network learns from
the words of an utterance, without their times. Look at where it hears each word, and at two errors:
the one on training utterances shows that the CTC loss finds the words; the one on new utterances of
the same speakers, beside the best constant guess, shows how far 23 utterances lead.

Run it with ``python examples/speech_ctc.py``. The recordings come with a package of Debian and
Ubuntu, which needs no root to unpack::

    apt-get download pocketsphinx-testdata && dpkg-deb -x pocketsphinx-testdata_*.deb speech
    export TIDIGITS=speech/usr/share/pocketsphinx/test/data/tidigits

It needs the ``plot`` extra.
"""

# %%
# The utterances
# --------------
# An utterance is an array ``(n_frames, 13)``: 13 cepstral coefficients, 100 times per second.
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from data import tidigits
from sklearn.model_selection import KFold
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from sklloss import SequenceTranscriber, word_error_rate

X, y = tidigits()
for utterance, said in list(zip(X, y, strict=True))[:4]:
    print(f"{utterance.shape[0] / 100:.1f} s: {said}")

# %%
# Learning all of them
# --------------------
# ``tokens="word"`` makes words the symbols. The learning rate rises and falls once.
EPOCHS = 120


def transcriber():
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


learner = transcriber().fit(X, y)
in_training = word_error_rate(y, learner.predict(X))
print(f"word error on the {len(X)} training utterances: {in_training:.3f}")

# %%
# Words in time
# -------------
# Nobody told the network when a word is said. Below the cepstra, the probability of each word in
# each frame that the network puts out.
k = int(np.argmax([len(said.split()) for said in y]))
figure, (above, below) = plt.subplots(
    2, 1, figsize=(9, 5), layout="constrained", height_ratios=(1, 1.3)
)
above.imshow(X[k].T, aspect="auto", cmap="viridis", origin="lower", interpolation="nearest")
above.set(title=f'"{y[k]}"', ylabel="coefficient", xlabel="frame, 10 ms each")
of_frames = learner.predict_proba(X[k : k + 1])[0][:, 1:]
below.imshow(of_frames.T, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
below.set_yticks(range(len(learner.symbols_)), learner.symbols_)
below.set_xlabel("frame of the network")

# %%
# Utterances that it has not heard
# --------------------------------
# Four folds. The constant guess is the transcript, of no word or of a frequent word repeated, that
# has the least error in training.
errors, guessed = [], []
for train, test in KFold(4, shuffle=True, random_state=0).split(X):
    y_train, y_test = [y[i] for i in train], [y[i] for i in test]
    heard = transcriber().fit([X[i] for i in train], y_train).predict([X[i] for i in test])
    errors.append(word_error_rate(y_test, heard))
    frequent = Counter(word for said in y_train for word in said.split()).most_common(3)
    guesses = ["", *(" ".join([word] * n) for word, _ in frequent for n in range(1, 6))]
    best = min(guesses, key=lambda text: word_error_rate(y_train, [text] * len(y_train)))
    guessed.append(word_error_rate(y_test, [best] * len(y_test)))
for said, text in list(zip(y_test, heard, strict=True))[:3]:
    print(f"said  {said}\nheard {text}\n")

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
bars = {
    "constant guess, new utterances": np.mean(guessed),
    "network, new utterances": np.mean(errors),
    "network, training utterances": in_training,
}
drawn = axis.barh(list(bars), list(bars.values()), color=["tab:gray", "tab:blue", "tab:blue"])
axis.bar_label(drawn, fmt="%.2f", padding=3)
axis.set(xlabel="word error rate", xlim=(0, 1.1))

# %%
# What was learnt
# ---------------
n_words = sum(len(said.split()) for said in y)
# sphinx_gallery_thumbnail_path = 'gallery_results/speech_ctc.png'
print(
    f"{len(X)} utterances with {n_words} words of {len(learner.symbols_)} kinds can be learnt by",
    f"heart (word error {in_training:.3f}) but are too few to learn speech from: on new utterances",
    f"the error is {np.mean(errors):.2f}, of a constant guess {np.mean(guessed):.2f}.",
    sep="\n",
)
