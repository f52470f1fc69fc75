"""The sections of a report: what was asked, what the data are, what came out, and the winner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from platform import python_version
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer_names

from ...advice.suggestion.suggest import suggest_losses
from ...advice.verdicts.comparison import Comparison, compare_losses
from ...advice.verdicts.cv_results import metrics_in
from ...advice.verdicts.metric import metric_that_refits
from ...losses import Loss
from ...search.grids import OWN_SCORES
from ...search.scikit_learn import with_params
from ...search.steps import net_of, path_to_net
from ..candidates import Candidates, last_rows
from .code import code_of
from .page import LONG, Section, Table, shown
from .pictures import (
    pictures_of_losses,
    pictures_of_predictions,
    pictures_of_scores,
    pictures_of_training,
)

LIBRARIES = ("sklloss", "scikit-learn", "torch", "skorch", "numpy", "pandas")
COMPARED = {
    "candidate": "candidate",
    "mean": "mean",
    "std": "std over splits",
    "difference": "difference to the best",
    "p_holm": "p (Holm)",
    "worse": "P(worse)",
    "equivalent": "P(equivalent)",
    "better": "P(better)",
    "tied": "tied",
}
# What facts are called that are no words by themselves.
FACTS = {
    "kind": "kind of target",
    "n_rows": "rows",
    "n_targets": "targets",
    "n_classes": "classes",
    "outliers": "outliers, share of rows",
    "outliers_above": "share of outliers above the median",
    "zeros": "zeros, share of rows",
    "skew": "skewness",
    "offset": "mean in standard deviations",
    "at_lowest": "share at the lowest",
    "at_highest": "share at the highest",
    "distinct": "distinct values per row",
    "explained": "explained by X, of 1",
    "noise_outliers": "outliers of the noise, share",
    "noise_above": "share of noise outliers above",
    "noise_skew": "skewness of the noise",
    "spread_varies": "rank correlation of noise and X",
    "power": "variance grows as mean to the power",
    "rarest": "share of the rarest class",
    "commonest": "share of the commonest",
    "rarest_label": "rarest class",
    "accuracy": "accuracy of a quick fit",
    "wrong_labels": "labels it contradicts, share",
}
# Columns that the best candidate has no values in.
TESTS = ["p_holm", "worse", "equivalent", "better"]
HOW_TO_READ = (
    "p is that of the corrected resampled t-test against the best, corrected by Holm for all pairs;"
    " P(...) are the probabilities of the Bayesian correlated t-test that a candidate is worse than"
    " the best, practically equivalent to it, or better."
)


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes
    ----------
    search : fitted search
    X, y : data or None
    metric : str
        The metric that decides, as ``cv_results_`` names it.
    test_size : float or None
    candidates : Candidates
        The metric that decides comes first.
    comparison : Comparison or None
        None where the share of test rows is not known.
    verdict : str
        What came out, in a sentence or several.
    """

    search: Any
    X: Any
    y: Any
    metric: str
    test_size: float | None
    candidates: Candidates
    comparison: Comparison | None
    verdict: str

    @classmethod
    def of_search(
        cls, search: Any, X: Any, y: Any, metric: str | None, test_size: float | None
    ) -> Self:
        """Read a fitted search, and compare its candidates."""
        metrics = metrics_in(search.cv_results_)
        if metric is None:
            refit = metric_that_refits(search)
            metric = refit if refit in metrics else metrics[0]
        others = [name for name in metrics if name != metric]
        candidates = Candidates.of_search(search, "report", [metric, *others], test_size)
        try:
            comparison = compare_losses(search, metric=metric, test_size=test_size)
        except ValueError as error:
            if test_size is not None:
                raise
            best = candidates.labels[candidates.order[0]]
            verdict = f"{best} has the best mean; whether it is better was not tested. {error}"
            return cls(search, X, y, metric, test_size, candidates, None, verdict)
        return cls(search, X, y, metric, test_size, candidates, comparison, comparison.verdict)

    @property
    def winner(self) -> Any:
        """The chosen candidate, unfitted."""
        row = self.candidates.rows[self.candidates.chosen]
        return with_params(self.search.estimator, self.search.cv_results_["params"][row])

    @property
    def metric_name(self) -> str:
        """The metric that decides, in words."""
        return self.candidates.scores[0].metric.name

    @property
    def scorer(self) -> Any:
        """The metric that decides, as `suggest_losses` takes it; None where nobody knows it."""
        scoring = getattr(self.search, "scoring", None)
        if scoring is None:
            return OWN_SCORES.get(self.task)
        name = scoring if self.metric == "score" else self.metric
        if isinstance(name, str) and name in get_scorer_names():
            return name
        scorer = getattr(self.search, "scorer_", None)
        scorer = scorer.get(self.metric) if isinstance(scorer, Mapping) else scorer
        return scorer if hasattr(scorer, "_score_func") else None

    @property
    def task(self) -> str:
        """What the estimator predicts, as `suggest_losses` takes it."""
        estimator = self.search.estimator
        if path_to_net(estimator) is not None:
            task = net_of(estimator)._loss.task
        elif is_classifier(estimator):
            task = "classification"
        else:
            task = "regression" if is_regressor(estimator) else "auto"
        return task if task in OWN_SCORES else "auto"

    @property
    def kind(self) -> str:
        """The class of what was searched: of the network where there is one."""
        return type(net_of(self.search.estimator)).__name__


