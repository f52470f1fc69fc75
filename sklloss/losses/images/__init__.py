"""Losses for masks and for boxes."""
