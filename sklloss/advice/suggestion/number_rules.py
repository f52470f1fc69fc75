"""Which losses for numbers: from facts about y to ideas, one function per goal of the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .aim import Aim
from .facts import NumberFacts
from .ideas import Idea, number, percent

# From this offset on, in standard deviations, effects that multiply are nearly effects that add.
FAR_FROM_ZERO = 4
# Residuals of normal noise are beyond 3.5 robust standard deviations once in 2,000.
FEW_OUTLIERS = 0.01
MANY_OUTLIERS = 0.05
# Variance over mean; beyond, counts vary more than a Poisson distribution with some signal.
OVERDISPERSED = 1.5
# Beyond this excess over the share of zeros that a distribution has, some zeros are extra.
EXTRA_ZEROS = 0.05
# Beyond, noise is skewed.
SKEWED = 0.5
# Rank correlations beyond say that the spread of the noise depends on X.
VARIES = 0.2
# With fewer rows, a histogram has few rows per bin.
ROWS_OF_A_HISTOGRAM = 1_000

Ideas = Iterator[Idea]


def outliers_of(facts: NumberFacts) -> tuple[float, str]:
    """Return the share of outliers, and words for it: of the residuals, or else of y."""
    noise = facts.noise
    share = facts.outliers if noise is None else noise.noise_outliers
    above = facts.outliers_above if noise is None else noise.noise_above
    side = "above" if above > 0.8 else "below" if above < 0.2 else "on both sides"
    what = "targets" if noise is None else "residuals"
    if share == 0:
        return share, f"0 % of the {what} are outliers"
    return share, f"{percent(share)} of the {what} are outliers, {side}"


def skew_of_noise(facts: NumberFacts) -> float:
    """Return the skewness of the noise, or else of y."""
    return facts.skew if facts.noise is None else facts.noise.noise_skew


def skew_words(facts: NumberFacts) -> str:
    """Return the skewness of the noise in words, or else of y."""
    what = "y" if facts.noise is None else "noise"
    return f"{what} of skewness {number(skew_of_noise(facts))}"


def range_words(facts: NumberFacts) -> str:
    """Return from where to where y reaches, in words."""
    return f"y reaches from {facts.lowest:,.3g} to {facts.highest:,.3g}"


def is_symmetric(facts: NumberFacts) -> bool:
    """Return whether mean and median of the noise are nearly the same."""
    return abs(skew_of_noise(facts)) < SKEWED


def grows_by(facts: NumberFacts) -> float:
    """Return the power of the mean with which the variance grows, as far as it is known."""
    if facts.noise is not None and facts.noise.power is not None:
        return facts.noise.power
    return 1.0 if facts.kind == "counts" else 1.5


def multiplies(facts: NumberFacts) -> bool:
    """Return whether effects on y are likely to multiply: y >= 0, and near 0."""
    is_known = facts.variance_over_mean is not None
    return is_known and facts.offset < FAR_FROM_ZERO and facts.skew > SKEWED


# ---------------------------------------------------------------------- parts of several goals


def multiplicative(facts: NumberFacts, weight: float, apart: float) -> Ideas:
    """Yield losses with a log link, the one whose variance grows as that of y first.

    Parameters
    ----------
    facts : NumberFacts
    weight : float
        Of the first.
    apart : float
        By how much each further one weighs less.
    """
    power = grows_by(facts)
    zeros = f"{percent(facts.zeros)} zeros" if facts.zeros else "no zeros"
    grows = f"the variance grows with the power {number(power)} of the mean"
    within = float(np.clip(round(power, 1), 1.2, 1.9))
    whys = {
        "poisson": (abs(power - 1), f"y >= 0, {grows}", {}),
        "tweedie": (abs(power - 1.5), f"{zeros}, {grows}", {"power": [within]}),
        "gamma": (abs(power - 2), f"no zeros, {grows}", {}),
    }
    if facts.lowest <= 0:
        whys.pop("gamma")
    for place, (loss, (_, why, parameters)) in enumerate(
        sorted(whys.items(), key=lambda item: item[1][0])
    ):
        yield Idea(loss, weight - place * apart, why, parameters)


def overdispersed(facts: NumberFacts, weight: float) -> Ideas:
    """Yield losses for counts that vary more than their mean."""
    ratio = facts.variance_over_mean or 0.0
    if facts.kind == "counts" and ratio > OVERDISPERSED:
        why = f"{percent(facts.zeros)} zeros, variance {number(ratio)} times the mean"
        yield Idea("negative_binomial", weight, why)
        # Of a negative binomial with this mean and variance.
        mean = ratio * facts.offset**2
        zeros = ratio ** (-mean / (ratio - 1))
        if facts.zeros > zeros + EXTRA_ZEROS:
            why = (
                f"{percent(facts.zeros)} zeros; a negative binomial of this mean and variance has"
                f" {percent(zeros)}"
            )
            yield Idea("zero_inflated_negative_binomial", weight - 0.2, why)


def robust(facts: NumberFacts, weight: float) -> Ideas:
    """Yield losses between median and mean, and those that ignore outliers."""
    share, words = outliers_of(facts)
    skew = skew_words(facts)
    yield Idea("huber", weight, f"{words}; {skew}", {"delta": [0.5, 1.0, 2.0]})
    yield Idea("log_cosh", weight - 0.5, f"{words}; smooth, with nothing to search")
    if share > FEW_OUTLIERS:
        yield Idea("student_t_nll", weight - 0.1, f"{words}; it learns how wide the noise is")
    if share > MANY_OUTLIERS:
        yield Idea("cauchy", weight - 0.05, f"{words}; their pull falls off with their distance")


def spread(facts: NumberFacts, weight: float) -> Ideas:
    """Yield predictive distributions: they bear a spread of the noise that depends on X."""
    if facts.noise is None:
        yield Idea("crps", weight, f"it learns a spread in units of y; {outliers_of(facts)[1]}")
        return
    varies = facts.noise.spread_varies
    much = "depends" if varies > VARIES else "hardly depends"
    words = f"the size of residuals {much} on X (rank correlation {number(varies)})"
    bonus = 0.2 * (varies > VARIES)
    yield Idea("crps", weight + bonus, words)
    yield Idea("gaussian_nll", weight + bonus - 0.25, words, {"beta": [0.0, 0.5]})


# ---------------------------------------------------------------------- goals


def for_mean(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose prediction is the mean, or near it."""
    yield Idea(
        "squared_error", 2.0, f"it estimates the mean, whatever the noise; here {skew_words(facts)}"
    )
    if multiplies(facts):
        yield from multiplicative(facts, 2.2, 0.35)
        yield from overdispersed(facts, 1.5)
    yield from spread(facts, 1.8)
    share, _ = outliers_of(facts)
    tails = share > FEW_OUTLIERS and is_symmetric(facts)
    yield from robust(facts, 1.5 + 0.4 * tails)


