"""Every figure in the prose of the README and of the pages that newcomers read, with its source.

    python docs/figures.py

prints each sentence with the figures that its source gives now, the source, and the command that
writes it.  ``tests/test_figures.py`` compares them with the pages, and fails on a figure without a
line here.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from sklloss.losses import list_losses

DOCS = Path(__file__).parent
COMMANDS = {
    "sklloss.losses": "list_losses()",
    "docs/quality.csv": "python benchmarks/quality.py",
    "docs/speed.md": "python benchmarks/search_speed.py --write",
    "docs/advice.csv": "python benchmarks/advice.py",
    "benchmarks/advice_sets.py": "TRAIN_ROWS",
    "docs/calibration.md": "python benchmarks/calibration.py --write",
    "docs/advice.md": "python benchmarks/advice.py --write",
    "docs/choice.csv": "python docs/make_choice_table.py",
    "examples/data.py": "docs/make_choice_table.py draws the rows",
    "pyproject.toml": "requires-python, classifiers",
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
    shown = (f"{of_case[_candidate(loss)]:.{digits}f}" for loss in losses)
    return tuple(each.removeprefix("0") for each in shown)


def _candidate(loss: str) -> str:
    return loss if loss.startswith("{") else json.dumps({"loss": loss})


@cache
def _simulated() -> set[str]:
    text = (DOCS.parent / "benchmarks" / "advice_sets.py").read_text(encoding="utf-8")
    return set(re.findall(r'_law\("([^"]+)"', text))


def _below(metric: str, loss: str, base: str) -> tuple[str, ...]:
    """Return by how many percent a loss is below another, and on how many real tables."""
    results = pd.read_csv(DOCS / "advice.csv").drop_duplicates(
        ["case", "split", "metric", "candidate"], keep="last"
    )
    own = results[(results["metric"] == metric) & ~results["case"].isin(_simulated())]
    means = own.groupby(["case", "candidate"])["test"].mean().unstack()
    ratios = (means[_candidate(loss)] / means[_candidate(base)]).dropna()
    return f"{100 * (1 - np.exp(np.log(ratios).mean())):.0f}", str(len(ratios))


def _train_rows() -> tuple[str, ...]:
    text = (DOCS.parent / "benchmarks" / "advice_sets.py").read_text(encoding="utf-8")
    return (f"{int(re.search(r'TRAIN_ROWS.* = ([0-9_]+),', text)[1]):,}",)


def _within() -> tuple[str, ...]:
    """Return the number of sets, and on how many four suggestions are as good as all losses."""
    text = (DOCS / "advice.md").read_text(encoding="utf-8")
    return re.search(r"\| all sets \| (\d+) \| (\d+)% \|", text).groups()


def _coverage(loss: str) -> tuple[str, ...]:
    """Return the smallest and the largest coverage of 80 % intervals, and the number of tables."""
    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    table = page.partition("## 80 % intervals")[2].partition("##")[0]
    head, _, *rows = (line.split("|")[1:-1] for line in re.findall(r"^\|.*\|$", table, re.M))
    column = [name.strip() for name in head].index(loss)
    shares = [float(row[column].split()[0]) for row in rows]
    return (
        *(f"{share:.2f}".removeprefix("0") for share in (min(shares), max(shares))),
        str(len(rows)),
    )


def _sample() -> tuple[str, ...]:
    """Return the share of loans that went bad, and the number of loans."""
    sys.path[:0] = [str(DOCS), str(DOCS.parent / "examples")]
    from data import lending_club
    from make_choice_table import sampled

    _, bad = sampled(*lending_club())
    return f"{100 * bad.mean():.0f}", f"{len(bad):,}"


def _pythons() -> tuple[str, ...]:
    with (DOCS.parent / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert project["requires-python"] == f">={versions[0]}"
    return versions[0], versions[-1]


def _choice(metric: str) -> pd.Series:
    """Return the mean score of each loss by one metric."""
    results = pd.read_csv(DOCS / "choice.csv")
    return results[results["metric"] == metric].groupby("loss")["score"].mean()


def _scores(metric: str, *losses: str) -> tuple[str, ...]:
    own = _choice(metric)
    return tuple(_short(own[loss]) for loss in losses)


def _off_total(*losses: str) -> tuple[str, ...]:
    own = _choice("error of the total")
    return tuple(f"{100 * own[loss]:.0f}" for loss in losses)


def _worse(metric: str, loss: str, best: str) -> tuple[str, ...]:
    """Return by how many percent the error with one loss is above that with another."""
    own = _choice(metric)
    return (f"{100 * (own[loss] / own[best] - 1):.0f}",)


QUANTILE = '{"loss": "quantile", "loss__quantile": 0.9}'
LEVELS = '{"loss": "multi_quantile", "loss__quantiles": [0.9, 0.95]}'
BALANCED = "HGB, balanced"
_SKORCH = partial(_search_times, "GridSearchCV, plain skorch", 0)
_MLP = partial(_search_times, "GridSearchCV, scikit-learn MLP", 1)
_ADVICE = "docs/advice.csv"


def _number_of_losses(task: str | None = None) -> tuple[str, ...]:
    return (str(len(list_losses(task))),)


FIGURES = [
    Figure("There are {} losses", "sklloss.losses", _number_of_losses),
    Figure("{} for [regression]", "sklloss.losses", partial(_number_of_losses, "regression")),
    Figure(
        "{} for [classification]", "sklloss.losses", partial(_number_of_losses, "classification")
    ),
    Figure("Python {} to {}.", "pyproject.toml", _pythons),
    Figure("{} tasks over {} real tables", "docs/quality.csv", _tasks_and_tables),
    Figure("ahead of HistGradientBoosting on {}", "docs/quality.csv", partial(_ahead, HGB)),
    Figure("of LightGBM on {}", "docs/quality.csv", partial(_ahead, "LightGBM")),
    Figure("of CatBoost on {}", "docs/quality.csv", partial(_ahead, "CatBoost")),
    Figure("of scikit-learn's MLP on {}", "docs/quality.csv", partial(_ahead, "scikit-learn MLP")),
    Figure(
        "Over {} fits, a grid search over plain skorch takes {} times as long",
        "docs/speed.md",
        _SKORCH,
    ),
    Figure("one over scikit-learn's MLP {} times", "docs/speed.md", lambda: _MLP()[1:]),
    Figure("at most {} training rows (", "benchmarks/advice_sets.py", _train_rows),
    Figure(
        "the sum is off by {} % with `mse`, by {} % with `mae`",
        "docs/choice.csv",
        partial(_off_total, "mse", "mae"),
    ),
    Figure(
        "judged by MAE, `mse` is {} % worse than `mae`",
        "docs/choice.csv",
        partial(_worse, "MAE", "mse", "mae"),
    ),
    Figure(
        "by the pinball loss, it is {} % worse than `quantile`",
        "docs/choice.csv",
        partial(_worse, "pinball .9", "mse", "quantile"),
    ),
    Figure(
        "health spending, MAE: {} with `mse`, {} with `mae`, {} with `huber`",
        _ADVICE,
        partial(_errors, "health spending", "squared_error", "absolute_error", "huber"),
    ),
    Figure(
        "contaminated targets (simulated), MAE: {} with `mse`, {} with `cauchy`",
        _ADVICE,
        partial(_errors, "contaminated", "squared_error", "cauchy", digits=2),
    ),
    Figure(
        "check times, pinball loss: {} with `mse`, {} with `quantile`",
        _ADVICE,
        partial(_errors, "check times, high", "squared_error", QUANTILE),
    ),
    Figure(
        "health spending, pinball loss: {} with `mse`, {} with two levels",
        _ADVICE,
        partial(_errors, "health spending, high", "squared_error", LEVELS),
    ),
    Figure(
        "80 % intervals hold {} to {} of the rows of {} tables",
        "docs/calibration.md",
        partial(_coverage, "absolute_error"),
    ),
    Figure(
        "patents, Poisson deviance: {} with `mse`, {} with `poisson`",
        _ADVICE,
        partial(_errors, "patents", "squared_error", "poisson"),
    ),
    Figure(
        "zero-inflated (simulated), RMSE: {} with `mse`, {} with `tweedie`",
        _ADVICE,
        partial(_errors, "zero-inflated", "squared_error", "tweedie"),
    ),
    Figure(
        "{} tables, mean macro-F1: {}; HistGradientBoosting {}, with balanced classes {}",
        "docs/quality.csv",
        partial(_macro_f1, OURS, HGB, BALANCED),
    ),
    Figure(
        "Caravan, 1 - macro-F1: {} with `cross_entropy`, which finds none, {} with `logit_adjusted`",
        _ADVICE,
        partial(_errors, "Caravan", "cross_entropy", "logit_adjusted", digits=3),
    ),
    Figure(
        "diamond cut, MAE of ranks: {} with `cross_entropy`, {} with `corn`",
        _ADVICE,
        partial(_errors, "diamond cut, ordered", "cross_entropy", "corn", digits=3),
    ),
    Figure(
        "`mae`: {} % below `mse` on {} tables;",
        _ADVICE,
        partial(_below, "MAE", "absolute_error", "squared_error"),
    ),
    Figure("`huber`: {} %", _ADVICE, lambda: _below("MAE", "huber", "squared_error")[:1]),
    Figure(
        "`quantile`: {} % below `mse` on {} tables",
        _ADVICE,
        partial(_below, "pinball .9", QUANTILE, "squared_error"),
    ),
    Figure(
        "`poisson`: {} % below `mse` on {} tables",
        _ADVICE,
        partial(_below, "Poisson deviance", "poisson", "squared_error"),
    ),
    Figure(
        "`focal`: {} % below `cross_entropy` on {} tables",
        _ADVICE,
        partial(_below, "log-loss", "focal", "cross_entropy"),
    ),
    Figure(
        "`corn`: {} % below `cross_entropy` on {} tables",
        _ADVICE,
        partial(_below, "MAE of ranks", "corn", "cross_entropy"),
    ),
    Figure(
        "a median in which small y count more | check times: {}; with `mse` {}",
        "docs/choice.csv",
        partial(_scores, "MAPE", "mape", "mse"),
    ),
    Figure(
        "the mean of log(1 + y) | check times: {}; with `mse` {}",
        "docs/choice.csv",
        partial(_scores, "RMSLE", "msle", "mse"),
    ),
    Figure(
        'Lending Club: {} with `decision="macro_f1"`, {} without',
        "docs/choice.csv",
        partial(_scores, "macro-F1", "cross_entropy, macro_f1", "cross_entropy"),
    ),
    Figure(
        "Lending Club: {}; with `cross_entropy` {}",
        "docs/choice.csv",
        partial(_scores, "balanced accuracy", "logit_adjusted", "cross_entropy"),
    ),
    Figure(
        "Lending Club: {} with `cross_entropy`, {} with `hinge`",
        "docs/choice.csv",
        partial(_scores, "AUC", "cross_entropy", "hinge"),
    ),
    Figure(
        "On {} sets, a search over the first four suggestions is within 1 % of a search over all"
        " losses on {} %",
        "docs/advice.md",
        _within,
    ),
    Figure("Loans that go bad: {} % of {}.", "examples/data.py", _sample),
]

# Numbers that are definitions or settings, not results.
SETTINGS = [
    *(
        "9 times in 10",
        "9 times as much",
        "often 0",
        "mass at 0",
        "c / (1 + c)",
        "above 0",
        "y ≥ 0",
    ),
    *(
        "weighted by 1/\\|y\\|",
        "exp(E log(1 + y)) - 1",
        "the level .9",
        "4,000 packages",
        "BSD-3",
        "1 - token error rate",
    ),
    "If 5 % are positive, predicting none has an accuracy of .95.",
]


if __name__ == "__main__":
    print(*FIGURES, sep="\n")
