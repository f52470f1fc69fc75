"""Networks for token ids."""