def for_positive_mean(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose prediction is the mean, and above 0."""
    yield from multiplicative(facts, 2.2, 0.1)
    yield from overdispersed(facts, 2.05)
    why = f"a histogram of any shape, from {facts.n_rows:,} rows, predicts within the range of y"
    yield Idea("cross_entropy", 1.6, why)
    yield from spread(facts, 1.2)


def for_median(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose prediction is the median, or near it."""
    yield Idea(
        "absolute_error",
        2.0,
        f"it estimates the median, whatever the noise; here {skew_words(facts)}",
    )
    yield from robust(facts, 1.9)
    if multiplies(facts):
        why = f"targets >= 0 of skewness {number(facts.skew)}: effects multiply"
        yield Idea("squared_log_error", 2.1, why)
    why = f"of three quantiles it predicts the median, and learns from the noise of {facts.n_rows:,} rows"
    yield Idea("multi_quantile", 1.88, why, {"quantiles": [(0.1, 0.5, 0.9)]})
    yield from spread(facts, 1.65)
    yield Idea("laplace_nll", 1.5, f"a median with its spread; {outliers_of(facts)[1]}")


def for_quantile(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose prediction is a quantile."""
    level = 0.5 if aim is None else aim.level
    yield Idea("quantile", 2.0, f"it estimates the {level:g} quantile", {"quantile": [level]})
    outer = level + (1 - level) / 2 if level >= 0.5 else level / 2
    levels = tuple(sorted((level, round(outer, 4))))
    why = f"it predicts the {level:g} quantile, and learns from a further one"
    yield Idea("multi_quantile", 1.8, why, {"quantiles": [levels]})
    near = [round(1 - (1 - level) / 2, 4), level] if level > 0.5 else [level, round(level / 2, 4)]
    why = f"a smooth neighbour of the {level:g} quantile, which needs another level"
    yield Idea("expectile", 1.0, why, {"expectile": near})


def for_log(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses of ratios."""
    yield Idea("squared_log_error", 2.0, f"it is the metric; {range_words(facts)}")
    if facts.lowest > 0:
        yield Idea("lognormal_nll", 1.0, f"positive targets of skewness {number(facts.skew)}")
    yield Idea("absolute_error", 1.5, f"log(1 + y) keeps medians; {range_words(facts)}")
    yield from robust(facts, 1.4)


def for_relative(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses of relative errors."""
    yield Idea("absolute_percentage_error", 2.0, f"it is the metric; {range_words(facts)}")
    yield Idea("squared_log_error", 1.6, f"ratios count, as in the metric; {range_words(facts)}")
    yield Idea("absolute_error", 1.4, f"near it where sizes differ little; {range_words(facts)}")
    yield from robust(facts, 1.2)


def for_extremes(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses in which large errors count most."""
    why = f"of the losses here, it weighs large errors most; {outliers_of(facts)[1]}"
    yield Idea("squared_error", 2.0, why)
    yield Idea(
        "squared_epsilon_insensitive",
        1.5,
        f"errors below 0.1 robust scales do not count; {range_words(facts)}",
    )
    yield Idea(
        "gaussian_nll", 1.0, f"a mean with its spread; {range_words(facts)}", {"beta": [0.5]}
    )
    if multiplies(facts):
        yield from multiplicative(facts, 1.4, 0.2)


def for_distribution(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses with a predictive distribution."""
    share, words = outliers_of(facts)
    skew = skew_words(facts)
    yield from overdispersed(facts, 2.5)
    if facts.lowest > 0 and multiplies(facts):
        yield Idea("lognormal_nll", 2.2, f"positive targets of skewness {number(facts.skew)}")
    normal = is_symmetric(facts) and share < FEW_OUTLIERS
    yield Idea("gaussian_nll", 1.2 + normal, f"{skew}, {words}", {"beta": [0.0, 0.5]})
    yield Idea("student_t_nll", 1.4 + (share > FEW_OUTLIERS) * is_symmetric(facts) * 0.6, words)
    yield Idea("crps", 1.9, f"judged in units of y; {words}")
    if facts.n_rows >= ROWS_OF_A_HISTOGRAM:
        why = f"{facts.n_rows:,} rows are enough for a histogram of any shape"
        yield Idea("cross_entropy", 1.8, why)
    yield Idea("laplace_nll", 1.3, words)


def for_any(facts: NumberFacts, aim: Aim | None) -> Ideas:
    """Yield losses for several metrics where none is named."""
    share, words = outliers_of(facts)
    if is_symmetric(facts) and share < FEW_OUTLIERS:
        yield Idea("squared_error", 2.2, f"{words}: mean and median are nearly the same")
    else:
        yield Idea(
            "squared_error", 2.0, f"for a mean, as R² and totals need it; {skew_words(facts)}"
        )
        skew = number(skew_of_noise(facts))
        why = f"for a median; {words}, and noise of skewness {skew} sets it apart from the mean"
        yield Idea("absolute_error", 2.1, why)
    if multiplies(facts):
        yield from multiplicative(facts, 2.05, 0.3)
        yield from overdispersed(facts, 2.02)
    yield from robust(facts, 1.8)
    yield from spread(facts, 1.6)


RULES: dict[str | None, Callable[[NumberFacts, Aim | None], Ideas]] = {
    "mean": for_mean,
    "positive mean": for_positive_mean,
    "median": for_median,
    "quantile": for_quantile,
    "log": for_log,
    "relative": for_relative,
    "extremes": for_extremes,
    "distribution": for_distribution,
    None: for_any,
}
