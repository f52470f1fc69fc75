"""Every loss of the catalogue, with one network and with eight."""

import numpy as np
import pytest

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.persistence.onnx import to_onnx

from ...laws.small_models import COUNTS, FEATURES, POSITIVE
from ...loss_instances import CLASSIFICATION, REGRESSION, VARIANTS
from .agreement import TOLERANCE, answer_of, assert_agrees, difference, ran

X = FEATURES[:, :4]
LABELS = np.array(["bad", "good", "fair"])[np.digitize(X[:, 0], [-0.5, 0.5])]
TWO_TARGETS = np.c_[POSITIVE, 2 * POSITIVE[::-1] + 1]
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0}
ONE = {"n_members": 1, "early_stopping": False}
PREDICT = ["predict"]
POINTS = ["predict_quantiles", "predict_interval"]
ALL_OF_A_LAW = [*PREDICT, *POINTS, "predict_std", "predict_mean"]


def target_of(loss):
    return COUNTS if loss.is_discrete else POSITIVE


def outputs_of(loss):
    """Return the names of the outputs that a loss has."""
    if hasattr(loss, "cdf"):
        return ALL_OF_A_LAW
    return [*PREDICT, *POINTS] if hasattr(loss, "predict_quantiles") else PREDICT


@pytest.mark.parametrize("members", [ONE, {}], ids=["one", "bagged"])
@pytest.mark.parametrize("loss", REGRESSION, ids=repr)
def test_losses_for_regression(loss, members, tmp_path):
    if members == {} and loss in VARIANTS:
        pytest.skip("the same operations as the default of this loss")
    model = NeuralRegressor(loss, **SMALL, **members).fit(X, target_of(loss))
    file = assert_agrees(model, X, tmp_path)
    names = [port.name for port in file.outputs]
    # The interval of multi_quantile(0.05, 0.2, 0.6) ends outside its levels.
    known = getattr(loss, "quantiles", (0.1, 0.9))
    is_known = hasattr(loss, "cdf") or known[-1] >= 0.9
    assert names == [n for n in outputs_of(loss) if n != "predict_interval" or is_known]


@pytest.mark.parametrize("members", [ONE, {}], ids=["one", "bagged"])
@pytest.mark.parametrize("loss", CLASSIFICATION, ids=repr)
def test_losses_for_classification(loss, members, tmp_path):
    if members == {} and loss in VARIANTS:
        pytest.skip("the same operations as the default of this loss")
    y = LABELS if loss.multi_class else LABELS == "good"
    model = NeuralClassifier(loss, **SMALL, **members).fit(X, y)
    file = assert_agrees(model, X, tmp_path)
    has_proba = ["predict_proba"] if hasattr(loss, "predict_proba") else []
    assert {port.name for port in file.outputs} == {"predict", "decision_function", *has_proba}


@pytest.mark.parametrize("y", [POSITIVE, TWO_TARGETS], ids=["column", "two targets"])
@pytest.mark.parametrize(
    "loss", ["mse", "gamma", "crps", "student_t_nll", "adaptive", "multi_quantile"]
)
def test_calibrated_quantiles(loss, y, tmp_path):
    model = NeuralRegressor(loss, calibrate=True, **SMALL).fit(X, y)
    file = assert_agrees(model, X, tmp_path)
    assert {port.name for port in file.outputs} >= {*PREDICT, *POINTS}


@pytest.mark.parametrize("loss", ["negative_binomial", "hurdle_poisson"])
def test_calibrated_counts(loss, tmp_path):
    assert_agrees(NeuralRegressor(loss, calibrate=True, **SMALL).fit(X, COUNTS), X, tmp_path)


@pytest.mark.parametrize("loss", ["crps", "cross_entropy", "zero_inflated_negative_binomial"])
def test_two_targets(loss, tmp_path):
    y = np.c_[COUNTS, COUNTS[::-1]]
    assert_agrees(NeuralRegressor(loss, **SMALL).fit(X, y), X, tmp_path)


@pytest.mark.parametrize("loss", ["crps", "negative_binomial"])
def test_levels_and_coverage_are_those_that_are_asked_for(loss, tmp_path):
    model = NeuralRegressor(loss, **SMALL).fit(X, COUNTS)
    how = {"quantiles": [0.02, 0.97], "coverage": 0.5, "outputs": POINTS}
    found = ran(to_onnx(model, tmp_path / "model.onnx", **how), X)
    assert list(found) == POINTS
    wanted = model.predict_quantiles(X, [0.02, 0.97]), model.predict_interval(X, 0.5)
    for mine, theirs in zip(found.values(), wanted, strict=True):
        assert difference(mine, theirs) <= TOLERANCE


@pytest.mark.parametrize("decision", ["macro_f1", "mode"])
def test_decisions(decision, tmp_path):
    rare = np.where(X[:, 0] > 1, "rare", "usual")
    assert_agrees(NeuralClassifier(decision=decision, **SMALL).fit(X, rare), X, tmp_path)


@pytest.mark.parametrize("loss", ["cumulative_link", "coral", "corn"])
@pytest.mark.parametrize("decision", ["median", "mode"])
def test_decisions_of_ordinal_losses(loss, decision, tmp_path):
    y = [str(label) for label in LABELS]
    model = NeuralClassifier(loss, decision=decision, **SMALL).fit(X, y)
    assert_agrees(model, X, tmp_path)


LABEL_KINDS = {
    "text": LABELS,
    "whole numbers": np.digitize(X[:, 0], [-0.5, 0.5]) * 3 - 2,
    "floats": np.digitize(X[:, 0], [-0.5, 0.5]) * 2.0,
    "booleans": X[:, 0] > 0,
    "objects": LABELS.astype(object),
    "several labels": (X[:, :3] > 0).astype(int),
}


@pytest.mark.parametrize("kind", LABEL_KINDS)
def test_labels_are_those_of_training(kind, tmp_path):
    model = NeuralClassifier(**SMALL).fit(X, LABEL_KINDS[kind])
    file = assert_agrees(model, X, tmp_path)
    (label,) = (port for port in file.outputs if port.name == "predict")
    wanted = {"text": "str", "objects": "str", "floats": "float64", "booleans": "bool"}
    assert label.dtype == wanted.get(kind, "int64")


def test_rows_may_be_any_number(tmp_path):
    """Also none."""
    model = NeuralRegressor("crps", **SMALL, **ONE).fit(X, POSITIVE)
    file = to_onnx(model, tmp_path / "model.onnx")
    rows = np.random.default_rng(0).standard_normal((2018, 4))
    for n in (3, 2018):
        for name, found in ran(file, rows[:n]).items():
            assert difference(found, answer_of(model, name, rows[:n])) <= TOLERANCE
    assert ran(file, rows[:0])["predict"].shape == (0,)


@pytest.mark.parametrize("loss", ["negative_binomial", "zero_inflated_poisson"])
def test_large_counts(loss, tmp_path):
    """Of some thousands, whose probabilities of 0 are too small for floats.

    In float64: where a quantile is about to step to the next count, single precision decides.
    """
    y = np.floor(2000 * POSITIVE)
    model = NeuralRegressor(loss, dtype="float64", **SMALL, **ONE).fit(X, y)
    assert model.predict(X).max() > 1000
    assert_agrees(model, X, tmp_path)
