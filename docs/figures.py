"""Every figure in the prose of the README and of the pages that newcomers read, with its source.

    python docs/figures.py

prints each sentence with the figures that its source gives now, the source, and the command that
writes it.  ``tests/test_figures.py`` compares them with the pages, and fails on a figure without a
line here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pandas as pd

from sklloss.losses import list_losses

DOCS = Path(__file__).parent
COMMANDS = {
    "sklloss.losses": "list_losses()",
    "docs/quality.csv": "python benchmarks/quality.py",
    "docs/speed.md": "python benchmarks/search_speed.py --write",
    "docs/advice.csv": "python benchmarks/advice.py",
    "docs/calibration.md": "python benchmarks/calibration.py --write",
    "docs/choice.csv": "python docs/make_choice_table.py",
}
# Tasks of the quality benchmark that share a table with another task.
SAME_TABLE = {
    "check times, high": "check times",
    "health spending, high": "health spending",
    "doctor visits": "health spending",
    "diamond cut": "diamonds",
}
OURS, HGB = "sklloss", "HistGradientBoosting"
UNTUNED = [OURS, HGB, "LightGBM", "CatBoost", "scikit-learn MLP"]
# What a figure looks like in a sentence.
NUMBER = r"[\d,]*\.?\d+"


@dataclass(frozen=True)
class Figure:
    """A sentence or a cell, with {} for each figure, and what its source says that they are."""

    text: str
    source: str
    values: Callable[[], tuple[str, ...]]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Find the sentence in a page, wherever its lines break and whatever its figures are."""
        words = (re.escape(word).replace(r"\{\}", f"({NUMBER})") for word in self.text.split())
        return re.compile(r"\s+".join(words))

    def __str__(self) -> str:
        return f"{self.text.format(*self.values())}\n    {self.source}: {COMMANDS[self.source]}"


@cache
def _quality() -> pd.DataFrame:
    """Return the mean error of contenders (columns) on tasks (rows), trained on all rows."""
    results = pd.read_csv(DOCS / "quality.csv")
    whole = results[results["rows"] == results.groupby("task")["rows"].transform("max")]
    return whole.pivot_table(index=["task", "metric"], columns="contender", values="error")


def _tasks_and_tables() -> tuple[str, ...]:
    tasks = _quality().dropna(subset=UNTUNED).index.get_level_values("task")
    return str(len(tasks)), str(len({SAME_TABLE.get(task, task) for task in tasks}))


def _ahead(*rivals: str) -> tuple[str, ...]:
    """Return on how many tasks the default is ahead of each rival."""
    table = _quality()
    return tuple(str((table[OURS] < table[rival]).sum()) for rival in rivals)


def _ranks(*names: str) -> tuple[str, ...]:
    ranks = _quality()[UNTUNED].rank(axis=1).mean()
    return tuple(f"{ranks[name]:.2f}" for name in names)


def _macro_f1(*names: str) -> tuple[str, ...]:
    """Return the mean macro-F1 over the tables of the section on rare classes."""
    rare = _quality().xs("1 - macro-F1", level="metric")
    return (str(len(rare)), *(_short(1 - rare[name].mean()) for name in names))


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _search_times(contender: str, digits: int) -> tuple[str, ...]:
    """Return the fits of the first search, and how often as long a rival takes."""
    page = (DOCS / "speed.md").read_text(encoding="utf-8")
    fits, times = re.search(rf"\| {contender} *\| *(\d+) \| *[\d.]+ \| *([\d.]+) \|", page).groups()
    return fits, f"{float(times):.{digits}f}"


@cache
def _advice() -> pd.DataFrame:
    results = pd.read_csv(DOCS / "advice.csv").drop_duplicates(
        ["case", "split", "metric", "candidate"], keep="last"
    )
    return results.groupby(["case", "candidate"])["test"].mean().unstack()


def _errors(case: str, *losses: str, digits: int = 1) -> tuple[str, ...]:
    """Return the test errors of losses; a loss with parameters is given as JSON."""
    of_case = _advice().loc[case]
    keys = (loss if loss.startswith("{") else json.dumps({"loss": loss}) for loss in losses)
    shown = (f"{of_case[key]:.{digits}f}" for key in keys)
    return tuple(each.removeprefix("0") for each in shown)


def _coverage(loss: str) -> tuple[str, ...]:
    """Return the smallest and the largest coverage of 80 % intervals, and the number of tables."""
    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    table = page.partition("## 80 % intervals")[2].partition("##")[0]
    head, _, *rows = (line.split("|")[1:-1] for line in re.findall(r"^\|.*\|$", table, re.M))
    column = [name.strip() for name in head].index(loss)
    shares = [float(row[column].split()[0]) for row in rows]
    return (*(f"{share:.2f}".removeprefix("0") for share in (min(shares), max(shares))), str(len(rows)))


def _off_total(*losses: str) -> tuple[str, ...]:
    results = pd.read_csv(DOCS / "choice.csv")
    own = results[results["metric"] == "error of the total"].groupby("loss")["score"].mean()
    return tuple(f"{100 * own[loss]:.0f}" for loss in losses)


QUANTILE, LEVELS = (
    '{"loss": "quantile", "loss__quantile": 0.9}',
    '{"loss": "multi_quantile", "loss__quantiles": [0.9, 0.95]}',
)
_SKORCH = partial(_search_times, "GridSearchCV, plain skorch", 0)
_MLP = partial(_search_times, "GridSearchCV, scikit-learn MLP", 1)

FIGURES = [
    Figure("{} losses", "sklloss.losses", lambda: (str(len(list_losses())),)),
    Figure(
        "{} for [regression]", "sklloss.losses", lambda: (str(len(list_losses("regression"))),)
    ),
    Figure(
        "{} for [classification]",
        "sklloss.losses",
        lambda: (str(len(list_losses("classification"))),),
    ),
    Figure("{} tasks over {} real tables", "docs/quality.csv", _tasks_and_tables),
    Figure("ahead of HistGradientBoosting on {}", "docs/quality.csv", partial(_ahead, HGB)),
    Figure("of LightGBM on {}", "docs/quality.csv", partial(_ahead, "LightGBM")),
    Figure("of CatBoost on {}", "docs/quality.csv", partial(_ahead, "CatBoost")),
    Figure(
        "of scikit-learn's MLP on {}", "docs/quality.csv", partial(_ahead, "scikit-learn MLP")
    ),
    Figure(
        "mean rank {}, CatBoost {}", "docs/quality.csv", partial(_ranks, OURS, "CatBoost")
    ),
]
