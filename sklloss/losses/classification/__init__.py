"""Losses for classification."""
