"""Every estimator of ours comes back from a file with the bits of every answer."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import ShuffleSplit

from sklloss import (
    FitCheckpoint,
    LossSearchCV,
    MetricEmbedder,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    Recommender,
    SequenceTranscriber,
    TokenVectorizer,
)
from sklloss.losses.catalogue import CATALOGUE
from sklloss.persistence import load, save

from ..laws.test_same_bits import CASES, CLASSES, IMAGES, MANY, NUMBERS, TABLE, UTTERANCES, fitted
from ..laws.test_same_bits import TEXTS as TRANSCRIPTS
from ..loss_instances import VARIANTS
from .every_answer import assert_same, assert_same_answers

SMALL = {"hidden_layer_sizes": (6,), "max_epochs": 2, "random_state": 0}
FRAME = pd.DataFrame(
    {
        "number": np.where(MANY[:, 0] > 1, np.nan, MANY[:, 0]),
        "text": np.where(MANY[:, 1] > 0, "left", "right"),
        "category": pd.Categorical(np.where(MANY[:, 2] > 0, "b", "a"), categories=["b", "a", "c"]),
        "numbered": pd.Categorical((MANY[:, 2] > 0.3).astype(int)),
        "ordered": pd.Categorical(np.digitize(MANY[:, 3], [-1, 1]), ordered=True),
        "flag": MANY[:, 3] > 0,
        "day": pd.date_range("2024-01-01", periods=220, freq="h", tz="Europe/Berlin"),
        "moment": pd.date_range("2024-01-01", periods=220, freq="D"),
        "wait": pd.to_timedelta(np.arange(220), "min"),
        "masked": pd.array([None, *range(219)], dtype="Int64"),
        "nothing": np.full(220, np.nan),
        "letters": [None, *(["p", "q", "r"] * 73)],
    }
)
LABELS = MANY[:, 0] > 0


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.sklloss"


def through(model, file, **params):
    save(model, file, **params)
    return load(file)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_answers_of_every_estimator(case, file):
    model = fitted(case)
    loaded = through(model, file)
    assert type(loaded) is type(model)
    if case.method == "predict" and "Recommender" in repr(model):
        users = [0, 3, 5]
        assert_same(model.recommend(users, 3), loaded.recommend(users, 3))
        assert_same(model.similar_items([0, 1], 2), loaded.similar_items([0, 1], 2))
        assert_same(model.predict(case.X), loaded.predict(case.X))
    else:
        assert_same_answers(model, loaded, case.X)
    assert_same(model.get_params(), loaded.get_params())
    # A second file has the same bytes, so nothing was lost in between.
    before = file.read_bytes()
    save(loaded, file, training=False)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "gaussian_nll", "calibrate": True},
        {"loss": "multi_quantile", "n_members": 1},
        {"loss": "mae", "calibrate": True, "dtype": "float64"},
        {"loss": "zero_inflated_poisson", "dtype": "float32"},
        {"loss": "cross_entropy", "n_members": 1, "early_stopping": False},
        {"loss": "adaptive", "optimizer": "sgd", "scale_target": False},
    ],
    ids=lambda params: params["loss"],
)
def test_answers_for_a_table_of_every_kind_of_column(params, file):
    y = np.abs(MANY[:, 0]).round() if "zero" in params["loss"] else MANY[:, 0]
    model = NeuralRegressor(**{**SMALL, **params}).fit(FRAME, y)
    loaded = through(model, file)
    assert_same_answers(model, loaded, FRAME)
    assert_same(model.predict(FRAME[:7]), loaded.predict(FRAME[:7]))
    with pytest.raises(ValueError, match="names"):
        loaded.predict(FRAME.rename(columns={"number": "other"}))


def labels_of(kind):
    return {
        "str": np.where(LABELS, "yes", "no"),
        "object": np.where(LABELS, "yes", "no").astype(object),
        "bool": LABELS,
        "int8": LABELS.astype(np.int8),
        "float": LABELS * 2.0,
        "bytes": np.where(LABELS, b"yes", b"no").astype(object),
        "pandas texts": pd.Series(np.where(LABELS, "yes", "no"), dtype="str"),
        "categorical": pd.Series(pd.Categorical(np.where(LABELS, "yes", "no"), ["yes", "no"])),
        "grades": pd.Series(pd.Categorical(np.digitize(MANY[:, 0], [-1, 1]), ordered=True)),
        "datetime": np.where(LABELS, np.datetime64("2024-01-01"), np.datetime64("2025-01-01")),
        "moments": pd.Series(pd.to_datetime(np.where(LABELS, "2024-01-01", "2025-01-01"))),
        "nullable": pd.Series(LABELS.astype(int), dtype="Int64"),
    }[kind]


KINDS = (
    *("str", "object", "bool", "int8", "float", "pandas texts", "categorical", "grades"),
    *("datetime", "moments", "nullable", "bytes"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_class_labels_of_every_type(kind, file):
    model = NeuralClassifier(**SMALL, n_members=2)
    y = labels_of(kind)
    try:
        model.fit(MANY, y)
    except (TypeError, ValueError):
        assert kind in ("datetime", "moments", "bytes")  # Not taken by classifiers at all.
        return
    assert_same_answers(model, through(model, file), MANY)


def test_decisions_class_weights_and_several_labels(file):
    model = NeuralClassifier(
        "focal", decision="macro_f1", class_weight={"no": 1.0, "yes": 3.0}, **SMALL
    ).fit(MANY, labels_of("str"))
    assert_same_answers(model, through(model, file), MANY)
    many = NeuralClassifier("cross_entropy", **SMALL).fit(MANY, np.column_stack((LABELS, ~LABELS)))
    assert_same_answers(many, through(many, file), MANY)


@pytest.mark.parametrize("module", ["cnn", "text"])
def test_other_networks(module, file):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(16, 8, 8)) if module == "cnn" else rng.integers(1, 20, (16, 6))
    own = {"channels": (2, 3)} if module == "cnn" else {"pooling": "gru"}
    model = NeuralClassifier(module=module, module_params=own, max_epochs=2, random_state=0)
    model.fit(X, np.arange(16) % 3)
    assert_same_answers(model, through(model, file), X)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_recurrent_networks(cell, file):
    model = SequenceTranscriber(
        module_params={"widths": (4,), "recurrent": cell}, max_epochs=2, random_state=0
    )
    try:
        model.fit(UTTERANCES, TRANSCRIPTS)
    except ValueError:
        model.set_params(module_params={"widths": (4,), "n_units": 3, "cell": cell})
        model.fit(UTTERANCES, TRANSCRIPTS)
    assert_same_answers(model, through(model, file), UTTERANCES)


def test_sparse_rows_and_a_linear_model(file):
    X = sparse.csr_matrix(np.where(np.abs(MANY) > 1, MANY, 0))
    model = NeuralRegressor(hidden_layer_sizes=(), max_epochs=3, random_state=0, loss="mae")
    model.fit(X, MANY[:, 0])
    assert_same_answers(model, through(model, file), X)


def test_text_vectorizer(file):
    texts = ["red blue red", "blue green", "red green blue", "yellow red"]
    model = TokenVectorizer().fit(texts)
    assert_same_answers(model, through(model, file), texts)


def test_tasks_with_names_losses_and_missing_labels(file):
    y = pd.DataFrame({"size": NUMBERS, "kind": np.where(CLASSES > 0, "up", None), "count": CLASSES})
    y.loc[::5, "size"] = np.nan
    losses = {"size": "huber", "kind": "focal", "count": "poisson"}
    model = NeuralMultiTask(losses, weighting="uncertainty", max_epochs=2, random_state=0)
    y["kind"] = np.where(CLASSES > 1, "up", "down")
    model.fit(TABLE, y)
    assert_same_answers(model, through(model, file), TABLE)


def test_recommender_with_names_and_ratings(file):
    pairs = pd.DataFrame({"user": list("aabbccdd") * 3, "item": [f"i{k % 7}" for k in range(24)]})
    model = Recommender("mse", n_factors=2, max_epochs=2, random_state=0)
    pairs = pairs.drop_duplicates()
    model.fit(pairs, np.arange(len(pairs)) % 5)
    loaded = through(model, file)
    assert_same(model.recommend(["a", "c"], 3), loaded.recommend(["a", "c"], 3))
    assert_same(model.predict(pairs), loaded.predict(pairs))


def test_ranker_with_groups_of_texts(file):
    X = pd.DataFrame(TABLE, columns=list("wxyz")).assign(qid=np.repeat(list("abcdefgh"), 6))
    model = NeuralRanker("lambdarank", max_epochs=2, random_state=0, n_members=2).fit(X, CLASSES)
    assert_same_answers(model, through(model, file), X)


def test_embedder_of_images(file):
    model = MetricEmbedder(module="cnn", module_params={"channels": (2, 2)}, n_components=2)
    model.set_params(max_epochs=2, random_state=0).fit(IMAGES, np.arange(16) % 4)
    assert_same_answers(model, through(model, file), IMAGES)


@pytest.mark.parametrize("n_members", [1, 8])
def test_partial_fit_goes_on_with_the_same_bits(n_members, file):
    model = NeuralClassifier("focal", **SMALL, n_members=n_members)
    for _ in range(2):
        model.partial_fit(TABLE, CLASSES, classes=[0, 1, 2])
    loaded = through(model, file)
    for each in (model, loaded):
        each.partial_fit(TABLE, CLASSES)
    assert_same_answers(model, loaded, TABLE)
    assert len(loaded.history_) == 3


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lbfgs", "nadam", "rmsprop", "radam"])
def test_warm_start_goes_on_with_the_same_bits(optimizer, file):
    model = NeuralRegressor("mae", optimizer=optimizer, warm_start=True, **SMALL)
    model.fit(TABLE, NUMBERS)
    loaded = through(model, file)
    for each in (model, loaded):
        each.fit(TABLE, NUMBERS)
    assert_same_answers(model, loaded, TABLE)


def test_training_goes_on_only_from_files_that_hold_the_optimizer(file):
    model = NeuralRegressor(**SMALL).fit(MANY, MANY[:, 0])
    loaded = through(model, file)
    without = file.stat().st_size
    with pytest.raises(ValueError, match=r"save\(\.\.\., training=True\)"):
        loaded.partial_fit(MANY, MANY[:, 0])
    whole = through(model, file, training=True)
    assert file.stat().st_size > 2 * without
    for each in (model, whole):
        each.partial_fit(MANY, MANY[:, 0])
    assert_same_answers(model, whole, MANY)
    # What is not there cannot be saved again, and a new fit does not need it.
    with pytest.raises(ValueError, match="fit it again"):
        through(loaded, file, training=True).partial_fit(MANY, MANY[:, 0])
    assert_same_answers(clone(model).fit(MANY, MANY[:, 0]), loaded.fit(MANY, MANY[:, 0]), MANY)


def test_out_of_fold_predictions_may_be_left_out(file):
    model = NeuralRegressor(**SMALL).fit(MANY, MANY[:, 0])
    assert_same(model.oof_, through(model, file).oof_)
    size = file.stat().st_size
    loaded = through(model, file, oof=False)
    assert size - file.stat().st_size >= model.oof_.nbytes
    assert not hasattr(loaded, "oof_")
    assert_same(model.predict(MANY), loaded.predict(MANY))


def test_answers_are_those_of_the_fit_whatever_was_set_since(file):
    model = NeuralClassifier("coral", **SMALL).fit(TABLE, CLASSES)
    expected = model.set_params(decision="mode", hidden_layer_sizes=(99,)).predict(TABLE)
    np.testing.assert_array_equal(through(model, file).predict(TABLE), expected)


@pytest.mark.parametrize("loss", [*(cls() for cls in CATALOGUE), *VARIANTS], ids=repr)
def test_an_unfitted_estimator_is_its_parameters(loss, file):
    model = NeuralRegressor(
        loss,
        validation_fraction=ShuffleSplit(1, test_size=0.2, random_state=np.random.RandomState(3)),
    )
    loaded = through(model, file)
    assert loaded.loss == loss
    assert repr(loaded.loss) == repr(loss)
    with pytest.raises(NotFittedError):
        loaded.predict(TABLE)


def test_parameters_of_many_kinds(file):
    params = {
        "loss": torch.nn.SmoothL1Loss(beta=0.5),
        "optimizer": torch.optim.Adam,
        "optimizer_params": {"betas": (0.8, 0.9), "amsgrad": True},
        "lr": np.float32(0.01),
        "hidden_layer_sizes": np.array([4, 3]),
        "random_state": np.random.RandomState(5),
        "validation_fraction": (np.arange(30), np.arange(30, 48)),
        "early_stopping": True,
        "max_epochs": 3,
    }
    model = NeuralRegressor(**params)
    loaded = through(model, file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in (model, loaded):
            each.fit(TABLE, NUMBERS)
    assert_same(model.predict(TABLE), loaded.predict(TABLE))
    assert loaded.lr.dtype == np.float32
    assert_same(model.predict(TABLE), through(model, file).predict(TABLE))


def test_a_fit_with_a_checkpoint(file, tmp_path):
    keeper = FitCheckpoint(tmp_path / "fit.checkpoint", seconds=5)
    model = NeuralRegressor(**SMALL, callbacks=[keeper]).fit(TABLE, NUMBERS)
    loaded = through(model, file)
    assert_same_answers(model, loaded, TABLE)
    (kept,) = loaded.callbacks
    assert vars(kept) == vars(keeper)
    # The path may be that of another machine, where there is no such folder.
    loaded.set_params(callbacks=[FitCheckpoint(tmp_path / "elsewhere" / "fit.checkpoint")])
    assert_same_answers(model, through(loaded, file), TABLE)


def test_paths_of_searches(file):
    search = LossSearchCV(NeuralRegressor(), {"loss": ["mse"]}, checkpoint=Path("search.db"))
    assert through(search, file).checkpoint == Path("search.db")
