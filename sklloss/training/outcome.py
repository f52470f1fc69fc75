"""Errors and warnings about training that went wrong."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning

from ..losses.base import Loss
from .model import Trainable


def divergence(net: Trainable) -> FloatingPointError:
    """Return the error for a net whose loss or parameters turned NaN or infinite."""
    return FloatingPointError(
        f"Training of loss {net.loss.label!r} turned NaN or infinite in epoch {len(net.history)}"
        f" with lr={net.optimizer_.param_groups[0]['lr']:g} and {type(net.optimizer_).__name__}."
        " Try a smaller lr, leave scale_inputs and scale_target on, or look for extreme values in X"
        " and y."
    )


def warn_of_poor_training(
    loss: Loss, of_train: tuple[float, float], of_valid: tuple[float, float] | None = None
) -> None:
    """Warn of a model that has learnt nothing.

    Parameters
    ----------
    loss : Loss
    of_train, of_valid : tuple of two float
        The last loss on these rows, and that of the best constant; `of_valid` is of the best epoch,
        or None where there are no validation rows.
    """
    last, constant = of_train
    if _is_clearly_worse(last, constant):
        warnings.warn(
            f"Training of loss {loss.label!r} ended at {last:.4g}, worse than the best constant"
            f" ({constant:.4g}). Try another lr, more max_epochs, or less regularisation.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if of_valid is not None and _is_clearly_worse(*of_valid):
        best, constant = of_valid
        warnings.warn(
            f"On the validation rows of early_stopping, the best epoch of loss {loss.label!r} has"
            f" {best:.4g}, worse than the best constant ({constant:.4g}). Either X says next to"
            " nothing about y, or a few rows with extreme values decide: clip the features or"
            " transform them with QuantileTransformer, or choose a loss that no single row"
            " dominates.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _is_clearly_worse(loss: float, constant: float) -> bool:
    return loss > constant + 0.01 * abs(constant) + 0.01
