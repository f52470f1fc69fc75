"""How objects are written: names of classes and functions, estimators, networks, other libraries."""
