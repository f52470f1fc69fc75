"""The report of the quality benchmark: tables, ranks, wins and times, as a page of Markdown."""

from textwrap import fill

import numpy as np
import pandas as pd
from quality_rivals import (
    BALANCED,
    BOOSTERS,
    CATBOOST,
    CONTENDERS,
    HGB,
    LGBM,
    MATCHED,
    MLP,
    ONE,
    OURS,
    REALMLP,
    SEARCHED,
    SLOW,
    TABM,
    TUNED,
)
from quality_sets import FEW_ROWS, FEW_SPLITS, MACRO_F1
from rivals import markdown_table
from scipy import stats

COMMAND = "python benchmarks/quality.py"
# How far behind the best a table is named, and the level of the tests.
BEHIND, LEVEL = 0.05, 0.05
# Settings were chosen on the splits before.
FIRST_UNTOUCHED = 3

# Contenders at their defaults that train on all rows, and those beside slower ones.
UNTUNED = [name for name in CONTENDERS if name not in (*SLOW, BALANCED, ONE)]
ALL = [name for name in CONTENDERS if name not in (BALANCED, ONE, TABM, MATCHED, SEARCHED)]
WHOLE, FEW = "All rows", f"At most {FEW_ROWS:,} rows, with slower rivals"


INTRODUCTION = (
    "How good are defaults on raw tables, beside boosted trees and other networks? Each row is a"
    " task; some tables have several targets or metrics. Errors are means over splits. Lower is"
    " better, and the best of a row is bold. Every contender has the objective that matches the"
    " metric, handles categories in its own way, and is at its defaults, with two exceptions. Where"
    ' the metric is macro-F1, sklloss has `decision="macro_f1"` while the others predict the likeliest'
    " class; the section on rare classes also has HistGradientBoosting with balanced classes. Tuned"
    " contenders stop early on a fifth of the rows, at the best of three rates, and are not fitted"
    " again on all rows, so on small tables they are often worse than at their defaults. Written by"
    f" `{COMMAND} --write` from `docs/quality.csv`."
)
ON_TESTS = (
    'Ranks are among untuned contenders. "Clearly" means by a t-test over the splits of a task at the'
    f" level {LEVEL}, corrected for the rows that splits share (Nadeau and Bengio, 2003)."
)
ON_TIME = (
    "Seconds of fit and prediction on two cores. Most fits of CatBoost, and those of the tuned"
    " boosters, RealMLP and TabM, ran with one thread beside other work, so their times are upper"
    " bounds."
)
ON_TABM = f"{TABM} takes minutes where others take seconds, so it runs on one split of the smallest tables."
ON_SEARCH = (
    "`LossSearchCV` over four losses that a user might try, scored by the metric in five folds,"
    f" beside the loss that matches the metric; at most {FEW_ROWS:,} rows, two splits."
)


def page(results: pd.DataFrame) -> str:
    """Return the report of all results."""
    whole, few = whole_of(results), few_of(results)
    parts = [
        "# Quality of default fits\n",
        fill(INTRODUCTION, 120) + "\n",
        "![Mean ranks of the contenders](quality.svg)\n",
        f"## {WHOLE}\n",
        _errors(whole, UNTUNED),
        fill(ON_TESTS, 120) + "\n",
        _summary(whole, UNTUNED),
        _untouched(whole),
        "## Rare classes\n",
        _rare(whole),
        "## Time\n",
        fill(ON_TIME, 120) + "\n",
        _times(whole, [*UNTUNED, ONE]),
    ]
    if not few.empty:
        parts += [f"## {FEW}\n", _errors(few, ALL), _summary(few, ALL), _times(few, ALL)]
        parts += _of_tabm(few) + _of_search(few)
    return "\n".join(parts)


def with_front_table(text: str, results: pd.DataFrame) -> str:
    """Return the front page with the table of these results."""
    before, start, rest = text.partition(f"<!-- {COMMAND} --write -->\n")
    _, end, after = rest.partition("<!-- end -->")
    return f"{before}{start}\n{front_table(results)}\n\n{end}{after}"


def front_table(results: pd.DataFrame) -> str:
    """Return how we compare with boosted trees and other networks, a line for each."""
    few = few_of(results)
    few_rows = f"at most {FEW_ROWS:,} rows"
    parts = [
        (whole_of(results), {name: name for name in UNTUNED[1:]}),
        (few, {REALMLP: f"{REALMLP}, {few_rows}"}),
        (_with_tabm(few), {TABM: f"{TABM}, {few_rows}, one split"}),
    ]
    rows = [_front_row(part, name, label) for part, names in parts for name, label in names.items()]
    head = [
        "rival",
        "sklloss ahead on",
        "clearly better",
        "clearly worse",
        "rival, seconds",
        "sklloss, seconds",
    ]
    return markdown_table(head, rows)