def sections_of(subject: Subject) -> list[Section]:
    """Return all sections that there is something to say in."""
    return [
        _question(subject),
        *_data(subject),
        _comparison(subject),
        *_training(subject),
        *_losses(subject),
        _winner(subject),
        *_predictions(subject),
        _table(subject),
        _versions(),
    ]


def _question(subject: Subject) -> Section:
    search, first = subject.search, subject.candidates.scores[0]
    others = [scores.metric.name for scores in subject.candidates.scores[1:]]
    better = "higher" if first.metric.sign > 0 else "lower"
    facts = {
        "Estimator": " ".join(repr(search.estimator).split()),
        "Decided by": f"{subject.metric_name}, {better} is better",
        "Also measured": ", ".join(others),
        "Splits": f"{first.splits.shape[1]} ({_splitter(search)})",
        "Candidates": str(len(last_rows(search.cv_results_))),
        "Seeds per fit": str(getattr(search, "n_seeds", 1)),
    }
    return Section("The question", facts={name: text for name, text in facts.items() if text})


def _splitter(search: Any) -> str:
    cv = getattr(search, "_checked_cv_orig", None) or getattr(search, "cv", None)
    return "given indices" if isinstance(cv, list | tuple) else f"cv={cv}"


def _data(subject: Subject) -> Iterator[Section]:
    """Yield facts about the data and the advice that follows from them, where data are given."""
    if subject.y is None:
        return
    try:
        advice = suggest_losses(subject.X, subject.y, task=subject.task, metric=subject.scorer)
    except (TypeError, ValueError) as error:
        yield Section("The data", notes=[f"No advice: {error}"])
        return
    yield Section("The data", facts={**_shape(subject.X), **_flat(advice.facts)})
    table = Table.of_frame("Suggested losses", advice.to_frame())
    yield Section("Advice", [advice.question], tables=[table], notes=advice.notes)


def _shape(X: Any) -> dict[str, str]:
    """Return how many features X has, where it has as many in every row."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return {"features": str(shape[1])} if len(shape) == 2 else {}


def _flat(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return facts as text, those inside others by both names."""
    found: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= {f"{name}, {key}": text for key, text in _flat(value).items()}
        elif value is not None:
            found[FACTS.get(name, name.replace("_", " "))] = shown(value)
    return found


