"""Training data in memory: rows, batches, scaling and what changes a batch."""
