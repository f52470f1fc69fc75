"""Losses of masks and of boxes."""
