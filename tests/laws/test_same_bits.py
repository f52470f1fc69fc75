"""Ways to the same model have the same bits, for every estimator: again, cloned, pickled, as a
member, through its answers and through a search."""

import pickle
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from sklloss import (
    LossSearchCV,
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    NeuralSegmenter,
    Recommender,
    SequenceTranscriber,
)

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(48, 4))
NUMBERS = TABLE[:, 0] - 0.5 * TABLE[:, 1] + 0.1 * RNG.normal(size=48)
CLASSES = np.digitize(NUMBERS, [-0.5, 0.5])
IMAGES = RNG.normal(size=(16, 8, 8))
CORNERS = RNG.integers(0, 4, (16, 2))
UTTERANCES = [np.repeat(np.eye(3)[list(text)], 4, axis=0) for text in RNG.integers(0, 3, (16, 2))]
TEXTS = ["".join("abc"[int(frame.argmax())] for frame in x[::4]) for x in UTTERANCES]
PAIRS = [(user, item) for user in range(8) for item in range(6) if (user + item) % 2]
MANY = RNG.normal(size=(220, 4))
QUICK = {"max_epochs": 3, "random_state": 3}
# Each member draws its validation rows, and the encoding of X is not learned from the others.
HOLDS_OUT = {"early_stopping": True, "validation_fraction": 0.1, "numeric_encoding": "none"}


class Case(NamedTuple):
    """An estimator, what it is fitted on, and the method that says what it has learned."""

    model: Any
    X: Any
    y: Any
    method: str = "predict"
    grid: Any = None


