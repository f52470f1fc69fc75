"""Draw mean ranks, with bars over contenders that a test does not tell apart (Demšar, 2006)."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure
from quality_rivals import OURS

sys.path.append(str(Path(__file__).parents[1] / "docs"))
from loss_drawing import INK, drawn

ACCENT = "#0072b2"
# Inches: the width, and the heights of a panel without and for each contender.
WIDTH, EDGE, LINE = 7.6, 1.1, 0.13


def svg_of_ranks(errors: Mapping[str, pd.DataFrame]) -> str:
    """Return the picture as SVG.

    Parameters
    ----------
    errors : mapping of str to DataFrame
        From the title of a panel to the mean error of each contender (columns) on each task (rows);
        nothing is missing.
    """
    return drawn(lambda: figure_of(errors))


def figure_of(errors: Mapping[str, pd.DataFrame]) -> Figure:
    """Return the picture, one panel below the other."""
    heights = [EDGE + LINE * table.shape[1] for table in errors.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)), facecolor="white")
    panels = figure.subplots(len(errors), gridspec_kw={"height_ratios": heights}, squeeze=False)
    figure.subplots_adjust(left=0.24, right=0.7, top=0.86, bottom=0.02, hspace=0.5)
    for axes, (title, table) in zip(panels.flat, errors.items(), strict=True):
        colours = {name: ACCENT if name == OURS else INK for name in table}
        scikit_posthocs.critical_difference_diagram(
            table.rank(axis=1).mean(),
            scikit_posthocs.posthoc_nemenyi_friedman(table),
            ax=axes,
            color_palette=colours,
            label_fmt_left="{label}  {rank:.2f}",
            label_fmt_right="{rank:.2f}  {label}",
            text_h_margin=0.015,
            crossbar_props={"color": INK, "linewidth": 2},
        )
        axes.set_title(title, fontsize=9, pad=20)
    return figure
