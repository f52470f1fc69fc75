"""Pictures of losses that depend on the order of several scores."""

from typing import Any

import numpy as np
import torch
from loss_curves import Draw, each, line, state_of
from loss_drawing import Curve, Picture
from torch import Tensor

from sklloss.losses import Loss


def lead_of_item(name: str, *settings: Any) -> Draw:
    """Draw the loss against the lead of the item taken over sampled ones with score 0."""

    def draw(cls: type[Loss]) -> Picture:
        x = line(-3, 3)
        curves = tuple(
            Curve(label, x.numpy(), order_values(loss, x))
            for label, loss in each(cls, name, settings)
        )
        return Picture("lead s⁺ − s⁻ over every sampled item", "loss", curves)

    return draw


def order_values(loss: Loss, lead: Tensor) -> np.ndarray:
    """Return the loss for some leads over all sampled items, among a thousand items."""
    y = torch.ones(len(lead), 1, dtype=torch.float64)
    raw = torch.nn.functional.pad(lead.view(-1, 1, 1), (0, loss.n_outputs() - 1))
    return loss.pointwise(raw, y, state_of(loss, y, 1000)).squeeze(-1).numpy()


def best_row(others: tuple[float, ...], name: str | None = None, *settings: Any) -> Draw:
    """Draw the loss of a group against the score of its best row, with the others in order."""

    def draw(cls: type[Loss]) -> Picture:
        score, n = line(-3, 5), len(others)
        fixed = torch.tensor(others, dtype=torch.float64).expand(len(score), -1)
        raw = torch.cat((score.unsqueeze(-1), fixed), -1).unsqueeze(-1)
        y = torch.arange(n, -1, -1, dtype=torch.float64).unsqueeze(0)
        curves = tuple(
            Curve(words, score.numpy(), group_values(loss, raw, y))
            for words, loss in each(cls, name, settings)
        )
        behind = ", ".join(f"{other:g}" for other in others)
        return Picture(f"score of the best row, others at {behind}", "loss", curves)

    return draw


def group_values(loss: Loss, raw: Tensor, y: Tensor) -> np.ndarray:
    """Return the loss of one group at some scores (n, size, 1)."""
    return loss.of_row(raw, y.expand(len(raw), -1), state_of(loss, y)).numpy()
