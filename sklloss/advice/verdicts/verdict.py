"""The sentence that says how sure a comparison of candidates is."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from .phrases import alike, at_most, listed, p_text, probability, significant


@dataclass(frozen=True)
class Verdict:
    """Says in words what a table of candidates shows.

    Attributes
    ----------
    frame : DataFrame
        One row per candidate, best first, as `Comparison.to_frame` returns it.
    metric : str
        Its name.
    n_splits : int
    rope : float
        In units of the metric.
    alpha : float
    others_are_gone : bool
        Whether candidates have failed, or left in an earlier iteration of successive halving.
    """

    frame: pd.DataFrame
    metric: str
    n_splits: int
    rope: float
    alpha: float
    others_are_gone: bool = False

    def text(self) -> str:
        """Return one sentence or several."""
        if len(self.frame) == 1:
            left = " left" * self.others_are_gone
            return f"{self._best} is the only candidate{left}: there is nothing to compare it with."
        if self.n_splits == 1:
            return (
                f"{self._lead()} on the only split: one split does not show how sure that is. Use"
                " several splits, such as cv=5."
            )
        told = self._no_evidence() if len(self._tied) else self._clear_winner()
        return " ".join([told, *self._equivalence(), *self._losses()])

    @property
    def _best(self) -> str:
        return self.frame["candidate"].iloc[0]

    @property
    def _second(self) -> str:
        return self.frame["candidate"].iloc[1]

    @property
    def _tied(self) -> pd.DataFrame:
        return self.frame.iloc[1:][self.frame["tied"].iloc[1:]]

    @property
    def _worse(self) -> pd.DataFrame:
        return self.frame.iloc[1:][~self.frame["tied"].iloc[1:]]

    @property
    def _identical(self) -> pd.DataFrame:
        """The candidates that have the best one's score on every split."""
        others = self.frame.iloc[1:]
        return others[(others["difference"] == 0) & (others["ahead"] == 0)]

    def _lead(self) -> str:
        """Return by how much the best is ahead of the next."""
        means = self.frame["mean"].iloc[:2]
        difference = abs(means.iloc[0] - means.iloc[1])
        if difference == 0:
            value = significant(means.iloc[0], 3)
            return f"{self._best} and {self._second} have the same {self.metric}, {value},"
        first, second = alike(*means)
        size = f"{significant(difference)} ({self.metric} {first} against {second})"
        return f"{self._best} leads {self._second} by {size}"

    def _often(self) -> str:
        """Return how often the best is ahead of the next."""
        ahead, n = self.frame["ahead"].iloc[1], self.n_splits
        return f"in all {n} splits" if ahead == n else f"in {ahead} of {n} splits"

    def _clear_winner(self) -> str:
        others = self._worse["candidate"]
        over = {1: others.iloc[0], 2: "both others"}.get(len(others), f"all {len(others)} others")
        text = f"{self._best} is better than {over} ({at_most(self._worse['p_holm'])})"
        return f"{text}. {self._lead()} and is ahead {self._often()}."

    def _no_evidence(self) -> str:
        if len(self._identical) == len(self.frame) - 1:
            which = f"{self._best} and {self._second} both" if len(self.frame) == 2 else "All"
            return f"{which} have the same scores on every split: there is nothing to choose."
        return " ".join([f"{self._open()}.", *self._told_apart()])

    def _open(self) -> str:
        """Return what the best cannot be told from."""
        tied, p = self._tied, p_text(self._tied["p_holm"])
        named = listed(tied["candidate"], "or")
        if self.frame["difference"].iloc[1] == 0:
            text = (
                f"{self._lead()} on average: no evidence that {self._best} is better than {named}"
            )
            return f"{text} ({p})"
        text = f"{self._lead()} and is ahead {self._often()}: no evidence that it is better"
        if len(tied) == 1 and named == self._second:
            return f"{text} ({p})"
        return f"{text} than {named} ({p})"

    def _told_apart(self) -> list[str]:
        worse = self._worse
        if not len(worse):
            return []
        named, p = listed(worse["candidate"]), at_most(worse["p_holm"])
        return [f"{self._best} is better than {named} ({p})."]

    def _equivalence(self) -> list[str]:
        """Return a sentence on those that are surely as good in practice, where there are any.

        Among them may be some that are worse: by a difference that is sure, and does not matter.
        """
        others = self.frame.iloc[1:].drop(self._identical.index)
        same = others[others["equivalent"] >= 1 - self.alpha]
        if not len(same):
            return []
        names, certain = listed(same["candidate"]), probability(same["equivalent"].min())
        verb = "is" if len(same) == 1 else "are each"
        return [
            f"{names} {verb} practically equivalent to {self._best}: the difference is within"
            f" {significant(self.rope)} with a probability {certain}."
        ]

    def _losses(self) -> list[str]:
        """Return a sentence on the other losses, where losses have several settings."""
        losses = self.frame["loss"]
        best = losses.iloc[0]
        others = list(dict.fromkeys(loss for loss in losses if loss != best))
        if not others or None in losses.values or losses.is_unique:
            return []
        open_ones = set(self._tied["loss"])
        behind = [loss for loss in others if loss not in open_ones]
        near = [loss for loss in others if loss in open_ones]
        if not near:
            return [f"Every setting of the other losses is worse than {self._best}."]
        text = f"By loss, {best} cannot be told from {listed(near, 'or')}"
        if behind:
            text += f"; every setting of {listed(behind)} is worse"
        return [f"{text}."]
