"""The catalogue: every loss, in the order in which tables list them."""

from . import base
from .regression.plain import SquaredError, AbsoluteError
from .regression.robust import Huber, SmoothL1, PseudoHuber, LogCosh
from .regression.quantiles import Quantile, MultiQuantile
from .regression.plain import Expectile, EpsilonInsensitive, SquaredEpsilonInsensitive
from .regression.redescending import Cauchy, Welsch, GemanMcClure, Tukey
from .regression.robust import Fair
from .regression.barron import Barron, Adaptive
from .regression.positive import Poisson, Gamma, Tweedie, NegativeBinomial
from .regression.zero_inflation import ZeroInflatedPoisson, ZeroInflatedNegativeBinomial
from .regression.zero_inflation import HurdlePoisson, HurdleNegativeBinomial
from .regression.plain import AbsolutePercentageError
from .regression.positive import SquaredLogError
from .regression.distributions import GaussianNLL, LaplaceNLL, StudentTNLL, LognormalNLL, CRPS
from .regression.histogram import HistogramCrossEntropy
from .classification.probabilities import CrossEntropy, Brier
from .classification.probabilities import ProbabilityAbsoluteError, ProbabilityHuber
from .classification.imbalance import Focal, ClassBalanced, LogitAdjusted, LDAM, Asymmetric
from .classification.noisy import GeneralizedCrossEntropy, SymmetricCrossEntropy
from .classification.noisy import NormalizedCrossEntropy, ActivePassive, Bootstrap
from .classification.noisy import ForwardCorrection
from .classification.tempered import BiTempered
from .classification.polynomial import Poly1, TaylorCrossEntropy
from .classification.margin import Hinge, MultiMargin, SquaredHinge, ModifiedHuber
from .classification.margin import Exponential, SquaredLogits
from .classification.whole_batch import SoftF1, AUCMargin
from .classification.ordinal import CumulativeLink, Coral, Corn
from .images.overlap import Dice, Tversky
from .images.boxes import GIoU, CIoU
from .speech.transcription import CTC, FocalCTC, EntropyCTC
from .recommendation.recommendation import BPR, SampledHinge, WARP, SampledSoftmax
from .ranking.ranking import RelevanceSquaredError, PairwiseHinge, RankNet, LambdaRank
from .ranking.listwise import ListNet, ListMLE, ApproxNDCG
from .embedding.embedding import CosineEmbedding, HingeEmbedding, Contrastive
from .embedding.embedding import Triplet, EmbeddingInfoNCE

CATALOGUE: tuple[type[base.Loss], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, type)
)
