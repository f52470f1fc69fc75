"""The report of the quality benchmark: tables, ranks, wins and times, as a page of Markdown."""

import numpy as np
import pandas as pd
from quality_rivals import (
    BALANCED,
    BOOSTERS,
    CONTENDERS,
    HGB,
    LGBM,
    MLP,
    ONE,
    OURS,
    REALMLP,
    SLOW,
)
from quality_sets import FEW_ROWS, MACRO_F1
from rivals import markdown_table
from scipy import stats

COMMAND = "python benchmarks/quality.py"
# How far behind the best a table is named, and the level of the tests.
BEHIND, LEVEL = 0.05, 0.05


def page(results: pd.DataFrame) -> str:
    """Return the report of all results."""
    untuned = [name for name in CONTENDERS if name not in (*SLOW, BALANCED, ONE)]
    whole = results[results["rows"] == results.groupby("task")["rows"].transform("max")]
    few = results[results["rows"] <= FEW_ROWS]
    compared = few[few["split"] < 2]
    compared = compared[compared["task"].isin(compared[compared["contender"] == REALMLP]["task"])]
    parts = [
        "# Quality of default fits\n",
        f"Written by `{COMMAND} --write` from `docs/quality.csv`. Errors are means over splits; lower"
        " is better, and the best of a row is bold. Nothing was tuned, and every contender has the"
        " objective that matches the metric and its own treatment of categories.\n",
        "## All rows\n",
        _errors(whole, untuned),
        _summary(whole, untuned),
        "## Rare classes\n",
        _rare(whole),
        "## Time\n",
        _times(whole, untuned),
    ]
    if not compared.empty:
        parts += [
            f"## At most {FEW_ROWS:,} rows, with slower rivals\n",
            _errors(compared, [name for name in CONTENDERS if name not in (BALANCED, ONE)]),
            _summary(compared, [*untuned, REALMLP]),
            _times(compared, [*untuned, *SLOW]),
        ]
    return "\n".join(parts)


def means(results: pd.DataFrame, contenders: list[str]) -> pd.DataFrame:
    """Return the mean error of each contender (columns) on each task (rows)."""
    table = results.pivot_table(index=["task", "metric"], columns="contender", values="error")
    table = table.reindex(columns=[name for name in contenders if name in table])
    order = list(dict.fromkeys(results["task"]))
    return table.dropna(subset=[OURS]).sort_index(key=lambda i: i.map(_places(order)), level=0)


def _places(order: list[str]) -> dict[str, int]:
    return {name: i for i, name in enumerate(order)}


def _errors(results: pd.DataFrame, contenders: list[str]) -> str:
    table = means(results, contenders)
    rows = []
    for (task, metric), errors in table.iterrows():
        best = errors.min()
        shown = ["" if np.isnan(e) else f"**{e:.4g}**" if e == best else f"{e:.4g}" for e in errors]
        rows.append([f"{task}, {metric}", *shown])
    return markdown_table(["table and metric", *table.columns], rows) + "\n"


def _summary(results: pd.DataFrame, contenders: list[str]) -> str:
    """Return ranks, wins and losses, and what lies far behind the best."""
    table = means(results, contenders).dropna(axis=1, how="all")
    ranks = table.rank(axis=1).mean()
    rows = []
    for name in table:
        if name == OURS:
            rows.append([name, f"{ranks[name]:.2f}", "", "", ""])
            continue
        both = table[[OURS, name]].dropna()
        ahead = int((both[OURS] < both[name]).sum())
        better, worse = _significant(results, name)
        rows.append(
            [name, f"{ranks[name]:.2f}", f"{ahead} of {len(both)}", str(better), str(worse)]
        )
    head = ["contender", "mean rank", "sklloss ahead on", "clearly better", "clearly worse"]
    lines = [markdown_table(head, rows), ""]
    pairs = [
        (BOOSTERS[:2], "both HistGradientBoosting and LightGBM"),
        (BOOSTERS, "all three boosters"),
    ]
    for rivals, words in pairs:
        known = [name for name in rivals if name in table]
        if len(known) == len(rivals):
            ahead = (table[OURS] < table[known].min(axis=1)).mean()
            lines.append(f"Ahead of {words} on {ahead:.0%} of the tables.")
    behind = table[OURS] / table.min(axis=1) - 1
    far = [f"{task} ({gap:.0%})" for (task, _), gap in behind.items() if gap > BEHIND]
    lines.append(f"More than {BEHIND:.0%} behind the best: {', '.join(far) or 'none'}.\n")
    return "\n".join(lines)


def _significant(results: pd.DataFrame, name: str) -> tuple[int, int]:
    """Return on how many tasks we are better, and worse, by a test over splits.

    Splits share rows, so the variance of the mean difference is that of Nadeau and Bengio
    ("Inference for the generalization error", 2003).
    """
    better = worse = 0
    for _, of_task in results.groupby("task"):
        errors = of_task.pivot_table(index="split", columns="contender", values="error")
        if name not in errors or OURS not in errors:
            continue
        gains = (errors[name] - errors[OURS]).dropna()
        if len(gains) < 2 or gains.std() == 0:
            continue
        share = (of_task["test_rows"] / of_task["rows"]).iloc[0]
        t = gains.mean() / (gains.std() * np.sqrt(1 / len(gains) + share))
        p = 2 * stats.t.sf(abs(t), len(gains) - 1)
        better += int(p < LEVEL and t > 0)
        worse += int(p < LEVEL and t < 0)
    return better, worse


def _rare(results: pd.DataFrame) -> str:
    rare = results[results["metric"] == MACRO_F1]
    scores = 1 - rare.pivot_table(index="task", columns="contender", values="error")
    shown = [name for name in (OURS, HGB, BALANCED, LGBM, MLP) if name in scores]
    mean = scores[shown].mean()
    rows = [[name, f"{mean[name]:.3f}"] for name in shown]
    return markdown_table(["contender", "mean macro-F1"], rows) + "\n"


def _times(results: pd.DataFrame, contenders: list[str]) -> str:
    """Return the seconds of fit and prediction, and how they compare with HistGradientBoosting's."""
    seconds = results.pivot_table(
        index="task", columns="contender", values="seconds", aggfunc="median"
    )
    rows = []
    for name in (name for name in contenders if name in seconds):
        ratio = (seconds[name] / seconds[HGB]).dropna() if HGB in seconds else pd.Series([np.nan])
        rows.append(
            [name, f"{seconds[name].median():.2f}", f"{ratio.median():.2f}", f"{ratio.max():.1f}"]
        )
    head = ["contender", "median seconds", "median times HGB's", "most times HGB's"]
    return markdown_table(head, rows) + "\n"
