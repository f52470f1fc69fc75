"""Networks for sequences of frames."""
