"""Losses: what a prediction costs, and what raw output means.

A loss is a frozen value.  `get_loss` makes one from any accepted form, `list_losses` shows the catalogue, and each row of the
catalogue is a class here.
"""

from .base import ClassificationLoss as ClassificationLoss
from .base import Loss as Loss
from .base import RegressionLoss as RegressionLoss
from .base import State as State
from .base import parameter as parameter
from .catalogue import *
from .domains import Choice as Choice
from .domains import Interval as Interval
from .embedding import EmbeddingLoss as EmbeddingLoss
from .joint import JointLoss as JointLoss
from .listing import list_losses as list_losses
from .listing import register_loss as register_loss
from .own import OwnClassificationLoss as OwnClassificationLoss
from .own import OwnRegressionLoss as OwnRegressionLoss
from .ranking import OrderLoss as OrderLoss
from .ranking import RankingLoss as RankingLoss
from .recommendation import RecommendationLoss as RecommendationLoss
from .resolve import get_loss as get_loss
from .sequences import TranscriptionLoss as TranscriptionLoss
from .sequences import certain_blank_where as certain_blank_where
from .weightings import DynamicWeightAverage as DynamicWeightAverage
from .weightings import EqualWeights as EqualWeights
from .weightings import FixedWeights as FixedWeights
from .weightings import RandomWeights as RandomWeights
from .weightings import UncertaintyWeights as UncertaintyWeights
