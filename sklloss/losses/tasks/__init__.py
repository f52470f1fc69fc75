"""The joint loss of several tasks."""
