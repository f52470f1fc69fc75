"""Losses for transcription: from frames to a shorter sequence of symbols, without an alignment.

Shapes::

    raw            (*models, n_samples, n_frames, n_symbols + 1)    logits; output 0 is the blank
    y              (*models, n_samples, max_length)                 symbols from 1 on, then -1
    sample_weight  (*models, n_samples)

A transcript ends where y is -1. Frames after the end of an utterance are a certain blank: logit 0
for the blank and `IMPROBABLE` for all symbols. No loss here depends on such frames, so utterances
of different lengths share a tensor and no lengths are passed along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import MIN_SHARE, State, Task
from ..rows import RaggedLoss
from ..weighted import class_mass
from .paths import BLANK, collapsed, lengths_of, path_entropy

# Logit of a symbol in a frame after the end of an utterance.
IMPROBABLE = -1e4
# Frames per symbol that the best constant is computed for; with more, its loss hardly rises.
FRAMES_PER_SYMBOL = 8


class TranscriptionLoss(RaggedLoss):
    """Base of the losses for transcription.

    A subclass defines ``of_row(raw, y, state)``, shape (..., n_samples): the loss of an
    utterance, divided by the number of symbols of its transcript.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class SymbolFrames(TranscriptionLoss):
    ...     def of_row(self, raw, y, state):
    ...         return (1 - raw.softmax(-1)[..., 0]).sum(-1) / (y > 0).sum(-1)
    >>> SymbolFrames()(torch.zeros(1, 4, 2), torch.tensor([[1]]), {})
    tensor(2.)
    """

    task: ClassVar[Task] = "transcription"
    functional: ClassVar[str] = "distribution over transcripts"
    y_is_index: ClassVar[bool] = True
    shapes: ClassVar[tuple[str, str]] = (
        "(*models, n_samples, n_frames, n_symbols + 1)",
        "(*models, n_samples, max_length)",
    )

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one logit per frame for the blank and for each symbol; `n_classes` counts both."""
        return self._given(n_classes, "n_classes to know its number of outputs")

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Add ``prior``, the shares of the blank (7/8) and of the symbols, (1, 1, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        n_classes = self._given(n_classes, "n_classes to prepare its state")
        state["prior"] = _shares(y, sample_weight, n_classes).unsqueeze(0)
        return state

    def shaped(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Split the axis of outputs: (..., width) to (..., n_frames, n_symbols + 1)."""
        return raw.unflatten(-1, (-1, state["prior"].shape[-1]))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the logits of the shares of blank and symbols, shape (1, n_symbols + 1)."""
        return _shares(y, sample_weight, state["prior"].shape[-1]).log()

    def constant_raw(self, baseline: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the raw output of the best constant: eight frames per symbol, then certain blanks.

        It has the right number of symbols and predicts each with its share.

        Parameters
        ----------
        baseline : Tensor of shape (..., 1, n_symbols + 1)
            Logits of the shares of blank and symbols.
        y : Tensor of shape (..., n_samples, max_length)
            Transcripts.
        state : State
            What `prepare` returned.

        Returns
        -------
        Tensor of shape (..., n_samples, 8 * max_length, n_symbols + 1)
            Raw output of every frame.
        """
        n_frames = FRAMES_PER_SYMBOL * y.shape[-1]
        spoken = (FRAMES_PER_SYMBOL * lengths_of(y)).clamp(min=1).unsqueeze(-1)
        is_real = torch.arange(n_frames, device=y.device) < spoken
        frames = baseline.unsqueeze(-2).expand(*y.shape[:-1], n_frames, -1)
        return certain_blank_where(~is_real, frames)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the probabilities of blank and symbols in every frame, in the shape of raw."""
        return raw.softmax(-1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the symbols of the likeliest path, (..., n_samples, n_frames), then -1."""
        return collapsed(raw.argmax(-1))


def certain_blank_where(is_padding: Tensor, raw: Tensor) -> Tensor:
    """Put a certain blank into raw (..., n_frames, n_symbols + 1) where there is padding.

    Parameters
    ----------
    is_padding : Tensor of shape (..., n_frames)
        Which frames lie after the end of their utterance.
    raw : Tensor of shape (..., n_frames, n_symbols + 1)
        Output of the network.

    Returns
    -------
    Tensor of shape (..., n_frames, n_symbols + 1)
        Raw output, with logit 0 for the blank and -10000 for all symbols in padding.

    Examples
    --------
    >>> certain_blank_where(torch.tensor([False, True]), torch.zeros(2, 3))
    tensor([[     0.,      0.,      0.],
            [     0., -10000., -10000.]])
    """
    blank = torch.full_like(raw[(0,) * (raw.ndim - 1)], IMPROBABLE)
    blank[BLANK] = 0
    return torch.where(is_padding.unsqueeze(-1), blank, raw)


def _shares(y: Tensor, sample_weight: Tensor, n_classes: int) -> Tensor:
    """Return the share of frames of the blank and of each symbol in the best constant."""
    of_symbol = sample_weight.unsqueeze(-1).expand(y.shape) * (y > BLANK)
    mass = class_mass(y.clamp(min=BLANK).long().reshape(-1, 1), of_symbol.reshape(-1), n_classes)
    mass = mass.nan_to_num(0.0).clamp(min=MIN_SHARE)
    mass[:, BLANK] = 0
    shares = mass / (FRAMES_PER_SYMBOL * mass.sum(-1, keepdim=True).clamp(min=MIN_SHARE))
    shares[:, BLANK] = 1 - 1 / FRAMES_PER_SYMBOL
    return shares


def negative_log_likelihood(raw: Tensor, y: Tensor) -> Tensor:
    """Return -log P(transcript) of every row: infinite if no path spells it.

    Parameters
    ----------
    raw : Tensor of shape (..., n_samples, n_frames, n_symbols + 1)
    y : Tensor of shape (..., n_samples, max_length)

    Returns
    -------
    Tensor of shape (..., n_samples)
    """
    log_p = raw.flatten(0, -3).log_softmax(-1).transpose(0, 1)
    targets = y.flatten(0, -2).long()
    n_frames = torch.full((len(targets),), len(log_p), dtype=torch.long)
    symbols, lengths = targets.clamp(min=BLANK), lengths_of(targets).cpu()
    values = functional.ctc_loss(log_p, symbols, n_frames, lengths, blank=BLANK, reduction="none")
    return values.view(y.shape[:-1])


def _per_symbol(values: Tensor, y: Tensor) -> Tensor:
    """Divide the values of rows by their numbers of symbols, or by 1 if there are none."""
    return values / lengths_of(y).clamp(min=1)


@dataclass(frozen=True)
class CTC(TranscriptionLoss):
    """Connectionist temporal classification (CTC): negative log-probability of the transcript.

    ``(1 - ε) ℓ + ε KL(uniform ‖ p)`` with ``ℓ = -log Σ_paths Π_t p_t(path_t) / n`` over all paths
    that spell the transcript of n symbols once repeats are merged and blanks dropped, whichever
    frames the symbols are in, and with the divergence averaged over frames. Without smoothing it
    equals ``torch.nn.CTCLoss`` with its default reduction: divided by the number of symbols (or by
    1 if there are none), then averaged over rows.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The weight ε of the pull of every frame towards equal probabilities, in [0, 1).

    References
    ----------
    Graves, A. et al., Connectionist Temporal Classification, 2006. Kim, S. et al., Improved
    Training for Online End-to-end Speech Recognition Systems, 2018, arXiv 1711.02212 (the
    smoothing).

    Examples
    --------
    Two frames can spell one symbol in three ways, "1 1", "1 -" and "- 1", each of probability 1/4.

    >>> import torch
    >>> loss = CTC()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.zeros(1, 2, 2), y, loss.prepare(y, torch.ones(1), n_classes=2)).exp()
    tensor(1.3333)
    """

    name: ClassVar[str] = "ctc"
    aliases: ClassVar[tuple[str, ...]] = ("CTCLoss",)
    reference: ClassVar[str] = "Graves 2006; Kim 2018 for the smoothing"
    when: ClassVar[str] = (
        "Sequences with transcripts in the same order and no alignment: speech, handwriting,"
        " printed lines. The first loss to try, with a little label_smoothing if there are few"
        " utterances and the network is overconfident."
    )

    label_smoothing: float = parameter(0.0, Interval(0, 1, closed="left"))

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``(1 - ε) ℓ + ε KL(uniform ‖ p)``."""
        value = _per_symbol(negative_log_likelihood(raw, y), y)
        epsilon = state["label_smoothing"].squeeze(-1)
        if not (epsilon > 0).any():
            return value
        # KL(uniform ‖ p), averaged over frames that are no certain blanks.
        log_p = raw.log_softmax(-1)
        is_real = (log_p[..., 1:] > IMPROBABLE).any(-1) | (raw[..., 0] != 0)
        divergence = -log_p.mean(-1) - torch.log(raw.new_tensor(raw.shape[-1]))
        from_uniform = (divergence * is_real).sum(-1) / is_real.sum(-1).clamp(min=1)
        return (1 - epsilon) * value + epsilon * from_uniform


@dataclass(frozen=True)
class FocalCTC(TranscriptionLoss):
    """Focal CTC: utterances that are transcribed with confidence count less.

    ``(1 - P)^γ (-log P) / n`` with P the probability of the whole transcript of n symbols. Long
    transcripts have small P until they are transcribed well, so the weight takes effect late in
    training.

    Parameters
    ----------
    gamma : float, default=1.0
        How fast the weight falls as P rises, >= 0; 0 is CTC.

    References
    ----------
    Feng, X., Yao, H. and Zhang, S., Focal CTC Loss for Chinese Optical Character Recognition on
    Unbalanced Datasets, 2019.

    Examples
    --------
    >>> import torch
    >>> loss = FocalCTC(gamma=1.0)
    >>> y = torch.tensor([[1]])
    >>> loss(torch.zeros(1, 2, 2), y, loss.prepare(y, torch.ones(1), n_classes=2))  # 1/4 log 4/3
    tensor(0.0719)
    """

    name: ClassVar[str] = "focal_ctc"
    reference: ClassVar[str] = "Feng 2019"
    when: ClassVar[str] = (
        "Some symbols or kinds of utterance are rare, and the frequent ones are transcribed well"
        " long before them. Not with wrong transcripts, which it would emphasise."
    )

    gamma: float = parameter(1.0, Interval(0))

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``(1 - P)^γ (-log P) / n``."""
        value = negative_log_likelihood(raw, y)
        miss = -torch.expm1(-value)
        miss = miss.clamp(min=torch.finfo(value.dtype).tiny)
        return _per_symbol(miss ** state["gamma"].squeeze(-1) * value, y)


@dataclass(frozen=True)
class EntropyCTC(TranscriptionLoss):
    """CTC with maximum entropy (EnCTC), which keeps many ways to spell the transcript open.

    ``(-log P - β H) / n``, with H the entropy of the paths given the transcript, in nats. CTC alone
    soon puts all probability on one path, whose symbols are single frames among blanks. The entropy
    keeps the alternatives open while the network learns. The loss may be negative.

    Parameters
    ----------
    beta : float, default=0.2
        The weight of the entropy, >= 0; 0 is CTC.

    References
    ----------
    Liu, H., Jin, S. and Zhang, C., Connectionist Temporal Classification with Maximum Entropy
    Regularization, 2018.

    Examples
    --------
    Three equally likely ways to spell the transcript have the entropy log 3.

    >>> import torch
    >>> loss = EntropyCTC(beta=1.0)
    >>> y = torch.tensor([[1]])
    >>> loss(torch.zeros(1, 2, 2), y, loss.prepare(y, torch.ones(1), n_classes=2)).neg().exp()
    tensor(2.2500)
    """

    name: ClassVar[str] = "entropy_ctc"
    aliases: ClassVar[tuple[str, ...]] = ("enctc",)
    reference: ClassVar[str] = "Liu 2018"
    when: ClassVar[str] = (
        "With CTC, symbols come as isolated spikes, are misplaced or dropped, or training stalls"
        " early. Computing it takes several times as long as CTC."
    )

    beta: float = parameter(0.2, Interval(0))

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``(-log P - β H) / n``."""
        log_p = raw.flatten(0, -3).log_softmax(-1)
        pair = path_entropy(log_p, y.flatten(0, -2).long())
        log_probability, entropy = (values.view(y.shape[:-1]) for values in pair)
        return _per_symbol(-log_probability - state["beta"].squeeze(-1) * entropy, y)
