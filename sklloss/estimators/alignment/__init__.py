"""Rows as they come, from JSON, SQL or Arrow, in the columns of training."""
