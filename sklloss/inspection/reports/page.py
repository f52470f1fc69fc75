"""A page of sections, tables and pictures, and its HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from ...advice.verdicts.phrases import significant
from .pictures import Picture, with_own_ids

# Rows from which on a table is folded.
LONG = 12
# Letters from which on a cell needs room of its own.
WIDE = 40
# Cells that are aligned to the right.
NUMBER = re.compile(r"(-?[\d.,]+)?")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
    css : str
        Its class: "number", "wide" or none.
    """

    name: str
    css: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it is aligned to the right."""
        return self.css == "number"


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    caption : str
    columns : list of Column
    rows : list of list of str
    chosen : int
        The row that is printed bold; -1 for none.
    is_long : bool
        Whether it is folded.
    """

    caption: str
    columns: list[Column]
    rows: list[list[str]]
    chosen: int = -1
    is_long: bool = False

    @property
    def has_prose(self) -> bool:
        """Whether a narrow page puts the cells of a row below each other."""
        return any(column.css == "wide" for column in self.columns)

    @classmethod
    def of_frame(cls, caption: str, frame: pd.DataFrame, chosen: int = -1) -> Table:
        """Return a DataFrame as text; long ones are folded."""
        texts = {name: [shown(value) for value in frame[name]] for name in frame}
        columns = [Column(str(name), _css(texts[name])) for name in frame]
        rows = [list(row) for row in zip(*texts.values(), strict=True)]
        return cls(caption, columns, rows, chosen, len(rows) > LONG)


@dataclass(frozen=True)
class Section:
    """A part of a page, with whatever it has of these.

    Attributes
    ----------
    title : str
    texts, notes : sequence of str
        Paragraphs before and after all else.
    facts : dict of str
    code : str
    tables : sequence of Table
    pictures : sequence of Picture
    """

    title: str
    texts: Sequence[str] = ()
    facts: dict[str, str] = field(default_factory=dict)
    code: str = ""
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    notes: Sequence[str] = ()


def html_of(title: str, verdict: str, sections: Sequence[Section], footer: str) -> str:
    """Return a page that needs nothing but itself."""
    from jinja2 import Environment, StrictUndefined

    template = files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    numbered = [_with_own_ids(section, i) for i, section in enumerate(sections)]
    return environment.from_string(template).render(
        title=title, verdict=verdict, sections=numbered, footer=footer
    )


def _with_own_ids(section: Section, number: int) -> Section:
    pictures = [
        replace(picture, svg=with_own_ids(picture.svg, f"p{number}-{i}-"))
        for i, picture in enumerate(section.pictures)
    ]
    return replace(section, pictures=pictures)


def shown(value: Any) -> str:
    """Return the value of a cell: numbers with four digits, nothing for what is missing.

    Examples
    --------
    >>> shown(0.123456), shown(np.nan), shown(None), shown(True), shown(12), shown(-54.31768)
    ('0.1235', '', '', 'yes', '12', '-54.32')
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        return significant(float(value), 4) if np.isfinite(value) else str(value)
    return str(value)


def _css(texts: Sequence[str]) -> str:
    if all(map(NUMBER.fullmatch, texts)) and any(texts):
        return "number"
    return "wide" if max(map(len, texts), default=0) > WIDE else ""
