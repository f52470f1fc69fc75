"""Errors and warnings about training that went wrong."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sklearn.exceptions import ConvergenceWarning

from ..losses.base import Loss
from .model import Trainable

# The share of what can be explained by which a model is clearly worse than a constant.
CLEARLY = 0.03
# What a loss may be above that of a constant where there is nothing to explain.
OF_NOTHING = 0.01


def divergence(net: Trainable) -> FloatingPointError:
    """Return the error for a net whose loss or parameters turned NaN or infinite."""
    return FloatingPointError(
        f"Training of loss {net.loss.label!r} turned NaN or infinite in epoch {len(net.history)}"
        f" with lr={net.optimizer_.param_groups[0]['lr']:g} and {type(net.optimizer_).__name__}."
        " Try a smaller lr, leave scale_inputs and scale_target on, or look for extreme values in X"
        " and y."
    )


def warn_of_few_epochs(loss: Loss, max_epochs: Any) -> None:
    """Warn of a fit whose `max_epochs` has ended a training that still improved."""
    warnings.warn(
        f"max_epochs={max_epochs} has ended the training of loss {loss.label!r} while it still"
        " fell. Set a larger max_epochs, or a larger lr.",
        ConvergenceWarning,
        stacklevel=5,  # Where the user calls fit.
    )


@contextmanager
def no_warning_of_few_epochs() -> Iterator[None]:
    """Let fits end by `max_epochs` without a warning, where another says it of all of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "max_epochs=", ConvergenceWarning)
        yield


class Verdict(NamedTuple):
    """The mean loss over some rows, beside what a constant reaches.

    Attributes
    ----------
    eps : float
        The relative error of a single number.
    loss : float
        Of the last epoch, or of the best.
    constant : float
        Of the best constant.
    explainable : float
        How far the loss of the best constant may fall.
    """

    eps: float
    loss: float
    constant: float
    explainable: float

    @property
    def is_clearly_worse(self) -> bool:
        """Whether the constant is better by a share of what can be explained, beyond rounding."""
        rounding = 100 * self.eps * max(1.0, abs(self.constant))
        allowed = CLEARLY * self.explainable if self.explainable > rounding else OF_NOTHING
        return self.loss > self.constant + allowed


def warn_of_poor_training(loss: Loss, of_train: Verdict, of_valid: Verdict | None = None) -> None:
    """Warn of a model that has learned nothing.

    Parameters
    ----------
    loss : Loss
    of_train, of_valid : Verdict
        `of_valid` is of the best epoch, or None where there are no validation rows.
    """
    if of_train.is_clearly_worse:
        warnings.warn(
            f"Training of loss {loss.label!r} ended at {of_train.loss:.4g}, worse than the best"
            f" constant ({of_train.constant:.4g}). Try another lr, more max_epochs, or less"
            " regularisation.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if of_valid is not None and of_valid.is_clearly_worse:
        warnings.warn(
            f"On the validation rows of early_stopping, the best epoch of loss {loss.label!r} has"
            f" {of_valid.loss:.4g}, worse than the best constant ({of_valid.constant:.4g})."
            " Either X hardly explains y, or a few rows with extreme values decide: clip the"
            " features or transform them with QuantileTransformer, or choose a loss that no single"
            " row dominates.",
            ConvergenceWarning,
            stacklevel=2,
        )
