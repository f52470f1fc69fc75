"""Documents as rows of token ids."""
