"""One optimiser step: optimisers, penalties and updates."""
