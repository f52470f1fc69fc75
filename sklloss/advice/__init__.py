"""Advice before a search and a verdict after it: which losses suit, and which winner is real."""
