"""Searches in files, so that they survive their process."""
