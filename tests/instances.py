"""The losses that laws are tested on: every class of the catalogue, and settings off its defaults."""

from sklloss.losses import (
    Barron,
    CrossEntropy,
    Expectile,
    Focal,
    Hinge,
    HistogramCrossEntropy,
    Huber,
    MultiQuantile,
    ProbabilityHuber,
    Quantile,
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
    Hinge(margin=2.0),
)
ALL = tuple(cls() for cls in CATALOGUE) + VARIANTS
REGRESSION = tuple(loss for loss in ALL if loss.task == "regression")
CLASSIFICATION = tuple(loss for loss in ALL if loss.task == "classification")
WITH_POSTERIOR = tuple(loss for loss in CLASSIFICATION if hasattr(loss, "predict_proba"))


def catalogue_of(task: str) -> list:
    """Return the names of a task's losses."""
    return [cls.name for cls in CATALOGUE if cls.task == task]
