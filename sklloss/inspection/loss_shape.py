"""LossShapeDisplay: losses and their gradients as functions of the residual or the margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..advice.verdicts.labels import value_text
from ..losses import Loss, get_loss
from ..losses.base import ClassificationLoss, RegressionLoss
from ..losses.regression.distributions import LocationScaleLoss, raw_of_scale
from ..parameters.domains import Interval, check_in_domain
from .given import POSITIVE
from .style import draws, legend_beside, looks, panels, tidy

TASKS = ("regression", "classification")
LISTS = (list, tuple, np.ndarray, pd.Series, pd.Index)
# Points of a curve.
POINTS = 401
# Quiet residual and margin to the left and to the right, by task.
REACH = {"regression": 4.0, "classification": 5.0}
ON = {
    "regression": "prediction − y",
    "classification": "margin: lead of the true class's logit",
}
# Curves that reach further than so many times the median of all leave the picture.
STEEPEST = 2.5
NO_CURVE = "Leave it out, or look at its picture in docs/losses.md."


class LossShapeDisplay:
    """Losses and their gradients as functions of the residual or the margin.

    The gradient is the contribution of a row to training: with a bounded gradient outliers have
    limited influence, and with a gradient that returns to 0 they have none.

    Create it with `from_losses`.

    Parameters
    ----------
    x : ndarray of shape (n_points,)
        Residuals, prediction - y, in units of y; or margins, the lead of the true class's logit.
    losses, gradients : ndarray of shape (n_losses, n_points)
        Losses minus their minimum, and derivatives by x; NaN where a loss is not defined.
    labels : sequence of str
        Names of the losses.
    x_label : str
        Label of the x axis.

    Attributes
    ----------
    ax_ : Axes
        The panel of the losses.
    axes_ : ndarray of Axes of shape (2,)
        The panels of losses and of gradients.
    lines_ : list of list of Line2D
        One list per panel, with one line per loss.
    figure_ : Figure
        The figure.

    Examples
    --------
    >>> from sklloss.inspection import LossShapeDisplay
    >>> from sklloss.losses import Huber
    >>> display = LossShapeDisplay.from_losses(["mse", "mae", Huber(delta=2.0)])  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        x: np.ndarray,
        losses: np.ndarray,
        gradients: np.ndarray,
        labels: Sequence[str],
        x_label: str,
    ) -> None:
        self.x = x
        self.losses = losses
        self.gradients = gradients
        self.labels = labels
        self.x_label = x_label

    @classmethod
    def from_losses(
        cls,
        losses: Any,
        *,
        task: str = "regression",
        y: float | None = None,
        reach: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw losses of one task.

        Parameters
        ----------
        losses : list of str, Loss, torch.nn loss or function, or one of them
            Losses, in any form that `get_loss` takes.
        task : {"regression", "classification"}, default="regression"
            Losses for classification are drawn for a row of one of two balanced classes.
        y : float or None, default=None
            The target at which losses for regression are drawn.  None is 0, or 1 if one of the
            losses takes only positive targets.
        reach : float or None, default=None
            Largest residual or margin, > 0; None is 4 for residuals and 5 for margins.
        ax : Axes, array-like of Axes or None, default=None
            As in `plot`.

        Returns
        -------
        LossShapeDisplay
            The display, drawn.

        Raises
        ------
        ValueError or TypeError
            If there is no such loss, or if a loss is not a function of one residual or margin.
        ImportError
            If matplotlib is not installed.
        """
        owner = f"{cls.__name__}.from_losses"
        if task not in TASKS:
            raise ValueError(f"{owner} needs task to be one of {TASKS}; got {task!r}.")
        half = REACH[task] if reach is None else reach
        check_in_domain(owner, "reach", half, POSITIVE, f"The default is {REACH[task]:g}.")
        if y is not None:
            check_in_domain(owner, "y", y, Interval(), "0 is usual, or 1 for positive targets.")
        given = list(losses) if isinstance(losses, LISTS) else [losses]
        if not given:
            raise ValueError(f"{owner} needs at least one loss; got {losses!r}.")
        found = [get_loss(each, task=task) for each in given]  # type: ignore[call-overload]
        for loss in found:
            loss.check_params()
        x = np.linspace(-half, half, POINTS)
        curves = [_curves(owner, loss, x, _target(found, y)) for loss in found]
        costs, gradients = (np.array(each) for each in zip(*curves, strict=True))
        labels = _labels(found)
        return cls(x=x, losses=costs, gradients=gradients, labels=labels, x_label=ON[task]).plot(ax)

    @draws
    def plot(self, ax: Any = None) -> Self:
        """Draw the losses and their gradients.

        Parameters
        ----------
        ax : Axes, array-like of Axes or None, default=None
            Two Axes, one that is divided, or None for a new figure.

        Returns
        -------
        LossShapeDisplay
            The display itself.
        """
        n = len(self.labels)
        size = (9.5 + 2.2 * ((n - 1) // 18), 3.6 + 0.1 * min(max(n - 14, 0), 18))
        self.axes_ = panels(f"{type(self).__name__}.plot", ax, 2, size)
        self.lines_ = []
        shown = (self.losses, self.gradients), ("loss above its minimum", "gradient")
        for panel, curves, name in zip(self.axes_, *shown, strict=True):
            self.lines_.append(self._draw(panel, curves))
            panel.set(xlabel=self.x_label, ylabel=name, ylim=_limits(curves))
            tidy(panel, "both")
        self.axes_[1].axhline(0, color="#999999", linewidth=0.8, zorder=0)
        legend_beside(self.axes_)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    def _draw(self, ax: Any, curves: np.ndarray) -> list[Any]:
        lines = []
        for curve, label, look in zip(curves, self.labels, looks(len(curves)), strict=True):
            (line,) = ax.plot(
                self.x,
                curve,
                color=look.color,
                linestyle=look.linestyle,
                linewidth=1.7,
                label=label,
            )
            lines.append(line)
        return lines


def has_shape(loss: Loss) -> bool:
    """Return whether a loss can be drawn: a function of one number of one row."""
    if loss.task not in TASKS:
        return False
    try:
        _curves("has_shape", loss, np.linspace(-1, 1, 3), _target([loss], None))
    except ValueError:
        return False
    return True


def _labels(losses: Sequence[Loss]) -> list[str]:
    """Return names of losses, of several of one name with all that differs between them."""
    found = []
    for loss in losses:
        of_name = [each.params for each in losses if each.label == loss.label]
        differ = [k for k in loss.params if any(each.get(k) != loss.params[k] for each in of_name)]
        settings = ", ".join(f"{k}={value_text(loss.params[k])}" for k in differ)
        found.append(f"{loss.label}({settings})" if differ else value_text(loss))
    return found


def _limits(curves: np.ndarray) -> tuple[float, float]:
    """Return the ends of a vertical axis on which a few steep curves do not flatten the others."""
    lows, highs = np.nanmin(curves, axis=1), np.nanmax(curves, axis=1)
    low = max(lows.min(), min(STEEPEST * np.median(lows), 0.0))
    high = min(highs.max(), max(STEEPEST * np.median(highs), 0.0))
    room = 0.04 * max(high - low, 1e-9)
    return low - room, high + room


def _target(losses: Sequence[Loss], y: float | None) -> float:
    """Return the target at which losses are drawn, checked."""
    for_numbers = [loss for loss in losses if isinstance(loss, RegressionLoss)]
    if y is None:
        y = 0.0 if all(_takes_zero(loss) for loss in for_numbers) else 1.0
    for loss in for_numbers:
        loss.check_y(np.array([float(y)]))
    return float(y)


def _takes_zero(loss: RegressionLoss) -> bool:
    zero = np.zeros(1)
    return bool(loss.y_domain.inside(zero).all() and np.isfinite(loss.link(zero)).all())


def _curves(owner: str, loss: Loss, x: np.ndarray, y: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss above its minimum and its gradient at residuals, or at margins."""
    _check_has_curve(owner, loss)
    of_task = _over_margin if isinstance(loss, ClassificationLoss) else _over_residual
    defined, costs, gradients = of_task(loss, x, y)
    whole = np.full((2, len(x)), np.nan)
    whole[:, defined] = costs - costs.min(), gradients
    return whole[0], whole[1]


def _check_has_curve(owner: str, loss: Loss) -> None:
    """Raise a ValueError for a loss that depends on more than one number of one row."""
    label = value_text(loss)
    if loss.whole_batch or loss.compares_rows:
        raise ValueError(f"{owner}: {label} is a loss of a whole batch, not of a row. {NO_CURVE}")
    n_outputs = loss.n_outputs(2)
    if n_outputs > 1 and not isinstance(loss, ClassificationLoss | LocationScaleLoss):
        raise ValueError(
            f"{owner}: {label} has {n_outputs} outputs, so it is not a function of one residual."
            f" {NO_CURVE}"
        )


def _over_residual(loss: Any, x: np.ndarray, y: float) -> tuple[np.ndarray, ...]:
    """Return where a loss for regression is defined, its values, and derivatives by prediction."""
    with np.errstate(invalid="ignore", divide="ignore"):
        linked = np.asarray(loss.link(y + x), dtype=float)
    defined = np.isfinite(linked)
    target = torch.full((int(defined.sum()), 1), y, dtype=torch.float64)
    state = loss.prepare(target, torch.ones(len(target), dtype=torch.float64))

    def raw_of(location: Tensor) -> Tensor:
        # The scale of a predictive distribution is 1.
        outputs = [location, raw_of_scale(torch.ones_like(location))][: loss.n_outputs()]
        return torch.stack(outputs, -1).unsqueeze(1)

    location = torch.from_numpy(linked[defined])
    # The link is known up to an offset.
    predicted = loss.inverse_link(raw_of(location), state)[:, 0].numpy()
    location = (2 * location - torch.from_numpy(loss.link(predicted))).requires_grad_()
    raw = raw_of(location)
    costs = _of_rows(loss, raw, target, state)
    by_raw, of_prediction = (
        _derivative(each, location) for each in (costs, loss.inverse_link(raw, state))
    )
    return defined, costs.detach()[:, 0].numpy(), (by_raw / of_prediction).numpy()


def _over_margin(loss: Any, x: np.ndarray, _: float) -> tuple[np.ndarray, ...]:
    """Return the same for the second of two balanced classes, by the lead of its logit."""
    margin = torch.from_numpy(x).requires_grad_()
    outputs = [torch.zeros_like(margin), margin][-loss.n_outputs(2) :]
    both = torch.tensor([[0], [1]])
    state = loss.prepare(both, torch.ones(2, dtype=torch.float64), 2)
    target = torch.ones((len(x), 1), dtype=torch.int64)
    costs = _of_rows(loss, torch.stack(outputs, -1).unsqueeze(1), target, state)
    defined = np.ones(len(x), dtype=bool)
    return defined, costs.detach()[:, 0].numpy(), _derivative(costs, margin).numpy()


def _of_rows(loss: Loss, raw: Tensor, target: Tensor, state: Any) -> Tensor:
    """Return the loss of every row; a user's loss may have one for the whole batch only."""
    if loss.ignores_weights(raw, target, state):
        raise ValueError(
            f"{loss.label} returns one number for a whole batch. Return one loss per row to see its"
            " shape."
        )
    return loss.pointwise(raw, target, state)


def _derivative(values: Tensor, by: Tensor) -> Tensor:
    return torch.autograd.grad(values.sum(), by, retain_graph=True)[0]
