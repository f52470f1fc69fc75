"""What is said of training that went wrong."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from ..losses.base import Loss


def divergence(net: Any) -> FloatingPointError:
    """Return the error for a net whose loss or parameters turned NaN or infinite."""
    return FloatingPointError(
        f"Training of loss {net.loss.label!r} turned NaN or infinite in epoch {len(net.history)} with"
        f" lr={net.optimizer_.param_groups[0]['lr']:g} and {type(net.optimizer_).__name__}. Try a smaller lr, leave scale_inputs and"
        " scale_target on, or look for extreme values in X and y."
    )


def warn_of_poor_training(
    loss: Loss, of_train: tuple[float, float], of_valid: tuple[float, float] | None = None
) -> None:
    """Warn where a model's (last loss, loss of its best constant) show that it has learnt nothing."""
    _warn_if_worse(loss, *of_train)
    if of_valid is not None:
        _warn_if_worse_on_rows_set_aside(loss, *of_valid)


def _warn_if_worse(loss: Loss, last: float, constant: float) -> None:
    """Warn where a model's last loss is worse than that of its best constant."""
    if _clearly_worse(last, constant):
        warnings.warn(
            f"Training of loss {loss.label!r} ended at {last:.4g}, worse than the best constant ({constant:.4g}). Try another lr, more max_epochs, or less regularisation.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _warn_if_worse_on_rows_set_aside(loss: Loss, best: float, constant: float) -> None:
    """Warn where even the best epoch's loss on the rows that decide when to stop is worse than a constant's."""
    if _clearly_worse(best, constant):
        warnings.warn(
            f"On the rows that early_stopping sets aside, the best epoch of loss {loss.label!r} has {best:.4g}, worse than the"
            f" best constant ({constant:.4g}). A few rows with extreme values may decide: clip the features or transform them"
            " with QuantileTransformer, or choose a loss that no single row dominates.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _clearly_worse(loss: float, constant: float) -> bool:
    return loss > constant + 0.01 * abs(constant) + 0.01
