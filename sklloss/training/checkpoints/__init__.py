"""Checkpoints: how trainings survive the process that they run in."""
