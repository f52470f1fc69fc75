"""Pictures of losses that compare the directions of rows."""

from typing import Any

import numpy as np
import torch
from loss_curves import POINTS, Draw, each, state_of
from loss_drawing import Curve, Picture
from torch import Tensor

from sklloss.losses import Loss


def angle(name: str, *settings: Any) -> Draw:
    """Draw the loss of a similar and of a dissimilar pair against the angle of its vectors."""

    def draw(cls: type[Loss]) -> Picture:
        x = torch.linspace(0, 180, POINTS, dtype=torch.float64)
        similar = Curve("similar", x.numpy(), angle_values(cls(), x, is_similar=True))
        curves = tuple(
            Curve(f"dissimilar, {label}", x.numpy(), angle_values(loss, x, is_similar=False))
            for label, loss in each(cls, name, settings)
        )
        return Picture("angle of the pair, degrees", "loss", (similar, *curves))

    return draw


def angle_values(loss: Loss, degrees: Tensor, is_similar: bool) -> np.ndarray:
    """Return the loss of one pair at some angles."""
    y = torch.tensor([[0, 0 if is_similar else 1]])
    pairs = zip(torch.eye(2).double()[:1].expand(len(degrees), -1), turned(degrees), strict=True)
    raw = [torch.stack(pair).unsqueeze(0) for pair in pairs]
    return np.array([loss(pair, y, state_of(loss, y)).item() for pair in raw])


def turned(degrees: Tensor) -> Tensor:
    """Return unit vectors in the plane at some angles."""
    radians = degrees.deg2rad()
    return torch.stack((radians.cos(), radians.sin()), -1)


def nearer(name: str, *settings: Any) -> Draw:
    """Draw the loss of two rows of a class and five others against the angle of the latter."""

    def draw(cls: type[Loss]) -> Picture:
        x = torch.linspace(0, 180, POINTS, dtype=torch.float64)
        y = torch.tensor([[0], [0], [1], [2], [3], [4], [5]])
        own = turned(torch.tensor([0.0, 30.0]))
        curves: list[Curve] = []
        for label, loss in each(cls, name, settings):
            state = state_of(loss, y)
            raw = [torch.cat((own, turned(at.expand(5)))).double() for at in x]
            found = [loss(rows.unsqueeze(1), y, state).item() for rows in raw]
            curves.append(Curve(label, x.numpy(), np.array(found)))
        return Picture("angle of the other classes, own class at 0 and 30", "loss", tuple(curves))

    return draw
