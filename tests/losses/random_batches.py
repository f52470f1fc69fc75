"""Random raw outputs and targets that suit a loss."""

import torch

from sklloss.losses.regression.zero_inflation import ZeroAlteredLoss

N_CLASSES = 4


def draw(loss, n=12, n_targets=2, dtype=torch.float64, seed=0, n_classes=N_CLASSES):
    """Return raw (n, targets, outputs), y (n, targets), weights (n,) and the prepared state."""
    generator = torch.Generator().manual_seed(seed)
    n_classes = n_classes if getattr(loss, "multi_class", True) else 2
    y = draw_targets(loss, n, n_targets, dtype, generator, n_classes)
    weights = 0.5 + torch.rand(n, dtype=dtype, generator=generator)
    classes = n_classes if loss.task == "classification" else None
    state = loss.prepare(y, weights, classes)
    n_outputs = loss.n_outputs(classes)
    raw = torch.randn(n, n_targets, n_outputs, dtype=dtype, generator=generator)
    return raw, y, weights, state


def draw_targets(loss, n, n_targets, dtype, generator, n_classes=N_CLASSES):
    if loss.task == "classification":
        y = torch.randint(n_classes, (n, n_targets), generator=generator)
        y[:n_classes] = torch.arange(n_classes)[:, None]  # every class is there
        return y
    y = 2 * torch.randn(n, n_targets, dtype=dtype, generator=generator)
    if isinstance(loss, ZeroAlteredLoss):
        return y.abs().floor()  # counts, about 0.4 of them 0
    return y.abs() + 0.1 if loss.y_domain.low > -torch.inf else y


def cost(loss, raw, y, state):
    """Return the loss of every target, or of the batch where no row has one."""
    return loss(raw, y, state) if loss.whole_batch else loss.pointwise(raw, y, state)


def values(loss, raw, y, state):
    """Return the loss of every row of one target as an array."""
    return loss.pointwise(raw, y, state)[:, 0].numpy()