def _comparison(subject: Subject) -> Section:
    pictures = list(pictures_of_scores(subject.candidates))
    if subject.comparison is None:
        return Section("The comparison", [subject.verdict], pictures=pictures)
    frame = subject.comparison.to_frame()
    shares = {name: frame[name].map("{:.3f}".format) for name in TESTS}
    frame = frame.assign(**shares).replace("nan", "").astype({"tied": object})
    frame.iloc[0, frame.columns.get_loc("tied")] = None
    caption = f"Candidates by {subject.metric_name}"
    row = subject.candidates.rows[subject.candidates.chosen]
    chosen = list(frame.index).index(row) if row in frame.index else -1
    frame = frame[list(COMPARED)].rename(columns=COMPARED)
    tables = [Table.of_frame(caption, frame.head(LONG), chosen if chosen < LONG else -1)]
    if len(frame) > LONG:
        tables.append(Table.of_frame(f"All {len(frame)} {caption.lower()}", frame, chosen))
    notes = [HOW_TO_READ]
    if subject.comparison.failed:
        notes.append(f"Failed and left out: {', '.join(subject.comparison.failed)}.")
    return Section("The comparison", tables=tables, pictures=pictures, notes=notes)


def _training(subject: Subject) -> Iterator[Section]:
    if pictures := list(pictures_of_training(subject.search)):
        yield Section("The training", pictures=pictures)


def _losses(subject: Subject) -> Iterator[Section]:
    """Yield the losses that were tried, with what they are for and their shapes."""
    if not (losses := list(dict.fromkeys(_losses_tried(subject)))):
        return
    # Settings of one loss have one row.
    rows = dict.fromkeys(
        (each.label, each.functional, each.when, each.reference) for each in losses
    )
    frame = pd.DataFrame(list(rows), columns=["loss", "estimates", "when to choose it", "source"])
    table = Table.of_frame("The losses that were tried", frame)
    yield Section("The losses", tables=[table], pictures=list(pictures_of_losses(losses)))


def _losses_tried(subject: Subject) -> Iterator[Loss]:
    """Yield the resolved loss of every candidate whose estimator is one of ours."""
    for params in subject.search.cv_results_["params"]:
        try:
            estimator = with_params(subject.search.estimator, params)
            if path_to_net(estimator) is not None:
                net = net_of(estimator)
                yield net._loss.resolved(net)
        except (TypeError, ValueError):
            continue  # A candidate that could not be set up has failed.


def _winner(subject: Subject) -> Section:
    scores, chosen = subject.candidates.scores, subject.candidates.chosen
    facts = {"Candidate": subject.candidates.labels[chosen]}
    for each in scores:
        mean, std = each.splits[chosen].mean(), each.splits[chosen].std()
        facts[each.metric.name] = f"{shown(mean)} ± {shown(std)} over splits"
    code = f"{code_of(subject.winner)}\nmodel.fit(X, y)"
    return Section("The winner", ["This code rebuilds it:"], facts, code)


def _predictions(subject: Subject) -> Iterator[Section]:
    """Yield pictures of predictions of held-out rows, where data are given."""
    if subject.y is None:
        return
    try:
        of_rows = pictures_of_predictions(subject.search, subject.winner, subject.X, subject.y)
        pictures = list(of_rows)
    except (ArithmeticError, TypeError, ValueError) as error:
        # A splitter may need groups, or the fit further arguments, which only the search received.
        yield Section("Predictions", notes=[f"No pictures of predictions: {error}"])
        return
    if pictures:
        yield Section("Predictions", pictures=pictures)


def _table(subject: Subject) -> Section:
    """Return all candidates with means of all metrics, and how long they took."""
    table, rows = subject.search.cv_results_, subject.candidates.rows
    columns: dict[str, Any] = {"candidate": subject.candidates.labels}
    for scores in subject.candidates.scores:
        columns[scores.metric.name] = scores.splits.mean(axis=1)
        columns[f"std of {scores.metric.name}"] = scores.splits.std(axis=1)
    for name, title in {"mean_n_iter": "epochs", "mean_fit_time": "seconds per fit"}.items():
        if name in table:
            columns[title] = np.asarray(table[name], dtype=float)[rows]
    frame = pd.DataFrame(columns).iloc[subject.candidates.order]
    chosen = subject.candidates.order.tolist().index(subject.candidates.chosen)
    return Section("All candidates", tables=[Table.of_frame("Scores and times", frame, chosen)])


def _versions() -> Section:
    return Section(
        "Versions", facts={"Python": python_version()} | {n: version(n) for n in LIBRARIES}
    )
