"""What a search keeps of each fit beside its scores."""
