"""Persistence: fitted estimators as files, in formats that run no code."""
