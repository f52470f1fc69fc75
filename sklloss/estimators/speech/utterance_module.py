"""A fitted transcriber as one plain ``nn.Module``, from padded utterances to what it says of every frame."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..targets.answers import RAW, FittedModule, Reading
from .frames import frames_out_of


class Log(nn.Module):
    """Probabilities to their logarithms."""

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return the logarithm, -inf of 0."""
        return probabilities.log()


def utterance_readings(loss: Any) -> dict[str, Reading]:
    """Return what a transcriber's module can put out."""
    return {
        "predict_log_proba": Reading(loss.inverse_link, Log()),
        "predict_proba": Reading(loss.inverse_link, nn.Identity()),
        "raw": RAW,
    }


class UtteranceModule(FittedModule):
    """A `FittedModule` of utterances that share a tensor, each with its own length.

    It is made by ``to_module`` of `SequenceTranscriber`.
    """

    def n_frames_out(self, n_frames: int) -> int:
        """Return for how many frames it speaks, given so many."""
        network: Any = self.members[0]
        return frames_out_of(network.network)(n_frames)

    def forward(self, X: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return what is said of every frame, a certain blank behind the end of an utterance.

        Parameters
        ----------
        X : Tensor of shape (n, n_frames, n_features)
            Frames, not scaled; anything finite behind the end of an utterance.
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
                f"This module takes X of shape (n_samples, n_frames, n_features); got {tuple(X.shape)}. Give one utterance alone as X[None]."
            )
        scaled = self.scaling(X.flatten(0, 1)).view(X.shape)
        is_real = torch.ones_like(scaled[..., :1], dtype=torch.bool)
        if lengths is not None:
            frames = torch.arange(X.shape[1], device=X.device)
            is_real = (frames < lengths.unsqueeze(1)).unsqueeze(-1)
        padded = torch.cat((torch.where(is_real, scaled, 0.0), is_real.to(scaled.dtype)), -1)
        said = [member(padded.clone()) for member in self.members]
        return self.of_mean(self.together(torch.stack(said)))
