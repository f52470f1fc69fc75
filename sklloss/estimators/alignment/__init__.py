"""Rows from JSON, SQL or Arrow, in the columns of training."""
