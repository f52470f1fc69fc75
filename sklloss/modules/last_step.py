"""The last step of a network, read from the graph of autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .stacks.randomness import global_generator

# Steps that turn logits into something else, by their nodes in the graph.
STEPS = {
    "SoftmaxBackward0": "softmax",
    "LogSoftmaxBackward0": "log_softmax",
    "SigmoidBackward0": "sigmoid",
    "LogSigmoidBackward0": "logsigmoid",
}
# Nodes that only move, select or copy numbers.
MOVES = frozenset(
    f"{name}Backward{k}"
    for name in (
        "Alias", "AsStrided", "Clone", "Expand", "Permute", "ReshapeAlias", "Select", "Slice",
        "Squeeze", "ToCopy", "Transpose", "T", "UnsafeView", "Unsqueeze", "View",
    )
    for k in (0, 1, 2)
)  # fmt: skip


def last_step(module: nn.Module, X: Tensor) -> tuple[Tensor, str]:
    """Return what a module returns for a few rows, and the step by which it gets there last.

    Parameters
    ----------
    module : nn.Module
        A network that takes these rows.
    X : Tensor of shape (n_rows, *input_shape)

    Returns
    -------
    output : Tensor
        Detached.
    step : str
        "softmax", "log_softmax", "sigmoid" or "logsigmoid", be it a layer or a function; '' for
        any other.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1), nn.Flatten())
    >>> last_step(network, torch.zeros(2, 3))[1]
    'softmax'
    """
    training = module.training
    # The module may write into its input, which a leaf of the graph does not allow.
    start = X.clone().requires_grad_(X.is_floating_point()).clone()
    with torch.enable_grad(), global_generator(torch.Generator().manual_seed(0).get_state()):
        output = module.eval()(start)
    module.train(training)
    node = output.grad_fn
    while node is not None and node.name() in MOVES:
        node = node.next_functions[0][0]
    return output.detach(), STEPS.get(node.name(), "") if node is not None else ""
