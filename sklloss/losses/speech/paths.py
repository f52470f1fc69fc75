"""Paths: the ways in which frames spell a transcript, with a symbol or the blank per frame."""

from __future__ import annotations

import torch
from torch import Tensor

# Index of the output for no symbol.
BLANK = 0
# Index that pads transcripts.
ENDED = -1
# Log-probability of the impossible, which is finite so that gradients are finite, too.
IMPOSSIBLE = -1e30


def lengths_of(y: Tensor) -> Tensor:
    """Return the number of symbols of each transcript, (..., max_length) to (...)."""
    return (y > BLANK).sum(-1)


def frames_needed(y: Tensor) -> Tensor:
    """Return the fewest frames for each transcript.

    It needs one per symbol, and one for a blank between equal neighbours.
    """
    repeats = (y[..., 1:] == y[..., :-1]) & (y[..., 1:] > BLANK)
    return lengths_of(y) + repeats.sum(-1)


def collapsed(path: Tensor) -> Tensor:
    """Return the symbols that paths spell: repeats merged, blanks dropped, padded with `ENDED`.

    Parameters
    ----------
    path : Tensor of shape (..., n_frames)
        An index per frame.

    Returns
    -------
    Tensor of shape (..., n_frames)
    """
    before = torch.nn.functional.pad(path, (1, 0), value=BLANK)[..., :-1]
    is_said = (path != BLANK) & (path != before)
    place = torch.where(is_said, is_said.cumsum(-1) - 1, path.shape[-1])
    out = path.new_full((*path.shape[:-1], path.shape[-1] + 1), ENDED)
    return out.scatter(-1, place, torch.where(is_said, path, ENDED))[..., :-1]


def path_entropy(log_p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log-probability of transcripts, and the entropy of the paths that spell them.

    One pass over the frames accumulates, for every state, the probability of all paths that end in
    it and the mean ``r`` of their log-probability. The entropy is ``log P - r``.

    Parameters
    ----------
    log_p : Tensor of shape (n, n_frames, n_symbols + 1)
        Log-probabilities.
    y : Tensor of shape (n, max_length)
        Symbols from 1 on, padded with `ENDED`.

    Returns
    -------
    log_probability, entropy : Tensor of shape (n,)

    References
    ----------
    Liu, H., Jin, S. and Zhang, C., Connectionist Temporal Classification with Maximum Entropy
    Regularization, 2018.
    """
    # A blank before, between and after the symbols: (n, 2 max_length + 1).
    states = y.new_full((len(y), 2 * y.shape[1] + 1), BLANK)
    states[:, 1::2] = y.clamp(min=BLANK)
    # A state may follow the one two before if that is another symbol.
    jumped_from = torch.nn.functional.pad(states, (2, 0), value=BLANK)[:, :-2]
    allowed = (states != BLANK) & (states != jumped_from)
    allowed[:, :2] = False
    jumps = torch.where(allowed, 0.0, IMPOSSIBLE)
    said = log_p.gather(-1, states.unsqueeze(1).expand(-1, log_p.shape[1], -1))
    alpha = torch.full_like(said[:, 0], IMPOSSIBLE)
    alpha = torch.cat((said[:, 0, :2], alpha[:, 2:]), 1)
    mean = said[:, 0]
    for frame in range(1, log_p.shape[1]):
        alpha, mean = _step(alpha, mean, said[:, frame], jumps)
    return _ends(alpha, mean, lengths_of(y))


def _step(alpha: Tensor, mean: Tensor, said: Tensor, jumps: Tensor) -> tuple[Tensor, Tensor]:
    """Advance all paths by one frame."""
    pad = torch.nn.functional.pad
    next_to, jumped = (pad(alpha, (k, 0), value=IMPOSSIBLE)[:, :-k] for k in (1, 2))
    sources = torch.stack((alpha, next_to, jumped + jumps.to(alpha.dtype))).clamp(min=IMPOSSIBLE)
    means = torch.stack((mean, pad(mean, (1, 0))[:, :-1], pad(mean, (2, 0))[:, :-2]))
    share = sources.softmax(0)
    return sources.logsumexp(0) + said, (share * means).sum(0) + said


def _ends(alpha: Tensor, mean: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Join the paths that end in the last symbol and in the blank after it."""
    last = 2 * lengths.unsqueeze(-1)
    places = torch.cat(((last - 1).clamp(min=0), last), -1)
    ends, means = alpha.gather(-1, places), mean.gather(-1, places)
    unspoken = (lengths == 0).unsqueeze(-1) & torch.tensor([True, False], device=alpha.device)
    ends = ends.masked_fill(unspoken, IMPOSSIBLE)
    log_probability = ends.logsumexp(-1)
    return log_probability, log_probability - (ends.softmax(-1) * means).sum(-1)
