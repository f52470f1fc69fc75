"""sklloss: neural estimators for scikit-learn in which the training loss is an ordinary hyperparameter."""

from .advice.suggestion.suggest import suggest_losses
from .advice.verdicts.comparison import compare_losses
from .advice.verdicts.nested import nested_score
from .advice.verdicts.one_standard_error import one_standard_error
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
from .inspection.reports.report import report
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
    "compare_losses",
    "get_loss",
    "list_losses",
    "mean_ndcg",
    "ndcg_at",
    "nested_score",
    "one_standard_error",
    "predict_distribution",
    "recall_at",
    "report",
    "suggest_losses",
    "token_error_rate",
    "word_error_rate",
]
