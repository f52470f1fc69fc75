"""Scores of predictive distributions and intervals, as functions and as scorers for any search."""

from .distributions import crps, interval_coverage, interval_score, interval_width, log_likelihood
from .scorers import get_scorer

__all__ = [
    "crps",
    "get_scorer",
    "interval_coverage",
    "interval_score",
    "interval_width",
    "log_likelihood",
]
