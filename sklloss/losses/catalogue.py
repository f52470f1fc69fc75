"""The catalogue: one line per loss, in the order in which tables show them."""

from . import base
from .plain import SquaredError
from .plain import AbsoluteError
from .robust import Huber
from .plain import Quantile
from .positive import Poisson
from .distributions import HistogramCrossEntropy
from .classification import CrossEntropy
from .classification import Brier
from .classification import ProbabilityAbsoluteError
from .classification import ProbabilityHuber
from .imbalance import Focal
from .margin import Hinge

CATALOGUE: tuple[type[base.Loss], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, type)
)
