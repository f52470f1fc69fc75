"""Metric embedding."""
