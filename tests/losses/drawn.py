"""Random raw outputs and targets that suit a loss."""

import torch

N_CLASSES = 4


def draw(loss, n=12, n_targets=2, dtype=torch.float64, seed=0, n_classes=N_CLASSES):
    """Return raw (n, targets, outputs), y (n, targets), weights (n,) and the prepared state."""
    generator = torch.Generator().manual_seed(seed)
    y = draw_targets(loss, n, n_targets, dtype, generator, n_classes)
    weights = 0.5 + torch.rand(n, dtype=dtype, generator=generator)
    classes = n_classes if loss.task == "classification" else None
    state = loss.prepare(y, weights, classes)
    n_outputs = loss.n_outputs(classes)
    raw = torch.randn(n, n_targets, n_outputs, dtype=dtype, generator=generator)
    return raw, y, weights, state


def draw_targets(loss, n, n_targets, dtype, generator, n_classes=N_CLASSES):
    if loss.task == "classification":
        return torch.randint(n_classes, (n, n_targets), generator=generator)
    y = 2 * torch.randn(n, n_targets, dtype=dtype, generator=generator)
    return y.abs() + 0.1 if loss.y_domain.low > -torch.inf else y
