"""What a notebook shows of a fitted search below scikit-learn's diagram: verdict and best rows."""

from __future__ import annotations

import html
from typing import Any

from ..advice.verdicts.comparison import compare_losses
from ..advice.verdicts.phrases import significant

# Rows of the table that are shown.
MOST_ROWS = 5


def verdict_html(search: Any) -> str:
    """Return the verdict on a search and the top of its table, '' where there is none."""
    if not hasattr(search, "cv_results_"):
        return ""
    try:
        compared = compare_losses(search)
    except ValueError:
        return ""  # It has several metrics, or splits of which nobody knows how large they are.
    frame = compared.to_frame().head(MOST_ROWS)
    table = frame[["candidate", "mean", "std", "tied"]].copy()
    for name in ("mean", "std"):
        table[name] = [significant(value, 4) for value in frame[name]]
    table["tied"] = table["tied"].map({True: "with the best", False: ""})
    table = table.rename(columns={"mean": compared.metric})
    n_more = len(compared.to_frame()) - len(frame)
    more = f"<p>... and {n_more} more: compare_losses(search) has all.</p>" if n_more else ""
    verdict = f"<p><strong>{html.escape(compared.verdict)}</strong></p>"
    return f"<div>{verdict}{table.to_html(index=False, border=0)}{more}</div>"
