"""Losses for transcription."""
