"""Losses of transcripts."""
