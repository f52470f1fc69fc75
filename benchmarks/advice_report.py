"""The page of the advice benchmark: what the best of four suggestions costs beside a full search."""

import json
from collections.abc import Iterator

import pandas as pd
from advice_sets import CASES, CHOSEN_ON

# What the best of the suggestions may be worse than the best of all.
MARGIN = 0.01
INTRODUCTION = """\
# Suggested losses beside exhaustive searches

Is it enough to search over the first four losses that `suggest_losses` names? Each set is searched twice, in three
folds of at most 1,000 training rows, with one network per candidate: over every loss of the task at its defaults, and
over the first four suggestions for the metric, with the parameters that they name. Errors are those of the two winners
on test rows that no search has seen, averaged over the splits; lower is better. *Worse by* compares the two, and is
negative where the four did better. *Best of four* is the one with the lowest test error, which a user cannot know.

The rules behind the suggestions were chosen on the first split of the sets marked †; the others were kept for the
end. Written by `python benchmarks/advice.py --write` from `docs/advice.csv` and `docs/advice_suggested.csv`.
"""


def winner(lines: pd.DataFrame) -> pd.Series:
    """Return the candidate with the best mean over folds."""
    return lines.loc[lines["cv"].idxmin()]


def compared(results: pd.DataFrame, suggested: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield, per set and split, the test errors of both searches, and what they chose."""
    latest = suggested.drop_duplicates(["case", "split", "metric", "candidate"], keep="last")
    results = results.drop_duplicates(["case", "split", "metric", "candidate"], keep="last")
    for (name, split, metric), ranked in latest.groupby(["case", "split", "metric"], sort=False):
        same = (results["case"] == name) & (results["split"] == split)
        lines = results[same & (results["metric"] == metric)]
        four = lines[lines["candidate"].isin(ranked["candidate"])]
        is_default = [len(json.loads(each)) == 1 for each in lines["candidate"]]
        every = lines[pd.Series(is_default, index=lines.index)]
        if name.endswith(", high"):
            every = lines  # The level of a quantile is that of the metric.
        yield {
            "case": name,
            "metric": metric,
            "split": split,
            "all": winner(every)["test"],
            "four": winner(four)["test"],
            "best of four": four["test"].min(),
            "lowest": every["test"].min(),
            "chosen of all": loss_of(winner(every)["candidate"]),
            "chosen of four": loss_of(winner(four)["candidate"]),
        }


def loss_of(candidate: str) -> str:
    """Return the name of a candidate's loss, and its parameters."""
    params = json.loads(candidate)
    name = params.pop("loss")
    shown = ", ".join(f"{key.split('__')[1]}={value}" for key, value in params.items())
    return f"{name}({shown})" if shown else str(name)


def averaged(results: pd.DataFrame, suggested: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of each set, means over its splits, and how much worse the four are."""
    table = pd.DataFrame(compared(results, suggested))
    by = table.groupby(["case", "metric"], sort=False)
    means = by[["all", "four", "best of four", "lowest"]].mean().reset_index()
    means["splits"] = by.size().to_numpy()
    for name in ("chosen of all", "chosen of four"):
        means[name] = [", ".join(dict.fromkeys(group)) for _, group in by[name]]
    means["worse by"] = means["four"] / means["all"] - 1
    means["best worse by"] = means["best of four"] / means["all"] - 1
    means["chosen on"] = means["case"].isin(CHOSEN_ON)
    means["is law"] = [CASES[name].is_law for name in means["case"]]
    return means


def page(results: pd.DataFrame, suggested: pd.DataFrame) -> str:
    """Return the page."""
    means = averaged(results, suggested)
    header = "| set and metric | splits | all losses | first four | worse by | chosen of all | chosen of the four |"
    lines = [header, "| --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for row in means.to_dict("records"):
        mark = " †" if row["chosen on"] else ""
        lines.append(
            f"| {row['case']}, {row['metric']}{mark} | {row['splits']} | {row['all']:.4g} |"
            f" {row['four']:.4g} | {100 * row['worse by']:+.1f} % | {row['chosen of all']} |"
            f" {row['chosen of four']} |"
        )
    return "\n".join([INTRODUCTION, *_summary(means), "", _against_lowest(means), "", *lines, ""])


def _against_lowest(means: pd.DataFrame) -> str:
    """Return how both searches stand beside the loss with the lowest test error."""
    four, every = (
        ((means[column] / means["lowest"] - 1) <= MARGIN).mean() for column in ("four", "all")
    )
    return (
        "Cross-validation itself errs: compared with the loss whose test error turns out to be the"
        f" lowest of all,\nthe winner of the four is within 1 % on {four:.0%} of the sets, and the"
        f" winner of the full search on {every:.0%}."
    )


def _summary(means: pd.DataFrame) -> Iterator[str]:
    groups = {
        "all sets": means,
        "sets on which rules were chosen": means[means["chosen on"]],
        "other sets": means[~means["chosen on"]],
        "real tables": means[~means["is law"]],
        "simulated data": means[means["is law"]],
    }
    yield "| | sets | four within 1 % of all | best of four within 1 % of all | median worse by |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, group in groups.items():
        if len(group):
            within, best = (
                (group[column] <= MARGIN).mean() for column in ("worse by", "best worse by")
            )
            middle = 100 * group["worse by"].median()
            yield f"| {name} | {len(group)} | {within:.0%} | {best:.0%} | {middle:+.1f} % |"
