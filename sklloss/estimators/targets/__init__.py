"""What y may be, and the answers that a fitted estimator gives."""
