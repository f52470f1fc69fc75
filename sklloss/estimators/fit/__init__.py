"""The one fit of all estimators."""
