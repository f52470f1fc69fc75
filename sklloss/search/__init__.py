"""Searches: many candidates trained at once."""

from .loss_search import LossSearchCV

__all__ = ["LossSearchCV"]
