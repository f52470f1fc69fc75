"""Losses: what a prediction costs, and what raw output means.

A loss is a frozen value. `get_loss` resolves a loss from any accepted form, `list_losses` shows the
catalogue, and every row of the catalogue is a class in this package.
"""

from ..parameters.declared import parameter as parameter
from ..parameters.domains import Choice as Choice
from ..parameters.domains import Interval as Interval
from .base import ClassificationLoss as ClassificationLoss
from .base import Loss as Loss
from .base import RegressionLoss as RegressionLoss
from .base import State as State
from .catalogue import *
from .embedding.embedding import EmbeddingLoss as EmbeddingLoss
from .listing import list_losses as list_losses
from .listing import register_loss as register_loss
from .own import OwnClassificationLoss as OwnClassificationLoss
from .own import OwnRegressionLoss as OwnRegressionLoss
from .ranking.ranking import OrderLoss as OrderLoss
from .ranking.ranking import RankingLoss as RankingLoss
from .recommendation.recommendation import RecommendationLoss as RecommendationLoss
from .resolve import get_loss as get_loss
from .speech.transcription import TranscriptionLoss as TranscriptionLoss
from .speech.transcription import certain_blank_where as certain_blank_where
from .tasks.joint import JointLoss as JointLoss
from .tasks.weightings import DynamicWeightAverage as DynamicWeightAverage
from .tasks.weightings import EqualWeights as EqualWeights
from .tasks.weightings import FixedWeights as FixedWeights
from .tasks.weightings import RandomWeights as RandomWeights
from .tasks.weightings import UncertaintyWeights as UncertaintyWeights
