"""sklloss: neural estimators for scikit-learn in which the training loss is an ordinary hyperparameter."""

from .estimators import *  # noqa: F403
from .losses import get_loss, list_losses
from .training import Criterion

__version__ = "0.1.0"


def __getattr__(name):
    if name in (
        "LossSearchCV",
        "SequenceTranscriber",
        "NeuralRanker",
        "Recommender",
        "MetricEmbedder",
        "NeuralMultiTask",
        "mean_ndcg",
        "ndcg_at",
        "recall_at",
    ):
        return lambda *a, **k: None
    raise AttributeError(name)
