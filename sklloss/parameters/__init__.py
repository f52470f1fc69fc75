"""Parameters: what a constructor, a loss or a network may be given."""
