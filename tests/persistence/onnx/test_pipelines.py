"""Pipelines: steps of scikit-learn by skl2onnx, and our converter inside theirs."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skl2onnx
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
    TargetEncoder,
)

from sklloss import LossSearchCV, NeuralClassifier, NeuralRanker, NeuralRegressor
from sklloss.persistence.onnx import register, to_onnx

from .agreement import TOLERANCE, assert_agrees, difference, onnxruntime, ran

RNG = np.random.default_rng(0)
N = 220
X = RNG.standard_normal((N, 3))
Y = X[:, 0] + RNG.standard_normal(N) / 9
LABELS = np.where(Y > 0, "up", "down")
TABLE = pd.DataFrame({"a": X[:, 0], "t": RNG.choice(["x", "y"], N), "b": X[:, 1], "n": X[:, 2]})
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 2, "n_members": 2, "random_state": 0}


def columns():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer((numbers, ["a", "b"]), (OneHotEncoder(), ["t"]))


@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(),),
        (StandardScaler(), PCA(2)),
        (PolynomialFeatures(2),),  # Known to skl2onnx for float32 alone.
        (),
    ],
)
def test_steps_on_arrays(steps, tmp_path):
    model = make_pipeline(*steps, "passthrough", NeuralRegressor("crps", **SMALL)).fit(X, Y)
    file = assert_agrees(model, X, tmp_path)
    assert [port.shape for port in file.inputs] == [("rows", 3)]


@pytest.mark.parametrize("rows", [None, TABLE[:2]], ids=["learned types", "types of rows"])
def test_steps_on_tables_of_text_and_numbers(rows, tmp_path):
    X = TABLE.copy()
    X.loc[5, "a"] = np.nan
    model = make_pipeline(columns(), NeuralClassifier(**SMALL)).fit(X, LABELS)
    file = assert_agrees(model, X, tmp_path, X=rows)
    assert {port.name: port.dtype for port in file.inputs} == {
        "a": "float64", "t": "str", "b": "float64", "n": "float64",
    }  # fmt: skip


def test_columns_of_pipelines_are_found_by_name(tmp_path):
    model = make_pipeline(columns(), NeuralRegressor(**SMALL)).fit(TABLE, Y)
    file, wanted = to_onnx(model, tmp_path / "model.onnx"), model.predict(TABLE)
    for X in (TABLE[["b", "t", "a", "n"]], TABLE.assign(more="text")[["more", "n", "t", "b", "a"]]):
        assert difference(ran(file, X)["predict"], wanted) <= TOLERANCE
    with pytest.raises(ValueError, match="X lacks 1 column of training: 't'"):
        file.feed(TABLE.drop(columns="t"))


def test_text_that_no_step_has_learned_needs_rows(tmp_path):
    X = TABLE.assign(n="text")
    model = make_pipeline(columns(), NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match="'n' of X holds 'text', .* give to_onnx a DataFrame"):
        to_onnx(model, tmp_path / "model.onnx").feed(X)
    for rows in (X[["n", "t", "b", "a"]][:3], X.assign(more=1)[:3], pl.from_pandas(X[:3])):
        assert_agrees(model, X, tmp_path, X=rows)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (TABLE[["a", "t"]], "X lacks columns of training: 'b', 'n'"),
        ({"a": [1]}, "X, of type dict, is no table"),
        (X[0], "X, of type ndarray, is no table"),
    ],
)
def test_rows_that_do_not_tell_types_are_refused(rows, says, tmp_path):
    model = make_pipeline(columns(), NeuralRegressor(**SMALL)).fit(TABLE, Y)
    with pytest.raises(ValueError, match=says):
        to_onnx(model, tmp_path / "model.onnx", X=rows)


@pytest.mark.parametrize(
    "names",
    [
        ("total bill", "size (cm)", "größe", "x.y"),
        ("a b", "a_b", "a-b", 'a"b'),
        ("µ", "\n", "1", "+"),
    ],
)
def test_columns_with_any_names(names, tmp_path):
    X = TABLE.set_axis(list(names), axis="columns")
    scaled, encoded = (StandardScaler(), [names[0], names[2]]), (OneHotEncoder(), [names[1]])
    model = make_pipeline(make_column_transformer(scaled, encoded), NeuralRegressor(**SMALL))
    file = assert_agrees(model.fit(X, Y), X, tmp_path)
    assert [port.name for port in file.inputs] == list(names)


UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
ENCODERS = {
    "one-hot": (OneHotEncoder(handle_unknown="ignore"), "nan"),
    "one-hot of many": (OneHotEncoder(handle_unknown="ignore", min_frequency=30), "nan"),
    "codes": (OrdinalEncoder(**UNKNOWN, encoded_missing_value=-2), "nan"),
    "codes, unknown ones missing": (OrdinalEncoder(**{**UNKNOWN, "unknown_value": np.nan}), ""),
    "means": (TargetEncoder(), "nan"),
}


@pytest.mark.parametrize("in_column_transformer", [True, False])
@pytest.mark.parametrize(("encoder", "stands"), ENCODERS.values(), ids=ENCODERS)
def test_missing_text_is_what_the_encoder_has_learned(
    encoder, stands, in_column_transformer, tmp_path
):
    X = TABLE[["t"]].assign(u=RNG.choice(["p", "q", "r"], N), w="one")
    X.loc[::3, "t"], X.loc[::5, "u"] = np.nan, None
    first = (
        make_column_transformer((encoder, ["t", "u", "w"])) if in_column_transformer else encoder
    )
    model = make_pipeline(first, NeuralRegressor(**SMALL)).fit(X, Y + X["t"].isna())
    if not in_column_transformer and isinstance(encoder, OneHotEncoder):
        model.steps[0][1].set_params(sparse_output=False)
        model.fit(X, Y + X["t"].isna())
    file = assert_agrees(model, X, tmp_path)
    assert [port.meaning for port in file.inputs[:2]] == [
        f"Text; {stands!r} is a missing value."
    ] * 2
    # Neither missing text nor other text that training did not have fails.
    new = pd.DataFrame({"t": ["z", None, "x"], "u": ["z", "p", "q"], "w": [None, "one", "two"]})
    found = ran(file, new)["predict"]
    assert difference(found, model.predict(new)) <= TOLERANCE


@pytest.mark.parametrize(
    ("encoder", "says"),
    [
        (
            OneHotEncoder(handle_unknown="infrequent_if_exist"),
            "handle_unknown='infrequent_if_exist'",
        ),
        (OrdinalEncoder(), "'t' encodes missing text as NaN"),
        (OneHotEncoder(), "'t' has the text 'nan' and missing values"),
    ],
)
def test_encoders_that_skl2onnx_writes_otherwise_are_refused(encoder, says, tmp_path):
    X = TABLE[["t"]].replace({"y": np.nan})
    X.loc[:3, "t"] = "nan"
    model = make_pipeline(encoder, NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match=says):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (SimpleImputer(add_indicator=True), "something else.* 3 columns instead of 4"),
        (OrdinalEncoder(), "something else.* instead of nan in column 0"),
        (PowerTransformer(), "something else.* instead of nan in column 0"),
        (KNNImputer(), "cannot convert"),
    ],
)
def test_steps_that_skl2onnx_converts_otherwise_are_refused(step, says, tmp_path):
    X = np.round(RNG.standard_normal((N, 3)))
    X[::9, 0] = np.nan
    model = make_pipeline(step, NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match=says):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


class Doubled(TransformerMixin, BaseEstimator):
    """A step that does not say how many columns it takes."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X