CASES = {
    "regressor": Case(NeuralRegressor("huber", **QUICK), TABLE, NUMBERS),
    "batches": Case(NeuralRegressor("mae", batch_size=7, **HOLDS_OUT, **QUICK), TABLE, NUMBERS),
    "bagged": Case(NeuralRegressor("mse", hidden_layer_sizes=(8,), **QUICK), MANY, MANY[:, 0]),
    "bagged classes": Case(
        NeuralClassifier("cross_entropy", hidden_layer_sizes=(8,), **QUICK),
        MANY,
        np.where(MANY[:, 0] > 0, "up", "down"),
        "predict_proba",
    ),
    "distribution": Case(
        NeuralRegressor("gaussian_nll", **QUICK), TABLE, NUMBERS, "predict_quantiles"
    ),
    "two targets": Case(
        NeuralRegressor("mse", **QUICK), TABLE, np.column_stack((NUMBERS, TABLE[:, 2]))
    ),
    "classifier": Case(NeuralClassifier("focal", **QUICK), TABLE, CLASSES, "predict_proba"),
    "labels": Case(
        NeuralClassifier("brier", **QUICK), TABLE, np.array(["low", "mid", "top"])[CLASSES]
    ),
    "decision": Case(NeuralClassifier("hinge", **QUICK), TABLE, CLASSES > 1, "decision_function"),
    "segmenter": Case(
        NeuralSegmenter("dice", module_params={"channels": (2, 4)}, **QUICK),
        IMAGES,
        np.where(IMAGES > 0, "on", "off"),
        "decision_function",
        {"loss": ["dice", "cross_entropy"]},
    ),
    "boxes": Case(
        NeuralBoxRegressor("giou", module_params={"channels": (2, 2)}, **QUICK),
        IMAGES,
        np.column_stack((CORNERS, CORNERS + 3)),
        grid={"loss": ["giou", "mse"]},
    ),
    "transcriber": Case(
        SequenceTranscriber("ctc", module_params={"widths": (4,)}, **QUICK),
        UTTERANCES,
        TEXTS,
        "predict_log_proba",
        {"loss": ["ctc", "focal_ctc"]},
    ),
    "ranker": Case(
        NeuralRanker("listnet", **QUICK),
        pd.DataFrame(TABLE, columns=list("abcd")).assign(qid=np.repeat(np.arange(8), 6)),
        CLASSES,
        grid={"loss": ["listnet", "ranknet"]},
    ),
    "recommender": Case(
        Recommender("bpr", n_factors=3, **QUICK), PAIRS, None, grid={"loss": ["bpr", "warp"]}
    ),
    "embedder": Case(
        MetricEmbedder("triplet", n_components=3, **QUICK),
        TABLE,
        CLASSES,
        "transform",
        {"lr": [0.001, 0.002]},
    ),
    "several tasks": Case(
        NeuralMultiTask({"size": "huber", "kind": "cross_entropy"}, **QUICK),
        TABLE,
        pd.DataFrame({"size": NUMBERS, "kind": CLASSES}),
        grid={"losses__size": ["huber", "mae"]},
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
# Members that hold out folds share these, so that they are no fits of their seeds.
WITHOUT_FOLDS = {name: case for name, case in CASES.items() if not name.startswith("bagged")}


def fitted(case, **params):
    return clone(case.model).set_params(**params).fit(case.X, case.y)


def assert_equal(mine, theirs):
    if isinstance(mine, list):
        for pair in zip(mine, theirs, strict=True):
            assert_equal(*pair)
    elif hasattr(mine, "columns"):
        pd.testing.assert_frame_equal(mine, theirs)
    else:
        np.testing.assert_array_equal(mine, theirs)


def assert_same(model, other, case):
    assert_equal(getattr(model, case.method)(case.X), getattr(other, case.method)(case.X))
    assert hasattr(model, "oof_") == hasattr(other, "oof_")
    assert_equal(getattr(model, "oof_", None), getattr(other, "oof_", None))
    for nets in zip(model.members_, other.members_, strict=True):
        assert_same_tensors(*(net.module_.state_dict() for net in nets))
        assert_same_tensors(*(net.criterion_.state_dict() for net in nets))


def assert_same_tensors(mine, theirs):
    assert list(mine) == list(theirs)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@each
def test_a_second_fit_a_clone_and_a_pickle(case):
    model = fitted(case)
    assert_same(model, fitted(case), case)
    assert_same(model, clone(model).fit(case.X, case.y), case)
    assert_same(model, pickle.loads(pickle.dumps(model)), case)
    before = pickle.loads(pickle.dumps(model))
    assert_same(model.fit(case.X, case.y), before, case)


@pytest.mark.parametrize("case", WITHOUT_FOLDS.values(), ids=WITHOUT_FOLDS)
def test_members_are_fits_of_consecutive_seeds(case):
    ensemble = fitted(case, n_members=3)
    for k, net in enumerate(ensemble.members_):
        alone = fitted(case, random_state=QUICK["random_state"] + k).net_
        assert_same_tensors(net.module_.state_dict(), alone.module_.state_dict())


@each
def test_a_search_refits_what_a_fit_gives(case):
    grid = case.grid or {"lr": [0.001, 0.01]}
    by = {"scoring": lambda model, X, y=None: model.get_params()["random_state"]}
    search = LossSearchCV(case.model, grid, cv=2, **(by if case.y is None else {}))
    search.fit(case.X, case.y)
    again = clone(case.model).set_params(**search.best_params_).fit(case.X, case.y)
    assert_same(search.best_estimator_, again, case)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("regressor", "predict"),
        ("bagged", "predict"),
        ("bagged classes", "predict_proba"),
        ("two targets", "predict"),
        ("classifier", "predict_proba"),
        ("decision", "decision_function"),
        ("segmenter", "decision_function"),
        ("boxes", "predict"),
        ("embedder", "transform"),
    ],
)
def test_a_module_gives_the_answer_of_the_method(name, output):
    case = CASES[name]
    model = fitted(case)
    module = model.to_module(output)(torch.from_numpy(np.asarray(case.X)))
    np.testing.assert_allclose(module.numpy(), getattr(model, output)(case.X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["regressor", "bagged", "bagged classes", "classifier", "embedder", "several tasks"]
)
def test_a_data_frame_of_numbers_is_its_array(name):
    case = CASES[name]
    frame = pd.DataFrame(case.X, columns=list("abcd"))
    model = clone(case.model).fit(frame, case.y)
    other = fitted(case)
    for nets in zip(model.members_, other.members_, strict=True):
        assert_same_tensors(*(net.module_.state_dict() for net in nets))


@pytest.mark.parametrize("name", ["regressor", "classifier", "segmenter", "boxes", "embedder"])
def test_going_on_is_training_longer(name):
    case = CASES[name]
    twice = fitted(case, warm_start=True, max_epochs=2)
    twice.fit(case.X, case.y)
    one_by_one = clone(case.model)
    for _ in range(4):
        one_by_one.partial_fit(case.X, case.y)
    assert_same_tensors(twice.net_.module_.state_dict(), one_by_one.net_.module_.state_dict())
    assert len(twice.history_) == len(one_by_one.history_) == 4
