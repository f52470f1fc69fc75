"""The catalogue: one line per loss, in the order in which tables show them."""

from . import base
from .plain import SquaredError
from .plain import AbsoluteError
from .robust import Huber
from .robust import SmoothL1
from .robust import PseudoHuber
from .robust import LogCosh
from .quantiles import Quantile
from .quantiles import MultiQuantile
from .plain import Expectile
from .plain import EpsilonInsensitive
from .plain import SquaredEpsilonInsensitive
from .redescending import Cauchy
from .redescending import Welsch
from .redescending import GemanMcClure
from .redescending import Tukey
from .robust import Fair
from .barron import Barron
from .barron import Adaptive
from .positive import Poisson
from .positive import Gamma
from .positive import Tweedie
from .positive import NegativeBinomial
from .plain import AbsolutePercentageError
from .positive import SquaredLogError
from .distributions import GaussianNLL
from .distributions import LaplaceNLL
from .distributions import StudentTNLL
from .distributions import LognormalNLL
from .distributions import CRPS
from .histogram import HistogramCrossEntropy
from .classification import CrossEntropy
from .classification import Brier
from .classification import ProbabilityAbsoluteError
from .classification import ProbabilityHuber
from .imbalance import Focal
from .imbalance import ClassBalanced
from .imbalance import LogitAdjusted
from .imbalance import LDAM
from .imbalance import Asymmetric
from .noisy import GeneralizedCrossEntropy
from .noisy import SymmetricCrossEntropy
from .noisy import NormalizedCrossEntropy
from .noisy import ActivePassive
from .noisy import Bootstrap
from .noisy import ForwardCorrection
from .noisy import BiTempered
from .polynomial import Poly1
from .polynomial import TaylorCrossEntropy
from .margin import Hinge
from .margin import MultiMargin
from .margin import SquaredHinge
from .margin import ModifiedHuber
from .margin import Exponential
from .margin import SquaredLogits
from .whole_batch import SoftF1
from .whole_batch import AUCMargin
from .ordinal import CumulativeLink
from .ordinal import Coral
from .ordinal import Corn

CATALOGUE: tuple[type[base.Loss], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, type)
)
