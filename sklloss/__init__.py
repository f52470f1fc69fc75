"""sklloss: neural estimators for scikit-learn in which the training loss is an ordinary hyperparameter."""

from .estimators import (
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    NeuralSegmenter,
    Recommender,
    SequenceTranscriber,
    TokenVectorizer,
    character_error_rate,
    mean_ndcg,
    ndcg_at,
    predict_distribution,
    recall_at,
    token_error_rate,
    word_error_rate,
)
from .losses import get_loss, list_losses
from .search import LossSearchCV
from .training import Criterion

__version__ = "0.1.0"

__all__ = [
    "Criterion",
    "LossSearchCV",
    "MetricEmbedder",
    "NeuralBoxRegressor",
    "NeuralClassifier",
    "NeuralMultiTask",
    "NeuralRanker",
    "NeuralRegressor",
    "NeuralSegmenter",
    "Recommender",
    "SequenceTranscriber",
    "TokenVectorizer",
    "character_error_rate",
    "get_loss",
    "list_losses",
    "mean_ndcg",
    "ndcg_at",
    "predict_distribution",
    "recall_at",
    "token_error_rate",
    "word_error_rate",
]
