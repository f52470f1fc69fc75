"""What a fitted estimator must answer: right shapes, finite numbers, known labels, probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Answers = dict[str, Any]


class Wrong(AssertionError):  # noqa: N818
    """An answer that cannot be right."""


def expect(holds: Any, what: str) -> None:
    """Raise if something does not hold."""
    if not holds:
        raise Wrong(what)


def _finite(values: Any, what: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    expect(np.isfinite(values).all(), f"{what} is not finite")
    return values


def _shares(values: Any, what: str, adds_up: bool = True) -> None:
    values = _finite(values, what)
    expect(((values >= 0) & (values <= 1)).all(), f"{what} is outside [0, 1]")
    if adds_up and values.size:
        expect(np.allclose(values.sum(-1), 1, atol=1e-5), f"{what} does not sum to 1")


def of_numbers(model: Any, X: Any, n: int) -> Answers:
    """Answers of regressors: numbers, quantiles in order, spreads."""
    said = {"predict": model.predict(X)}
    found = _finite(said["predict"], "predict")
    expect(len(found) == n, f"predict has {len(found)} rows of {n}")
    expect(said["predict"].dtype == np.float64, f"predict is {said['predict'].dtype}")
    if hasattr(model, "predict_quantiles"):
        levels = getattr(model.loss_, "quantiles", (1e-8, 0.5, 1 - 1e-8))
        said["quantiles"] = model.predict_quantiles(X, levels)
        steps = np.diff(_finite(said["quantiles"], "predict_quantiles"))
        expect((steps >= -1e-6 * np.abs(said["quantiles"]).max(initial=0)).all(), "quantiles cross")
    if hasattr(model, "predict_std"):
        said["std"] = model.predict_std(X)
        expect((_finite(said["std"], "predict_std") >= 0).all(), "predict_std is negative")
    return said


def of_labels(model: Any, X: Any, n: int) -> Answers:
    """Answers of classifiers: labels, probabilities, decisions."""
    said = {"predict": model.predict(X), "decision": model.decision_function(X)}
    expect(len(said["predict"]) == n, f"predict has {len(said['predict'])} rows of {n}")
    many = said["predict"].ndim == 2
    known = [0, 1] if many else model.classes_.tolist()
    expect(set(said["predict"].ravel().tolist()) <= set(known), "predict has unknown labels")
    _finite(said["decision"], "decision_function")
    if hasattr(model, "predict_proba"):
        said["proba"] = model.predict_proba(X)
        expect(said["proba"].shape == (n, len(model.classes_)), "predict_proba has another shape")
        _shares(said["proba"], "predict_proba", adds_up=not many)
    return said


def of_scores(model: Any, X: Any, n: int) -> Answers:
    """Answers of rankers: a score per row."""
    said = {"predict": model.predict(X)}
    expect(_finite(said["predict"], "predict").shape == (n,), "predict has another shape")
    return said


def of_vectors(model: Any, X: Any, n: int) -> Answers:
    """Answers of embedders: unit vectors."""
    said = {"transform": model.transform(np.asarray(X)[:, 0] if model.pairs else X)}
    vectors = _finite(said["transform"], "transform")
    expect(len(vectors) == n, "transform has another number of rows")
    expect(
        np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4), "vectors are no unit vectors"
    )
    return said


def of_tasks(model: Any, X: Any, n: int) -> Answers:
    """Answers of several tasks."""
    said = {"predict": np.asarray(model.predict(X), dtype=object)}
    expect(len(said["predict"]) == n, "predict has another number of rows")
    if not model.classes_:
        _finite(said["predict"], "predict")
    if hasattr(model, "predict_proba"):
        said |= {f"proba {task}": p for task, p in model.predict_proba(X).items()}
        for p in list(said.values())[1:]:
            _shares(p, "predict_proba")
    return said


def of_boxes(model: Any, X: Any, n: int) -> Answers:
    """Answers of box regressors: corners inside the image, in order."""
    said = {"predict": model.predict(X)}
    boxes = _finite(said["predict"], "predict")
    expect(boxes.shape == (n, 4), "predict has another shape")
    expect((boxes[:, :2] <= boxes[:, 2:]).all() and (boxes >= 0).all(), "boxes are outside")
    return said


def of_masks(model: Any, X: Any, n: int) -> Answers:
    """Answers of segmenters: a label and probabilities for every pixel."""
    said = {"predict": model.predict(X)}
    expect(len(said["predict"]) == n, "predict has another number of rows")
    expect(set(np.unique(said["predict"])) <= set(model.classes_), "predict has unknown labels")
    if not hasattr(model, "predict_proba"):
        return said
    said["proba"] = model.predict_proba(X)
    proba = _finite(said["proba"], "predict_proba")
    expect(((proba >= 0) & (proba <= 1)).all(), "predict_proba is outside [0, 1]")
    expect(np.allclose(proba.sum(1), 1, atol=1e-5), "predict_proba does not sum to 1")
    return said


def of_pairs(model: Any, X: Any, n: int) -> Answers:
    """Answers of recommenders: a number per pair, and lists of items for each user."""
    said = {"predict": model.predict(X)}
    expect(_finite(said["predict"], "predict").shape == (n,), "predict has another shape")
    items = model.recommend(n=2)
    expect(set(items.item) <= set(model.items_.tolist()), "recommend has unknown items")
    expect(set(items["rank"]) <= {1, 2}, "ranks are not 1 and 2")
    return said


def of_transcripts(model: Any, X: Any, n: int) -> Answers:
    """Answers of transcribers: a transcript per utterance, probabilities of every frame."""
    transcripts, proba = model.predict(X), model.predict_proba(X)
    expect(len(transcripts) == len(proba) == n, "predict has another number of rows")
    for p in proba:
        _shares(p, "predict_proba")
    return {"predict": [str(each) for each in transcripts], "proba": np.concatenate(proba)}


def of_tokens(model: Any, X: Any, n: int) -> Answers:
    """Answers of vectorizers: ids of known tokens."""
    said = {"transform": model.transform(X)}
    expect(said["transform"].shape == (n, model.length_), "transform has another shape")
    largest = len(model.vocabulary_) + 1
    expect(((said["transform"] >= 0) & (said["transform"] <= largest)).all(), "ids are unknown")
    return said


def of_search(model: Any, X: Any, n: int) -> Answers:
    """Answers of a search: one finite or failed score per candidate, and those of the best."""
    n_candidates = len(model.cv_results_["params"])
    expect(all(len(column) == n_candidates for column in model.cv_results_.values()), "cv_results_")
    return of_numbers(model.best_estimator_, X, n) if hasattr(model, "best_estimator_") else {}


ANSWERS: dict[str, Callable[[Any, Any, int], Answers]] = {
    "NeuralRegressor": of_numbers,
    "NeuralClassifier": of_labels,
    "NeuralRanker": of_scores,
    "MetricEmbedder": of_vectors,
    "NeuralMultiTask": of_tasks,
    "NeuralBoxRegressor": of_boxes,
    "NeuralSegmenter": of_masks,
    "Recommender": of_pairs,
    "SequenceTranscriber": of_transcripts,
    "TokenVectorizer": of_tokens,
    "LossSearchCV": of_search,
}


def expect_equal(one: Answers, other: Answers, why: str, rtol: float = 0.0) -> None:
    """Raise if two sets of answers differ."""
    for name, values in one.items():
        first, second = np.asarray(values), np.asarray(other[name])
        if first.dtype.kind == "f" and rtol:
            same = np.allclose(first, second, rtol=rtol, atol=rtol * np.abs(first).max(initial=0))
        else:
            same = first.shape == second.shape and bool((first == second).all())
        expect(same, f"{name} differs: {why}")
