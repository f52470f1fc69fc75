"""Transcription of sequences."""
