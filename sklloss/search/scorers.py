"""Scorers that cannot work with the labels or losses at hand, named before any training."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer_names

from .candidates import Candidate
from .scikit_learn import code_of_scorer, has_several_metrics, methods_of_scorer, scorers_by_name
from .steps import net_of, path_to_net

# Words of scikit-learn's messages about labels that a metric does not take.
ABOUT_LABELS = ("pos_label", "average='binary'", "multi_class must be")
# Endings of the names of metrics that treat all classes alike.
ENDINGS = ("macro", "ovr")


def check_scorers(scorer: Any, scoring: Any, y: Any) -> None:
    """Raise a ValueError for a scorer that takes other labels than those of y.

    Parameters
    ----------
    scorer : callable
        As scikit-learn's functions take it; functions of the user are not looked at.
    scoring : object
        What the user gave, which has its name.
    y : array-like
        Labels of all rows.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) == 0:
        return
    X = np.zeros((len(labels), 1))
    for name, each in scorers_by_name(scorer, scoring).items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Whatever a model says, its labels are those of y.
                each(DummyClassifier().fit(X, labels), X, labels)
        except Exception as error:
            if any(words in str(error) for words in ABOUT_LABELS):
                raise ValueError(_advice(name, each, labels, str(error))) from None


def check_methods(owner: str, scorer: Any, scoring: Any, candidates: Sequence[Candidate]) -> None:
    """Raise a ValueError for a net without the method that one of several metrics needs.

    scikit-learn raises, too, but after the fit and without a name; a single metric is NaN there.

    Parameters
    ----------
    owner : str
        The class of the search.
    scorer : callable
        As scikit-learn's functions take it; functions of the user are not looked at.
    scoring : object
        What the user gave, which has its name.
    candidates : sequence of Candidate
    """
    if not has_several_metrics(scorer) or len(scorer._scorers) == 1:
        return
    needed = {name: methods_of_scorer(s) for name, s in scorers_by_name(scorer, scoring).items()}
    for candidate in candidates:
        if path_to_net(candidate.estimator) is None:
            continue
        for name, methods in needed.items():
            if not any(hasattr(candidate.estimator, method) for method in methods):
                net = net_of(candidate.estimator)
                loss = net._loss.resolved(net)
                raise ValueError(
                    f"{owner} cannot score the candidate {candidate.params} by {name!r}, which"
                    f" needs {' or '.join(methods)}: {type(net).__name__} with the loss"
                    f" {loss.label!r} has none. Leave out the metric or the candidate;"
                    f" list_losses({loss.task!r}) shows which losses have predict_proba."
                )


def _advice(name: str, scorer: Any, labels: np.ndarray, message: str) -> str:
    """Return who cannot work with which labels, and what to give instead."""
    counts = Counter(labels.tolist())
    known = [f"{name}_{ending}" for ending in ENDINGS if f"{name}_{ending}" in get_scorer_names()]
    remedies = [f"{each!r}, which treats all classes alike" for each in known[:1]]
    why = f"is for two classes, but y has {len(counts)}"
    if "pos_label" in message:
        classes = " and ".join(repr(label) for label in sorted(counts))
        why = f"looks for a positive class named 1, and y has the classes {classes}"
        rarest = min(counts, key=lambda label: counts[label])
        remedies.append(f"{code_of_scorer(scorer, rarest)}, which names yours")
    return f"scoring={name!r} {why}. Use {', or '.join(remedies)}."