@pytest.mark.parametrize(("rows", "says"), [(None, "Give a few rows"), (X[:2], "Doubled")])
def test_a_step_of_unknown_width_is_named(rows, says, tmp_path):
    model = make_pipeline(Doubled(), NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match=says):
        to_onnx(model, tmp_path / "model.onnx", X=rows)


@pytest.mark.parametrize("in_pipeline", [True, False])
def test_searches_are_their_best_estimator(in_pipeline, tmp_path):
    net, name = NeuralRegressor(**SMALL), "loss"
    if in_pipeline:
        net, name = make_pipeline(StandardScaler(), net), "neuralregressor__loss"
    search = LossSearchCV(net, {name: ["mse", "huber"]}, cv=2).fit(X, Y)
    found = ran(to_onnx(search, tmp_path / "model.onnx"), X)
    assert difference(found["predict"], search.predict(X)) <= TOLERANCE


def test_a_step_that_nobody_converts_is_named(tmp_path):
    model = make_pipeline(FunctionTransformer(np.sin), NeuralRegressor(**SMALL)).fit(X, Y)
    with pytest.raises(ValueError, match="skl2onnx cannot convert .* 'functiontransformer'"):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_steps_that_hand_on_text_are_refused(tmp_path):
    chosen = make_column_transformer(("passthrough", ["a", "t"])).set_output(transform="pandas")
    model = make_pipeline(chosen, NeuralRegressor(**SMALL)).fit(TABLE, Y)
    with pytest.raises(ValueError, match="'columntransformer', pass on something other than"):
        to_onnx(model, tmp_path / "model.onnx")


