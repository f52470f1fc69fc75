"""Successive halving: candidates that lose leave the search after a few epochs."""
