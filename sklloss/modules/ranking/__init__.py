"""Networks that score the rows of groups."""
