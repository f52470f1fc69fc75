"""Predictive distributions as objects: of members, of quantiles, of a transformed target."""