def _front_row(results: pd.DataFrame, name: str, label: str) -> list[str]:
    both = means(results, [OURS, name]).dropna()
    ahead = int((both[OURS] < both[name]).sum())
    # One split says nothing about what is clear.
    clear = _significant(results, name) if results["split"].nunique() > 1 else ("", "")
    seconds = results.pivot_table(
        index="task", columns="contender", values="seconds", aggfunc="median"
    )
    medians = seconds[[name, OURS]].dropna().median()
    times = [f"{medians[each]:.1f}" for each in (name, OURS)]
    return [label, f"{ahead} of {len(both)}", *map(str, clear), *times]


def whole_of(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results of fits on all rows."""
    return results[results["rows"] == results.groupby("task")["rows"].transform("max")]


def few_of(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results of fits on few rows, of splits and tasks that have slow rivals."""
    few = results[(results["rows"] <= FEW_ROWS) & (results["split"] < FEW_SPLITS)]
    return few[few["task"].isin(few[few["contender"] == REALMLP]["task"])]


def ranked(results: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the errors that the picture ranks, by the title of its panels."""
    parts = {WHOLE: (whole_of(results), UNTUNED), FEW: (few_of(results), [*UNTUNED, REALMLP])}
    tables = {title: means(of_part, names).dropna() for title, (of_part, names) in parts.items()}
    return {title: table for title, table in tables.items() if not table.empty}


def means(results: pd.DataFrame, contenders: list[str]) -> pd.DataFrame:
    """Return the mean error of each contender (columns) on each task (rows)."""
    table = results.pivot_table(index=["task", "metric"], columns="contender", values="error")
    table = table.reindex(columns=[name for name in contenders if name in table])
    if OURS not in table:
        return table.iloc[:0]
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
    ranks = table[[name for name in table if name not in TUNED.values()]].rank(axis=1).mean()
    rows = []
    for name in table:
        if name == OURS:
            rows.append([name, f"{ranks[name]:.2f}", "", "", ""])
            continue
        rank = f"{ranks[name]:.2f}" if name in ranks else ""
        both = table[[OURS, name]].dropna()
        ahead = int((both[OURS] < both[name]).sum())
        better, worse = _significant(results, name)
        rows.append([name, rank, f"{ahead} of {len(both)}", str(better), str(worse)])
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
            lines.append(f"Ahead of {words} on {ahead:.0%} of the tasks.")
    behind = table[OURS] / table.min(axis=1) - 1
    far = [f"{task} ({gap:.0%})" for (task, _), gap in behind.items() if gap > BEHIND]
    lines.append(f"More than {BEHIND:.0%} behind the best: {', '.join(far) or 'none'}.\n")
    return "\n".join(lines)


def _untouched(results: pd.DataFrame) -> str:
    """Return how we compare with boosters on the splits that no setting was chosen on."""
    late = results[results["split"] >= FIRST_UNTOUCHED]
    known = [name for name in BOOSTERS[:2] if name in set(late["contender"])]
    if len(known) < 2:
        return ""
    table = means(late, UNTUNED)
    ahead = int((table[OURS] < table[known].min(axis=1)).sum())
    text = (
        f"Settings were chosen on splits 0 to {FIRST_UNTOUCHED - 1} of most of these tables. On"
        f" splits {FIRST_UNTOUCHED} and later alone, sklloss is ahead of both {' and '.join(known)} on"
        f" {ahead} of {len(table)} tasks."
    )
    return fill(text, 120) + "\n"


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


def _with_tabm(few: pd.DataFrame) -> pd.DataFrame:
    """Return the results of the tasks, and the one split, of a rival that has a single split."""
    first = few[few["split"] == 0]
    return first[first["task"].isin(first[first["contender"] == TABM]["task"])]


def _of_tabm(few: pd.DataFrame) -> list[str]:
    """Return how we compare with a rival that has a single split."""
    first = _with_tabm(few)
    if first.empty:
        return []
    names = [OURS, TABM, REALMLP, CATBOOST]
    title = f"## {TABM}, on one split\n"
    return [
        title,
        fill(ON_TABM, 120) + "\n",
        _errors(first, names),
        _summary(first, names),
        _times(first, [HGB, *names]),
    ]


def _of_search(few: pd.DataFrame) -> list[str]:
    """Return what a search over losses costs or gains beside the loss that matches the metric."""
    table = means(few, [OURS, MATCHED, SEARCHED])
    if SEARCHED not in table or MATCHED not in table:
        return []
    table = table[[MATCHED, SEARCHED]].dropna()
    rows = [
        [f"{task}, {metric}", f"{own:.4g}", f"{found:.4g}", f"{found / own - 1:+.1%}"]
        for (task, metric), (own, found) in table.iterrows()
    ]
    head = ["table and metric", "matching loss", "best of a grid", "difference"]
    return ["## A search over losses\n", fill(ON_SEARCH, 120) + "\n", markdown_table(head, rows)]


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