# ---------------------------------------------------------------------- skl2onnx


def converted(model, X, **options):
    """Return what the users of skl2onnx do, run on some rows."""
    register()
    is_table = isinstance(X, pd.DataFrame)
    made = skl2onnx.to_onnx(model, X[:1], **options)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    names = [each.name for each in session.get_inputs()]
    feed = {name: X[[name]].to_numpy() for name in names} if is_table else {names[0]: X}
    if is_table:
        feed = {k: v.astype(str) if v.dtype.kind in "OUT" else v for k, v in feed.items()}
    return session.run(None, feed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("targets", [1, 2])
def test_regressors_in_their_pipelines(dtype, targets):
    y = Y if targets == 1 else np.c_[Y, -Y]
    model = make_pipeline(StandardScaler(), NeuralRegressor("huber", **SMALL)).fit(X, y)
    (found,) = converted(model, X.astype(dtype))
    assert found.dtype == dtype
    assert found.shape == (N, targets)
    wanted = model.predict(X.astype(dtype)).reshape(N, targets)
    assert difference(found, wanted) <= TOLERANCE


@pytest.mark.parametrize("y", [LABELS, Y > 0, np.digitize(Y, [-1, 1])], ids=["text", "bool", "int"])
def test_classifiers_in_their_pipelines(y):
    model = make_pipeline(StandardScaler(), NeuralClassifier("focal", **SMALL)).fit(X, y)
    label, proba = converted(model, X, options={"zipmap": False})
    assert (label == model.predict(X)).all()
    assert difference(proba, model.predict_proba(X)) <= TOLERANCE


def test_probabilities_by_label():
    model = NeuralClassifier(**SMALL).fit(X, LABELS)
    _, proba = converted(model, X)
    wanted = model.predict_proba(X)[:, 1]
    assert max(abs(each["up"] - p) for each, p in zip(proba, wanted, strict=True)) <= TOLERANCE


def test_a_loss_without_probabilities_gives_scores():
    model = NeuralClassifier("hinge", **SMALL).fit(X, LABELS)
    _, scores = converted(model, X, options={"zipmap": False})
    assert difference(scores[:, 0], model.decision_function(X)) <= TOLERANCE


def test_several_labels():
    y = (X > 0).astype(int)
    label, proba = converted(NeuralClassifier(**SMALL).fit(X, y), X, options={"zipmap": False})
    model = NeuralClassifier(**SMALL).fit(X, y)
    assert (label == model.predict(X)).all()
    assert difference(proba, model.predict_proba(X)) <= TOLERANCE


def test_raw_tables_need_an_input_per_column():
    model = NeuralClassifier(**SMALL).fit(TABLE, LABELS)
    label, proba = converted(model, TABLE, options={"zipmap": False})
    assert (label == model.predict(TABLE)).all()
    assert difference(proba, model.predict_proba(TABLE)) <= TOLERANCE
    with pytest.raises(ValueError, match="a table of 4 columns of several kinds needs an input"):
        converted(model, X)


def test_inside_other_estimators_of_scikit_learn():
    voting = VotingRegressor([("a", Ridge()), ("b", NeuralRegressor("mae", **SMALL))]).fit(X, Y)
    (found,) = converted(voting, X)
    assert difference(found[:, 0], voting.predict(X)) <= TOLERANCE
    ranker = NeuralRanker(max_epochs=1, random_state=0)
    ranker.fit(X, np.digitize(Y, [0]), group=np.repeat(np.arange(22), 10))
    (found,) = converted(ranker, X)
    assert difference(found[:, 0], ranker.predict(X)) <= TOLERANCE


def test_old_opsets_are_refused():
    model = NeuralRegressor(**SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="converted to opset 18 and later; got target_opset=15"):
        converted(model, X, target_opset=15)
