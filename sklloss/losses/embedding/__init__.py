"""Losses that compare the vectors of rows."""
