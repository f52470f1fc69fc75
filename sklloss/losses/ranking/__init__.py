"""Losses of the order of rows within groups."""
