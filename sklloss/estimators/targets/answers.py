"""Answers: everything that a fitted estimator can say of a row, each defined once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ...losses.base import State
from ...parameters.refusals import some_of
from ...training import LossNet, PartOfRows, Rows
from .outputs import MeanOverMembers

# Rows that are answered at a time where they are read or encoded on the way.
MOST_ROWS = 2**18
# Numbers that a network returns for the rows that are answered at a time.
MOST_NUMBERS = 2**24

Key = TypeVar("Key", bound=Hashable)


class Answer(NamedTuple):
    """How raw output becomes an output of the estimator, by its methods and by ``to_module`` alike.

    Attributes
    ----------
    of_member : callable
        ``of_member(raw, state)`` returns what each member says, (1, n_samples, n_targets, ...).
    of_members : nn.Module
        Combines what all members say, (members, n_samples, n_targets, ...), into the output.
    decode : callable or None
        Turns the output, an array, into labels of any type, which no tensor holds.
    wide : bool
        Whether the estimator's methods compute it from raw output in float64; a module does in the
        precision of its networks.
    """

    of_member: Callable[[Tensor, State], Tensor]
    of_members: nn.Module
    decode: Callable[[Any], Any] | None = None
    wide: bool = False

    def said_by_member(self, raw: Tensor, state: State) -> Tensor:
        """Return what one member says of some rows, as the estimator's methods combine it."""
        return self.of_member(raw.double() if self.wide else raw, state)[0].cpu()

    def shown(self, output: Tensor) -> Any:
        """Return the output as the estimator's methods do, an array or labels."""
        return output.numpy() if self.decode is None else self.decode(output.numpy())


def raw_itself(raw: Tensor, state: State) -> Tensor:
    """Return raw output as it is."""
    return raw


RAW = Answer(raw_itself, MeanOverMembers())


def answered(
    answers: Mapping[Key, Answer],
    nets: Sequence[LossNet],
    scaled: Any,
    rows_at_once: int | None = None,
) -> dict[Key, Any]:
    """Return what answers say of some rows, running each net once.

    Parameters
    ----------
    answers : Mapping of key to Answer
    nets : sequence of LossNet
        The members of a fitted estimator.
    scaled : array, tensor, CSR matrix or Rows
        X on the scale that the nets take.
    rows_at_once : int or None, default=None
        How many rows are answered at a time; None is all of them, or as many as fit into memory
        where they are encoded on the way or the networks return many numbers for a row.

    Returns
    -------
    dict of key to ndarray, or to what the answer decodes it to
    """
    if rows_at_once is None:
        of_row = nets[0].criterion_.baseline[0].numel()
        at_most = MOST_ROWS if isinstance(scaled, Rows) else MOST_NUMBERS
        rows_at_once = max(1, min(at_most, MOST_NUMBERS // max(of_row, 1)))
    pieces = [_outputs(answers, nets, part) for part in _parts(scaled, rows_at_once)]
    outputs = {
        key: pieces[0][key] if len(pieces) == 1 else torch.cat([piece[key] for piece in pieces])
        for key in answers
    }
    return {key: answer.shown(outputs[key]) for key, answer in answers.items()}


def _parts(scaled: Any, at_once: int) -> list[Any]:
    """Return consecutive rows that are answered at a time."""
    n_rows = scaled.shape[0] if hasattr(scaled, "shape") else len(scaled)
    if n_rows <= at_once:
        return [scaled]
    spans = [(i, min(i + at_once, n_rows)) for i in range(0, n_rows, at_once)]
    if isinstance(scaled, Rows):
        return [PartOfRows(scaled, *span) for span in spans]
    return [scaled[start:stop] for start, stop in spans]


def _outputs(
    answers: Mapping[Key, Answer], nets: Sequence[LossNet], scaled: Any
) -> dict[Key, Tensor]:
    values: dict[Key, list[Tensor]] = {key: [] for key in answers}
    with torch.no_grad():
        for net in nets:
            raw, state = _finite(net.raw(scaled)), net.loss.readable(net.criterion_.state)
            for key, answer in answers.items():
                values[key].append(answer.said_by_member(raw, state))
        # A stack of one is a view, not a copy of all rows.
        one = len(nets) == 1
        stacked = {key: said[0][None] if one else torch.stack(said) for key, said in values.items()}
        return {key: answers[key].of_members(stacked[key]) for key in answers}


def _finite(raw: Tensor) -> Tensor:
    """Return raw output, (1, n_samples, ...); raise a ValueError where it is not finite."""
    if raw.isfinite().all():
        return raw
    wrong = ~raw[0].flatten(1).isfinite().all(1).numpy(force=True)
    raise ValueError(
        f"X has values so far from those of training that the network overflows: its output is not"
        f" finite for {some_of(wrong, 'row', '')}, for example row {wrong.argmax()}. Remove or clip"
        " them."
    )


def chosen(answers: Mapping[str, Answer], output: Any, label: str) -> Answer:
    """Return the answer of a name.

    Raises
    ------
    ValueError
        If there is none for this loss.
    """
    if not isinstance(output, str) or output not in answers:
        raise ValueError(
            f"to_module has no output={output!r} for loss {label!r}; it has"
            f" {', '.join(map(repr, answers))}."
        )
    return answers[output]
