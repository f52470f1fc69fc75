"""Estimators: scikit-learn's interface to the training of networks."""

from .embedding.embedder import MetricEmbedder
from .speech.edit_distance import character_error_rate, token_error_rate, word_error_rate
from .tables.classifier import NeuralClassifier
from .tables.regressor import NeuralRegressor
from .targets.fitted_module import FittedModule
from .tasks.multi_task import NeuralMultiTask
from .text.token_vectorizer import TokenVectorizer
