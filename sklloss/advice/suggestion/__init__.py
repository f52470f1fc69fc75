"""Which losses suit a target and a metric."""
