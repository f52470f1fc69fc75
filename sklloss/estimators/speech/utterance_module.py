"""A fitted transcriber as a plain ``nn.Module``, from padded utterances to answers per frame."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..targets.fitted_module import FittedModule
from .utterances import frames_out_of


class Log(nn.Module):
    """Probabilities to their logarithms."""

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return the logarithm, -inf of 0."""
        return probabilities.log()


class UtteranceModule(FittedModule):
    """A `FittedModule` of utterances that share a tensor, each with its own length.

    It is made by ``to_module`` of `SequenceTranscriber`.
    """

    def n_frames_out(self, n_frames: int) -> int:
        """Return how many frames come out of so many."""
        member: Any = self.members[0]
        return frames_out_of(member.network)(n_frames)

    def forward(self, X: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the output for every frame, a certain blank after the end of an utterance.

        Parameters
        ----------
        X : Tensor of shape (n, n_frames, n_features)
            Frames, not scaled; anything finite after the end of an utterance.
        lengths : Tensor of shape (n,) or None, default=None
            How many frames of each are real; by default all.

        Returns
        -------
        Tensor of shape (n, n_frames_out, n_symbols + 1)

        Raises
        ------
        ValueError
            If X has another shape.
        """
        if X.ndim != 3:
            raise ValueError(
                "This module takes X of shape (n_samples, n_frames, n_features); got"
                f" {tuple(X.shape)}. Give one utterance alone as X[None]."
            )
        scaled = self.scaling(X.flatten(0, 1)).view(X.shape)
        is_real = torch.ones_like(scaled[..., :1], dtype=torch.bool)
        if lengths is not None:
            frames = torch.arange(X.shape[1], device=X.device)
            is_real = (frames < lengths.unsqueeze(1)).unsqueeze(-1)
        padded = torch.cat((torch.where(is_real, scaled, 0.0), is_real.to(scaled.dtype)), -1)
        values = [member(padded.clone()) for member in self.members]
        return self.of_members(torch.stack(values))
