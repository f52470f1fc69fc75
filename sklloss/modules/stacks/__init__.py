"""Stacks: how K modules of one shape compute together."""
