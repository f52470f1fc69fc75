"""sklloss: neural estimators for scikit-learn in which the training loss is an ordinary hyperparameter."""

from .estimators import *  # noqa: F403
from .losses import get_loss, list_losses
from .training import Criterion

__version__ = "0.1.0"
