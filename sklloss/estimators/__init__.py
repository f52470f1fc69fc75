"""Estimators: scikit-learn's interface to the training of networks."""

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
from .text.token_vectorizer import TokenVectorizer
