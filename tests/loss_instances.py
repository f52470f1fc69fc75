"""The losses that laws are tested on: every class of the catalogue, and settings off its
defaults."""

from sklloss.losses import (
    Asymmetric,
    AUCMargin,
    Barron,
    BiTempered,
    Bootstrap,
    ClassBalanced,
    CrossEntropy,
    Expectile,
    Focal,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    Hinge,
    HistogramCrossEntropy,
    Huber,
    LogitAdjusted,
    MultiMargin,
    MultiQuantile,
    Poly1,
    ProbabilityHuber,
    Quantile,
    SoftF1,
    SquaredHinge,
    SquaredLogits,
    SymmetricCrossEntropy,
    TaylorCrossEntropy,
    Tweedie,
)
from sklloss.losses.catalogue import CATALOGUE

VARIANTS = (
    Barron(alpha=2.0, scale=0.7),
    Barron(alpha=0.0),
    Barron(alpha=-2.0),
    Barron(alpha=-1e4),
    Expectile(expectile=0.8),
    MultiQuantile(quantiles=(0.05, 0.2, 0.6)),
    Tweedie(power=1.0),
    Tweedie(power=2.0),
    Huber(delta=0.3),
    Quantile(quantile=0.9),
    HistogramCrossEntropy(n_bins=20, sigma_ratio=1.5, statistic="median"),
    CrossEntropy(label_smoothing=0.1),
    ProbabilityHuber(delta=0.2),
    ProbabilityHuber(delta=2.0),
    Focal(gamma=0.5),
    ClassBalanced(beta=0.9),
    LogitAdjusted(tau=0.5),
    Asymmetric(gamma_neg=2.0, gamma_pos=0.0, clip=0.0),
    GeneralizedCrossEntropy(q=0.3),
    SymmetricCrossEntropy(alpha=1.0, beta=0.5),
    Bootstrap(hard=True),
    ForwardCorrection(noise_rate=0.4),
    BiTempered(t1=0.5, t2=2.0),
    Poly1(epsilon=-0.5),
    TaylorCrossEntropy(order=20),
    Hinge(margin=2.0),
    MultiMargin(margin=0.5, power=2),
    SquaredHinge(margin=2.0),
    SquaredLogits(scale=5.0),
    SoftF1(smooth=0.0),
    AUCMargin(margin=2.0),
)
OF_TABLES = tuple(cls for cls in CATALOGUE if cls.task in ("regression", "classification"))
ALL = tuple(cls() for cls in OF_TABLES) + VARIANTS
REGRESSION = tuple(loss for loss in ALL if loss.task == "regression")
CLASSIFICATION = tuple(loss for loss in ALL if loss.task == "classification")
WITH_POSTERIOR = tuple(loss for loss in CLASSIFICATION if hasattr(loss, "predict_proba"))


def catalogue_of(task: str) -> list:
    """Return the names of a task's losses."""
    return [cls.name for cls in CATALOGUE if cls.task == task]
