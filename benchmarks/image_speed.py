"""Time convolutional networks on images beside hand-written torch loops and plain skorch.

Every contender trains the same network, the default of module="cnn": blocks of 3x3 convolution,
ReLU and 2x2 maximum with 16, 32 and 64 channels, then a hidden layer of 100, with Adam and
cross-entropy on batches of 200. The fit of sklloss includes its checks, the scaling of X, and the
loss of the trained network on all rows. "times as long" is a rival's time over that of sklloss, and
the bars are for this ratio. The last loop also uses torch's channels-last memory format. Images are
grey, 28x28, and in colour, 32x32, first with one thread, then with two. Run it with nothing else on
the machine (about five minutes):

    python benchmarks/image_speed.py
    python benchmarks/image_speed.py --threads 1 --rounds 3 --epochs 1 --rows 1000 --images grey
"""

import argparse
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import skorch
import torch
from fit_speed import compared
from rivals import FUSED, LOOP, OURS, SKORCH, machine, medians, threads
from torch import nn

from sklloss import NeuralClassifier

CLASSES, BATCH, LR = 10, 200, 0.001
CHANNELS, HIDDEN = (16, 32, 64), 100
IMAGES = {"grey": (1, 28, 28), "coloured": (3, 32, 32)}
CHANNELS_LAST = "torch loop, fused Adam, channels last"
FIT_BARS = {LOOP: 1.0, FUSED: 1.0, SKORCH: 1.0}
PREDICT_BARS = {LOOP: 1.0, SKORCH: 1.0}


@dataclass(frozen=True)
class Job:
    """What every contender trains."""

    images: str = "grey"
    rows: int = 4000
    epochs: int = 5

    @property
    def steps(self) -> int:
        """Return the number of steps of a fit."""
        return self.epochs * -(-self.rows // BATCH)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return standard normal images and labels."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, *IMAGES[self.images]), dtype=np.float32)
        return X, rng.integers(0, CLASSES, self.rows)


def network(images: str) -> nn.Sequential:
    """Return the network as a tutorial would write it."""
    n_channels, height, width = IMAGES[images]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise((n_channels, *CHANNELS)):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2, ceil_mode=True)]
        height, width = -(-height // 2), -(-width // 2)
    dense = [nn.Linear(CHANNELS[-1] * height * width, HIDDEN), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(HIDDEN, CLASSES))


# Contenders.


def our_classifier(job: Job) -> NeuralClassifier:
    return NeuralClassifier(
        module="cnn",
        module_params={"channels": CHANNELS},
        hidden_layer_sizes=(HIDDEN,),
        lr=LR,
        batch_size=BATCH,
        max_epochs=job.epochs,
        n_iter_no_change=float("inf"),
        random_state=0,
    )


def skorch_classifier(job: Job) -> skorch.NeuralNetClassifier:
    return skorch.NeuralNetClassifier(
        network,
        module__images=job.images,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=BATCH,
        max_epochs=job.epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )


class TorchLoop:
    """The training loop of a tutorial, wrapped as an estimator."""

    def __init__(
        self,
        job: Job,
        fused: bool = False,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self.job = job
        self.fused = fused
        self.memory_format = memory_format

    def fit(self, X: np.ndarray, y: np.ndarray) -> "TorchLoop":
        """Train a new module."""
        self.module_ = module = network(self.job.images).to(memory_format=self.memory_format)
        optimizer = torch.optim.Adam(module.parameters(), lr=LR, fused=self.fused)
        images, labels = self._tensor(X), torch.from_numpy(y)
        criterion = nn.CrossEntropyLoss()
        for _ in range(self.job.epochs):
            for index in torch.randperm(len(images)).split(BATCH):
                optimizer.zero_grad()
                criterion(module(images[index]), labels[index]).backward()
                optimizer.step()
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return labels, computed in batches."""
        with torch.inference_mode():
            scores = [self.module_(batch) for batch in self._tensor(X).split(BATCH)]
        return torch.cat(scores).argmax(1).numpy()

    def _tensor(self, X: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(X).contiguous(memory_format=self.memory_format)


CONTENDERS: dict[str, Callable[[Job], object]] = {
    OURS: our_classifier,
    SKORCH: skorch_classifier,
    LOOP: TorchLoop,
    FUSED: functools.partial(TorchLoop, fused=True),
    CHANNELS_LAST: functools.partial(TorchLoop, fused=True, memory_format=torch.channels_last),
}
# The loop with fused Adam has the same module as the plain one.
PREDICTING = (OURS, SKORCH, LOOP, CHANNELS_LAST)


# Tables.


def fit_table(job: Job, rounds: int) -> str:
    X, y = job.data()
    fits = {name: functools.partial(_fit, make, job, X, y) for name, make in CONTENDERS.items()}
    few = Job(job.images, BATCH + 2, 1)
    warm = {
        name: functools.partial(_fit, make, few, *few.data()) for name, make in CONTENDERS.items()
    }
    medians(warm, 1)
    return compared("ms / step", medians(fits, rounds), 1e3 / job.steps, FIT_BARS)


def predict_table(job: Job, rounds: int) -> str:
    X, _ = job.data()
    few = Job(job.images, BATCH + 2, 1)
    fitted = {name: CONTENDERS[name](few).fit(*few.data()) for name in PREDICTING}
    calls = {name: functools.partial(each.predict, X) for name, each in fitted.items()}
    # Warm up.
    medians(calls, 1)
    return compared("ms", medians(calls, rounds), 1e3, PREDICT_BARS)


def _fit(make: Callable[[Job], object], job: Job, X: np.ndarray, y: np.ndarray) -> object:
    return make(job).fit(X, y)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=list(IMAGES))
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="of torch and of linear algebra"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    print(f"{machine()}\nmedians of {given.rounds} interleaved rounds; batches of {BATCH}, Adam")
    for n_threads in given.threads:
        for images in given.images:
            job = Job(images, given.rows, given.epochs)
            what = f"{given.rows:,} {images} images, {n_threads} thread(s)"
            with threads(n_threads):
                print(f"\nfit of {what}\n\n{fit_table(job, given.rounds)}", flush=True)
                print(f"\npredict {what}\n\n{predict_table(job, given.rounds)}", flush=True)


if __name__ == "__main__":
    main()
