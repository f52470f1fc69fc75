"""Estimators: scikit-learn's interface to the training of networks.

What it offers stands in `__init__.pyi` and is imported where it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
