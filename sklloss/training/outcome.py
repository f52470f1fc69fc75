"""What is said of training that went wrong."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from ..losses.base import Loss


def check_finite(net: Any, losses: Tensor) -> None:
    """Raise a FloatingPointError where a model's loss (models,) or parameters are NaN or infinite."""
    values = net.stack_.flat.values.data
    finite = losses.isfinite() & values.isfinite().all(1)
    if not finite.all():
        raise FloatingPointError(
            f"Training of loss {net.loss.label!r} turned NaN or infinite in epoch {len(net.history)} with"
            f" lr={net.optimizer_.param_groups[0]['lr']:g} and {type(net.optimizer_).__name__}. Try a smaller lr, leave scale_inputs and"
            " scale_target on, or look for extreme values in X and y."
        )


def warn_if_worse(loss: Loss, last: Tensor, constant: Tensor) -> None:
    """Warn where a model's last loss (models,) is worse than that of its best constant."""
    worse = _clearly_worse(last, constant)
    if worse.any():
        warnings.warn(
            f"Training of loss {loss.label!r} ended at {last[worse][0]:.4g}, worse than the best constant"
            f" ({constant[worse][0]:.4g}). Try another lr, more max_epochs, or less regularisation.",
            ConvergenceWarning,
            stacklevel=2,
        )


def warn_if_worse_on_rows_set_aside(loss: Loss, best: Tensor, constant: Tensor) -> None:
    """Warn where even the best epoch's loss (models,) on the rows that decide when to stop is worse than a constant's."""
    worse = _clearly_worse(best, constant)
    if worse.any():
        warnings.warn(
            f"On the rows that early_stopping sets aside, the best epoch of loss {loss.label!r} has {best[worse][0]:.4g}, worse than the"
            f" best constant ({constant[worse][0]:.4g}). A few rows with extreme values may decide: clip the features or transform them"
            " with QuantileTransformer, or choose a loss that no single row dominates.",
            ConvergenceWarning,
            stacklevel=2,
        )


def _clearly_worse(losses: Tensor, constant: Tensor) -> Tensor:
    return losses > constant + 0.01 * constant.abs() + 0.01
