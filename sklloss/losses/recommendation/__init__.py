"""Losses of the order of items for a user."""
