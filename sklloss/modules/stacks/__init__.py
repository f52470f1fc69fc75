"""Stacks: how K modules of one shape are computed together."""
