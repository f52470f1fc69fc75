"""Suggested losses: a table to read, and a grid to search."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 96


@dataclass(frozen=True)
class Suggestion:
    """A suggested loss.

    Attributes
    ----------
    loss : str
        Name of the loss.
    parameters : dict of str to list
        Values to try, by the name of the loss's parameter; empty for the defaults.
    why : str
        The reason, with a number.
    estimates : str
        What the loss estimates: `Loss.functional`.
    """

    loss: str
    parameters: dict[str, list[Any]]
    why: str
    estimates: str

    @property
    def shown_parameters(self) -> str:
        """The values to try, as text."""
        return ", ".join(
            f"{name}={' or '.join(map(_shown, values))}" for name, values in self.parameters.items()
        )


@dataclass(frozen=True, repr=False)
class Suggestions:
    """Suggested losses, the first to try first, as `suggest_losses` returns.

    It prints as a table and can be indexed and iterated like a list of suggestions, each with the
    attributes ``loss``, ``parameters``, ``why`` and ``estimates``.

    Attributes
    ----------
    rows : tuple of Suggestion
        The suggestions.
    facts : dict
        Properties of y and X by name: ``kind``, ``n_rows``, ``zeros``, ``skew`` ...
    question : str
        How y was read, and what the metric asks for, in a sentence.
    notes : tuple of str
        Further remarks.
    """

    rows: tuple[Suggestion, ...]
    facts: dict[str, Any]
    question: str
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Suggestion:
        return self.rows[index]

    def to_param_grid(self, prefix: str = "") -> list[dict[str, list[Any]]]:
        """Return the suggestions as grids for `LossSearchCV` and `GridSearchCV`, one per loss.

        Parameters
        ----------
        prefix : str, default=""
            Prefix of the network's parameters in the estimator that is searched, such as
            ``"net__"`` for the step "net" of a Pipeline.

        Returns
        -------
        list of dict
            One grid per loss.
        """
        return [
            {
                f"{prefix}loss": [row.loss],
                **{f"{prefix}loss__{name}": list(row.parameters[name]) for name in row.parameters},
            }
            for row in self.rows
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a DataFrame with the columns rank, loss, parameters and why."""
        import pandas as pd

        rows = [
            (rank, row.loss, row.shown_parameters, row.why) for rank, row in enumerate(self.rows, 1)
        ]
        return pd.DataFrame(rows, columns=["rank", "loss", "parameters", "why"])

    def __repr__(self) -> str:
        table = self.to_frame().astype(str)
        names = list(table)
        widths = [max(len(name), *map(len, table[name])) for name in names[:-1]]
        left = sum(widths) + 2 * len(widths)
        lines = [self.question, "", _line(names, widths)]
        for cells in table.itertuples(index=False):
            *short, why = cells
            first, *more = textwrap.wrap(why, max(WIDTH - left, 30))
            lines += [_line([*short, first], widths), *(" " * left + each for each in more)]
        wrapped = [each for note in self.notes for each in ("", *textwrap.wrap(note, WIDTH))]
        return "\n".join([*lines, *wrapped])

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(index=False, border=0, justify="left")
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<div><p>{html.escape(self.question)}</p>{table}{notes}</div>"


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "  ".join([*padded, cells[-1]]).rstrip()


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
