"""sklloss: neural estimators for scikit-learn in which the training loss is an ordinary hyperparameter.

What it offers stands in `__init__.pyi` and is imported where it is first used.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
