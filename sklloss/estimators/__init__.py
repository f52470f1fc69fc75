"""Estimators: scikit-learn's interface to the training of networks."""

from .distributions.of_estimators import predict_distribution
from .distributions.predictive import PredictiveDistribution
from .embedding.embedder import MetricEmbedder
from .images.box_regressor import NeuralBoxRegressor
from .images.segmenter import NeuralSegmenter
from .ranking.ndcg import mean_ndcg
from .ranking.ranker import NeuralRanker
from .recommendation.metrics import ndcg_at, recall_at
from .recommendation.recommender import Recommender
from .speech.edit_distance import character_error_rate, token_error_rate, word_error_rate
from .speech.transcriber import SequenceTranscriber
from .tables.classifier import NeuralClassifier
from .tables.regressor import NeuralRegressor
from .targets.fitted_module import FittedModule
from .tasks.multi_task import NeuralMultiTask
from .text.token_vectorizer import TokenVectorizer

__all__ = [
    "FittedModule",
    "MetricEmbedder",
    "NeuralBoxRegressor",
    "NeuralClassifier",
    "NeuralMultiTask",
    "NeuralRanker",
    "NeuralRegressor",
    "NeuralSegmenter",
    "PredictiveDistribution",
    "Recommender",
    "SequenceTranscriber",
    "TokenVectorizer",
    "character_error_rate",
    "mean_ndcg",
    "ndcg_at",
    "predict_distribution",
    "recall_at",
    "token_error_rate",
    "word_error_rate",
]
