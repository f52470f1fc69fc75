"""Segmentation and boxes."""
