"""One sentence that names the culprit and the remedy, before any training."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import ShuffleSplit
from skorch.callbacks import EarlyStopping

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import Focal, Huber
from sklloss.training.engine import Engine

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] + 2
LABELS = np.where(Y > 2, "yes", "no")
OWN = torch.nn.Linear(3, 1)


@pytest.fixture(autouse=True)
def nothing_trains(monkeypatch):
    """Fail where training starts before the error is raised."""
    monkeypatch.setattr(Engine, "_train_epoch", lambda *args: pytest.fail("training has started"))


def message(estimator, X, y, error=ValueError, **fit_params):
    with pytest.raises(error) as caught:
        estimator.fit(X, y, **fit_params)
    return str(caught.value)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"loss": "hubber"}, "no regression loss 'hubber'. Did you mean 'huber'"),
        ({"loss": "hinge"}, "is a classification loss"),
        (
            {"loss": Huber(delta=-1)},
            "Huber needs delta > 0; got -1. The default is Huber(delta=1.0)",
        ),
        ({"loss": Huber(delta="a")}, "Huber needs delta > 0; got 'a'"),
        ({"module": "mpl"}, "no built-in module 'mpl'"),
        (
            {"hidden_layer_sizes": (0,)},
            "hidden_layer_sizes to be a tuple of numbers, each >= 1 (a whole number); got (0,)",
        ),
        ({"hidden_layer_sizes": "ab"}, "Give one width per hidden layer"),
        ({"activation": "rely"}, "activation to be one of 'relu', 'tanh'"),
        ({"dropout": 1.0}, "0 <= dropout < 1"),
        ({"optimizer": "adm"}, "no optimizer 'adm'; the names are 'sgd'"),
        ({"optimizer_params": {"lr": 1}}, "give lr=1 to the estimator"),
        ({"optimizer_params": 3}, "optimizer_params to be None or a dict"),
        ({"lr": 0.0}, "lr > 0; got 0.0. The default is lr='auto'"),
        ({"batch_size": 0}, "batch_size >= 1"),
        ({"max_epochs": 2.5}, "max_epochs >= 1 (a whole number); got 2.5"),
        ({"weight_decay": -1}, "weight_decay >= 0"),
        ({"l1": np.nan}, "l1 >= 0; got nan"),
        ({"early_stopping": "yes"}, "early_stopping to be one of True, False"),
        ({"n_iter_no_change": 0}, "n_iter_no_change >= 1"),
        ({"tol": -1}, "tol >= 0"),
        ({"callbacks": EarlyStopping()}, "callbacks to be None or a list of skorch callbacks"),
        ({"dtype": "float16"}, "dtype to be one of 'auto', 'float32', 'float64'"),
        (
            {"early_stopping": True, "validation_fraction": 1.5},
            "validation_fraction needs to be in (0, 1)",
        ),
        ({"early_stopping": True, "validation_fraction": "a"}, "a splitter such as ShuffleSplit"),
        (
            {"early_stopping": True, "validation_fraction": np.array([0.1, 0.2, 0.3])},
            "a splitter such as ShuffleSplit",
        ),
        ({"early_stopping": True, "validation_fraction": ([0, 1], [1, 2])}, "share no row"),
        (
            {"early_stopping": True, "validation_fraction": ([0.5], [1])},
            "two arrays of row indices",
        ),
    ],
)
def test_parameters(params, said):
    assert said in message(NeuralRegressor(**params), X, Y)


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"loss": 3}, TypeError, "loss must be a name"),
        ({"optimizer": 3}, TypeError, "optimizer must be a name"),
        ({"optimizer": torch.nn.Linear}, TypeError, "a class of torch.optim"),
        ({"module": 3}, TypeError, "module must be a name"),
    ],
)
def test_types(params, error, said):
    assert said in message(NeuralRegressor(**params), X, Y, error)


def test_targets_outside_the_domain_are_counted():
    y = Y.copy()
    y[:3] = -2
    said = message(NeuralRegressor("poisson"), X, y)
    assert said.startswith("Poisson needs y >= 0; ")
    assert f"{(y < 0).sum()} of 40 values are outside, for example -2" in said


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_and_infinite_values(bad):
    broken = X.copy()
    broken[3, 1] = bad
    # Networks for tables take missing values; one of your own might not.
    model = NeuralRegressor(module=OWN) if np.isnan(bad) else NeuralRegressor()
    assert "Input X contains" in message(model, broken, Y)
    y = Y.copy()
    y[5] = bad
    assert "Input y contains" in message(NeuralRegressor(), X, y)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
@pytest.mark.parametrize("of", [list, pd.Series, lambda y: pd.DataFrame({"y": y})])
def test_labels_that_are_missing(missing, of):
    labels = LABELS.astype(object)
    labels[[5, 9]] = missing
    said = message(NeuralClassifier(), X, of(labels))
    assert said.startswith(
        "Input y contains NaN or None; 2 of 40 rows have no label, for example row 5."
    )


@pytest.mark.parametrize("of", [list, np.array, pd.Series, lambda y: pd.DataFrame({"y": y})])
def test_text_in_place_of_numbers(of):
    said = message(NeuralRegressor(), X, of([1.5] * 39 + ["high"]))
    assert said.startswith("y has text, for example 'high', and needs numbers.")
    assert "NeuralClassifier" in said


def test_values_too_large_for_float32():
    broken = X.copy()
    broken[3, 1] = 1e300
    model = NeuralRegressor(scale_inputs=False, dtype="float32")
    assert "too large for float32, for example 1e+300" in message(model, broken, Y)


def test_text_columns_are_named():
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(city="Rome")
    said = message(NeuralRegressor(module=OWN), frame, Y)
    assert "X has text in the 1 column ['city']" in said
    assert "OneHotEncoder" in said


def test_one_class_only():
    said = message(NeuralClassifier(), X, np.full(40, "no"))
    assert "at least two classes; y has one class only, 'no', in all 40 rows" in said
    weights = (LABELS == "no").astype(float)
    assert "one class only" in message(NeuralClassifier(), X, LABELS, sample_weight=weights)


def test_continuous_labels_and_several_columns_of_classes():
    assert "Unknown label type" in message(NeuralClassifier(), X, Y)
    three = np.random.default_rng(0).integers(3, size=(40, 2))
    assert "MultiOutputClassifier" in message(NeuralClassifier(), X, three)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            np.r_[-1.0, np.ones(39)],
            "sample_weight needs values >= 0; 1 of 40 rows is negative, for example row 0: -1.",
        ),
        (np.zeros(40), "sample_weight is zero for all 40 rows"),
        (np.ones(39), "shape"),
        (np.r_[np.nan, np.ones(39)], "NaN"),
    ],
)
def test_weights(weights, said):
    assert said in message(NeuralRegressor(), X, Y, sample_weight=weights)


@pytest.mark.parametrize(
    ("class_weight", "said"),
    [
        ("balancd", "None, 'balanced' or a dict"),
        ({"maybe": 2}, "has the label 'maybe', which is not in y"),
        ({"yes": -2}, "finite weights > 0"),
        ({"yes": 0}, "at least two classes"),
        ({"yes": 0, "no": 0}, "leaves no row a weight > 0"),
        ({"yes": np.nan}, "finite weights > 0"),
        ({"yes": None}, "finite weights > 0"),
        ({"yes": "a"}, "class_weight must be numbers, one per class"),
        ({"yes": 10**400}, "class_weight must be numbers, one per class"),
        ({"yes": 1.7e308}, "class_weight has weights from 1 to 1.7e+308, a ratio beyond"),
        ({"yes": 1e-320}, "class_weight has weights from"),
    ],
)
def test_class_weights(class_weight, said):
    assert said in message(NeuralClassifier(class_weight=class_weight), X, LABELS)


def test_class_weight_of_labels_and_wrong_alpha():
    labels = np.random.default_rng(0).integers(2, size=(40, 3))
    assert "y is multi-label" in message(NeuralClassifier(class_weight="balanced"), X, labels)
    assert "weights for 3 classes; y has 2" in message(
        NeuralClassifier(Focal(alpha=(1, 2, 3))), X, LABELS
    )
    assert "alpha" in message(NeuralClassifier(Focal(alpha=2.0)), X, LABELS)


def test_batches_are_not_balanced_each_by_itself():
    model = NeuralClassifier(class_weight="balanced")
    with pytest.raises(
        ValueError, match=r"'balanced' is not for partial_fit.*compute_class_weight"
    ):
        model.partial_fit(X, LABELS, classes=np.unique(LABELS))


def test_early_stopping_does_not_go_with_partial_fit():
    with pytest.raises(ValueError, match="partial_fit trains one epoch"):
        NeuralRegressor(early_stopping=True).partial_fit(X, Y)


def test_unfitted_and_unsupported():
    with pytest.raises(NotFittedError):
        NeuralRegressor().predict(X)
    with pytest.raises(NotFittedError):
        NeuralClassifier().predict_proba(X)
    model = NeuralClassifier("hinge")
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba") as caught:
        _ = model.predict_proba
    assert "CalibratedClassifierCV" in str(caught.value.__cause__ or caught.value)


@pytest.fixture
def trains(monkeypatch):
    monkeypatch.undo()


@pytest.mark.usefixtures("trains")
def test_a_column_of_targets_warns_as_in_scikit_learn():
    model = NeuralRegressor(max_epochs=1)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model.fit(X, Y[:, None])
    assert model.predict(X).shape == (40,)
    with pytest.warns(DataConversionWarning):
        NeuralClassifier(max_epochs=1).fit(X, LABELS[:, None])


@pytest.mark.usefixtures("trains")
@pytest.mark.parametrize("weight", [1e300, 1e-300])
def test_only_ratios_of_weights_count(weight):
    models = [
        NeuralRegressor(max_epochs=3, random_state=0, dtype="float32").fit(X, Y, w)
        for w in (np.full(40, weight), None)
    ]
    np.testing.assert_allclose(*(model.predict(X) for model in models), rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("trains")
def test_columns_in_another_order_or_number_raise():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = NeuralRegressor(max_epochs=1).fit(frame, Y)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[["c", "a", "b"]])
    with pytest.raises(ValueError, match="features|Feature names"):
        model.predict(frame[["a", "b"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


@pytest.mark.usefixtures("trains")
def test_labels_and_targets_that_later_calls_may_not_bring():
    model = NeuralClassifier(max_epochs=1).partial_fit(X, LABELS, classes=["maybe", "no", "yes"])
    assert model.classes_.tolist() == ["maybe", "no", "yes"]
    with pytest.raises(ValueError, match="not in `classes_`.*40 of 40, for example"):
        model.partial_fit(X, np.full(40, "never"))
    with pytest.raises(ValueError, match="not the same as on the first call.*Leave classes out"):
        model.partial_fit(X, LABELS, classes=["no", "yes"])
    with pytest.raises(ValueError, match="classes needs a list of all classes; got 'yes'"):
        NeuralClassifier().partial_fit(X, LABELS, classes="yes")
    model.partial_fit(X, np.full(40, "maybe"))
    regressor = NeuralRegressor(max_epochs=1).partial_fit(X, np.c_[Y, Y])
    with pytest.raises(ValueError, match="y has 1 targets, but this estimator was trained with 2"):
        regressor.partial_fit(X, Y)


@pytest.mark.usefixtures("trains")
@pytest.mark.parametrize(
    ("rows", "targets", "said"),
    [
        (X[:, :2], Y, "X has 2 features, but NeuralRegressor is expecting 3"),
        (np.where(X > 1, np.inf, X), Y, "Input X contains infinity"),
        (X, np.where(Y > 2, np.nan, Y), "Input y contains NaN"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X[:0], Y[:0], "0 sample"),
        (X, Y.astype("M8[D]"), "y holds dates"),
        (X, Y + 1j, "Complex data not supported"),
    ],
)
def test_calls_that_go_on_are_checked_like_the_first(rows, targets, said):
    model = NeuralRegressor(max_epochs=1).partial_fit(X, Y)
    before = [value.clone() for value in model.net_.module_.parameters()]
    with pytest.raises(ValueError, match=said):
        model.partial_fit(rows, targets)
    assert all(map(torch.equal, before, model.net_.module_.parameters()))


@pytest.mark.usefixtures("trains")
@pytest.mark.parametrize("weight", [np.ones, lambda n: np.arange(n) % 3])
def test_what_goes_on_may_have_any_form(weight):
    def trained(*kinds):
        model = NeuralRegressor(random_state=0)
        for _ in range(2):
            data = X, Y, weight(len(X))
            model.partial_fit(*(kind(each) for kind, each in zip(kinds, data, strict=True)))
        return model.predict(X)

    as_arrays = trained(np.asarray, np.asarray, np.asarray)
    as_others = trained(np.ndarray.tolist, pd.Series, list)
    np.testing.assert_array_equal(as_others, as_arrays)


@pytest.mark.usefixtures("trains")
@pytest.mark.parametrize(
    "validation_fraction", [0.2, ShuffleSplit(1, random_state=0), (range(30), np.arange(30, 40))]
)
def test_every_form_of_validation_rows(validation_fraction):
    if isinstance(validation_fraction, tuple):
        validation_fraction = (np.arange(30), np.arange(30, 40))
    model = NeuralRegressor(
        early_stopping=True, validation_fraction=validation_fraction, max_epochs=2
    )
    assert len(model.fit(X, Y).history_[:, "valid_loss"]) == 2


@pytest.mark.usefixtures("trains")
def test_warnings_are_not_raised_for_sound_input():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short = {"max_epochs": 3, "n_iter_no_change": np.inf}
        classifier = NeuralClassifier(**short).fit(sparse.csr_array(X), LABELS)
        assert classifier.predict(sparse.csc_array(X)).shape == (40,)
        regressor = NeuralRegressor(**short).fit(X.astype(np.float32), Y.astype(int))
        assert np.isfinite(regressor.predict(X.tolist())).all()


@pytest.mark.parametrize(
    "method", [NeuralRegressor(max_epochs=1).fit, NeuralRegressor(max_epochs=1).partial_fit]
)
def test_columns_of_one_name_and_of_times_are_named(method):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 0.0, 2.0]})
    with pytest.raises(ValueError, match="X has 2 columns named 'a'. Rename them"):
        method(table.set_axis(["a", "a"], axis=1), [1, 2, 3])
    when = pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"])
    own = getattr(NeuralRegressor(module=OWN, max_epochs=1), method.__name__)
    with pytest.raises(ValueError, match=r"X holds dates .* in the column 'when'.*days since"):
        own(table.assign(when=when), [1, 2, 3])


@pytest.mark.parametrize(
    "name", ["lr", "batch_size", "max_epochs", "n_iter_no_change", "tol", "weight_decay"]
)
def test_an_array_without_an_axis_is_no_number(name):
    model = NeuralRegressor(early_stopping=True, **{"max_epochs": 1, name: np.array(3)})
    with pytest.raises(ValueError, match=rf"NeuralRegressor needs {name} .*got array\(3\)"):
        model.fit(np.arange(60.0).reshape(30, 2), np.arange(30.0))
