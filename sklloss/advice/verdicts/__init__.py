"""How sure it is that one candidate of a search is better than another."""
