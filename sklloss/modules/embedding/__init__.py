"""Networks that see the two sides of a pair."""
