"""A fitted estimator as one plain ``nn.Module``, from X as it is to the prediction."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ...losses.base import State
from ...training import Encoding, LossModule, LossNet
from .answers import Answer


class FittedModule(nn.Module):
    """A fitted estimator as a plain module: scaling, networks, link and scale of y in one ``forward``.

    It is made by ``to_module`` of the estimators, is a copy of its own in evaluation mode, and
    exports with ``torch.export``, the number of rows dynamic.  Scaling and what the loss learned
    are buffers and parameters, so that ``to`` and ``state_dict`` hold everything; no parameter asks
    for gradients until ``requires_grad_()``.

    Parameters
    ----------
    members : sequence of Member
        Fitted networks of one loss; what they say is averaged.
    scaling : InputScaling
        What X passes first.
    of_members : nn.Module
        Combines what the members say into the output.

    Notes
    -----
    X is scaled, and predictions of a regressor are put on the scale of y, in float64 whatever the
    network's dtype.  For a device without float64, call ``float()`` first: all of it is float32
    then.

    Of a raw table X is what its columns become: numbers, codes of levels, parts of dates.  Unlike
    ``predict``, it does not look at the values in X: where training had no missing values and
    numbers are standardised, NaN gives NaN.  Every loss of the
    catalogue exports; one of your own does where its ``predict``, ``decision_function`` or
    ``predict_proba`` does not look at values either.
    """

    def __init__(
        self,
        members: Sequence[Member],
        scaling: nn.Module,
        of_members: nn.Module,
    ) -> None:
        super().__init__()
        self.scaling = scaling
        self.members = nn.ModuleList(members)
        self.of_members = of_members

    @classmethod
    def of_nets(
        cls,
        nets: Sequence[LossNet],
        encoding: Encoding,
        input_shape: tuple[int, ...],
        answer: Answer,
    ) -> FittedModule:
        """Return the module of fitted nets, one model each, that were trained on X scaled alike.

        Parameters
        ----------
        nets : sequence of LossNet
            One, or the members of an ensemble.
        encoding : Encoding
            How the estimator scales or encodes X.
        input_shape : tuple of int
            The shape of a row of X, (n_features,) for tables.
        answer : Answer
            What comes out.
        """
        members = [Member(net, answer.of_member) for net in nets]
        scaling = encoding.module(input_shape)
        shared = cls(members, scaling, answer.of_members)
        own = copy.deepcopy(shared).to(nets[0].criterion_.baseline.device)
        for tensor in (*own.parameters(), *own.buffers()):
            # Training may lay weights out transposed.
            tensor.data = tensor.data.contiguous()
        return own.eval().requires_grad_(False)

    def forward(self, X: Tensor) -> Tensor:
        """Return the output for X as the estimator takes it.

        Parameters
        ----------
        X : Tensor of shape (n_samples, n_features)
            Features, not scaled; float64 where they need it.

        Raises
        ------
        ValueError
            If X has another shape.
        """
        scaled = self.scaling(X)
        # A network may write into what it is given.
        values = [member(scaled.clone()) for member in self.members]
        return self.of_members(torch.stack(values))


class Member(nn.Module):
    """One network and what its loss learned, from scaled X to (n_samples, n_targets, ...)."""

    def __init__(self, net: LossNet, of_member: Callable[[Tensor, State], Tensor]) -> None:
        super().__init__()
        self.network: nn.Module = net.module_
        self.criterion: LossModule = net.criterion_
        self.raw_shape = net.raw_shape or (self.criterion.constant.shape[1], -1)
        self.of_member = of_member

    def forward(self, scaled: Tensor) -> Tensor:
        """Give the network's output the contract's shape, and read it."""
        baseline = self.criterion.get_buffer("baseline")  # (1, targets, outputs)
        output = self.network(scaled.to(baseline.dtype))
        output = output.flatten(1) if output.ndim > 1 else output.unsqueeze(1)
        raw = output.unflatten(1, self.raw_shape).unsqueeze(0)
        return self.of_member(raw, self.criterion.state)[0]
