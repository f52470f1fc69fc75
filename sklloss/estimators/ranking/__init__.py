"""Ranking within groups."""
