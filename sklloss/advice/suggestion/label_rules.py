"""Which losses for labels: from facts about y to ideas, one function per goal of the metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .aim import Aim
from .facts import LabelFacts
from .ideas import Idea, number, percent

# From this share of wrong labels among the surest rows on, losses that bear them are tried.
NOISY = 0.08
# Below this ratio of the commonest class to the rarest, classes are equally common.
EVEN = 1.15

Ideas = Iterator[Idea]


def wrong_labels(facts: LabelFacts) -> float:
    """Return the share of labels that are probably wrong; 0 where nothing is known."""
    return 0.0 if facts.noise is None else facts.noise.wrong_labels


def words_of_noise(facts: LabelFacts) -> str:
    """Return what is known of wrong labels, in words."""
    if facts.noise is None:
        return f"without X nothing is known of wrong labels among {facts.n_rows:,}"
    share = percent(facts.noise.wrong_labels)
    return f"a quick fit contradicts {share} of the labels that it is surest of"


def words_of_rarity(facts: LabelFacts) -> str:
    """Return how rare the rarest class is, in words."""
    what = "column" if facts.kind == "multi-label" else "class"
    words = f"{what} {facts.rarest_label!r} has {percent(facts.rarest)} of the rows"
    if facts.imbalance < EVEN:
        return f"{words}, about as many as the commonest"
    return f"{words} ({number(facts.imbalance)} times rarer than the commonest)"


# ---------------------------------------------------------------------- parts of several goals


def tolerant(facts: LabelFacts, weight: float) -> Ideas:
    """Yield losses that bear wrong labels."""
    words = words_of_noise(facts)
    yield Idea("generalized_cross_entropy", weight, words, {"q": [0.3, 0.7]})
    yield Idea("symmetric_cross_entropy", weight - 0.05, words)
    yield Idea("bi_tempered", weight - 0.1, words)


def ordinal(facts: LabelFacts, weight: float) -> Ideas:
    """Yield losses that use the order of the classes."""
    if facts.kind == "ordered":
        why = f"{facts.n_classes} ordered classes"
        yield Idea("cumulative_link", weight, f"{why} along one scale")
        yield Idea("corn", weight - 0.05, f"{why} that need not follow one scale")
        yield Idea("coral", weight - 0.1, why)


def balancing(facts: LabelFacts, weight: float) -> Ideas:
    """Yield losses whose decision favours rare classes."""
    words = words_of_rarity(facts)
    yield Idea("logit_adjusted", weight, words, {"tau": [0.25, 0.5, 0.75, 1.0]})
    why = f"weights by rarity; the rarest has {percent(facts.rarest)} of the rows"
    yield Idea("class_balanced", weight - 0.3, why, {"beta": [0.99, 0.999, 0.9999]})


def bounded(facts: LabelFacts, weight: float) -> Ideas:
    """Yield the squared error of probabilities."""
    why = f"no row costs more than 2; {words_of_noise(facts)}"
    yield Idea("squared_error", weight, why)


# ---------------------------------------------------------------------- goals


def for_posterior(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses with probabilities."""
    noisy = wrong_labels(facts) > NOISY
    yield Idea(
        "cross_entropy", 2.0, f"its probabilities are what is measured; {words_of_rarity(facts)}"
    )
    yield from ordinal(facts, 1.95)
    why = f"with {facts.n_rows:,} rows cross_entropy may be too sure; this is less so"
    yield Idea("focal", 1.9, why, {"gamma": [0.5, 1.0, 2.0]})
    if facts.kind == "multi-label":
        per_row = number(facts.labels_per_row)
        why = f"{per_row} of {facts.n_classes} labels per row"
        yield Idea("asymmetric", 1.85, why)
    elif facts.is_imbalanced:
        yield Idea("asymmetric", 1.75, words_of_rarity(facts))
    yield from tolerant(facts, 1.4 + 0.45 * noisy)
    yield Idea(
        "poly1",
        1.6,
        f"one parameter around cross_entropy; {words_of_noise(facts)}",
        {"epsilon": [-0.5, 1.0]},
    )
    yield from bounded(facts, 1.5)


def for_mode(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses that decide for the likeliest class."""
    noisy = wrong_labels(facts) > NOISY
    words = words_of_noise(facts)
    yield Idea("cross_entropy", 2.0, f"the default; {words}")
    yield from bounded(facts, 1.9)
    yield from ordinal(facts, 1.75)
    yield from tolerant(facts, 1.65 + 0.3 * noisy)
    yield Idea("multi_margin", 1.7, f"only the decision counts; {words}", {"power": [1, 2]})
    yield Idea("squared_hinge", 1.5, f"a margin with probabilities; {words}")


def for_ranking(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses that put rows in order."""
    words = words_of_rarity(facts)
    yield Idea("cross_entropy", 2.0, f"probabilities put rows in the best order; {words}")
    yield Idea("focal", 1.9, f"easy rows count less; {words}", {"gamma": [1.0, 2.0]})
    if facts.kind == "binary":
        yield Idea("auc_margin", 1.85, f"it trains the order itself; {words}")
    yield from bounded(facts, 1.8)
    yield Idea("asymmetric", 1.7, words)
    yield from ordinal(facts, 1.95)
    yield Idea("logit_adjusted", 1.5, words, {"tau": [0.5, 1.0]})


def for_balanced(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose decision weighs all classes alike."""
    yield from balancing(facts, 2.1 + 0.3 * facts.is_imbalanced)
    yield from weighing(facts, 1.6 + 0.3 * facts.is_imbalanced)
    yield from for_mode(facts, aim)


def for_f1(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses whose decision weighs hits of rare classes against false alarms."""
    yield from balancing(facts, 1.87 + 0.5 * facts.is_imbalanced)
    yield from weighing(facts, 1.6 + 0.7 * facts.is_imbalanced)
    if facts.kind == "multi-label":
        why = f"{number(facts.labels_per_row)} of {facts.n_classes} labels per row"
        yield Idea("asymmetric", 2.05, why)
    yield from for_mode(facts, aim)


def weighing(facts: LabelFacts, weight: float) -> Ideas:
    """Yield losses of whole batches, which weigh hits against false alarms."""
    words = words_of_rarity(facts)
    yield Idea("soft_f1", weight, f"it trains a smooth F1 score; {words}")
    if facts.kind == "binary":
        why = f"it trains the order of the rows around a threshold; {words}"
        yield Idea("auc_margin", weight - 0.1, why)


def for_ranks(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses that know the order of the classes."""
    yield from ordinal(facts, 2.0)
    yield Idea(
        "cross_entropy", 1.8, f"in case that the order of the {facts.n_classes} classes says little"
    )
    yield from bounded(facts, 1.6)


def for_any(facts: LabelFacts, aim: Aim | None) -> Ideas:
    """Yield losses for several metrics where none is named."""
    if facts.is_imbalanced:
        yield from balancing(facts, 1.92)
    yield from for_posterior(facts, aim)


RULES: dict[str | None, Callable[[LabelFacts, Aim | None], Ideas]] = {
    "posterior": for_posterior,
    "mode": for_mode,
    "ranking": for_ranking,
    "balanced": for_balanced,
    "f1": for_f1,
    "ranks": for_ranks,
    None: for_any,
}
