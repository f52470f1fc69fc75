"""Estimators: scikit-learn's interface to the training of networks."""

from .box_regressor import NeuralBoxRegressor
from .classifier import NeuralClassifier
from .edit_distance import character_error_rate, token_error_rate, word_error_rate
from .embedder import MetricEmbedder
from .export import FittedModule
from .multi_task import NeuralMultiTask
from .ndcg import mean_ndcg
from .ranker import NeuralRanker
from .ranking import ndcg_at, recall_at
from .recommender import Recommender
from .regressor import NeuralRegressor
from .segmenter import NeuralSegmenter
from .tokens import TokenVectorizer
from .transcriber import SequenceTranscriber

__all__ = [
    "FittedModule",
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
    "mean_ndcg",
    "ndcg_at",
    "recall_at",
    "token_error_rate",
    "word_error_rate",
]
