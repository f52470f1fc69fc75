"""Advice: which losses suit the data, and how sure it is that one is better than another."""
