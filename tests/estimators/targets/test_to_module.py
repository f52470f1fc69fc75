"""The module of a fitted estimator says what the estimator says, for every loss, and exports."""

import io
import pickle
import subprocess
import sys
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, load_linnerud
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.export import Dim, export

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators import FittedModule
from sklloss.losses import get_loss, list_losses

from ...loss_instances import OF_TABLES

LOSSES = [(cls.task, cls.name) for cls in OF_TABLES]
REGRESSION = list(list_losses("regression")["name"])
CLASSIFICATION = list(list_losses("classification")["name"])
ORDINAL = [n for n in CLASSIFICATION if get_loss(n, task="classification").ordinal]
MULTI_LABEL = [n for n in CLASSIFICATION if get_loss(n, task="classification").multi_label]
METHODS = ("predict", "decision_function", "predict_proba")

IRIS, SPECIES = load_iris(return_X_y=True)
FLOWERS = np.array(["versicolor", "setosa", "virginica"])[SPECIES]  # not in the order of the rows
BODIES, EXERCISES = load_linnerud(return_X_y=True)


def estimator(task, loss, **params):
    cls = NeuralClassifier if task == "classification" else NeuralRegressor
    defaults = {"max_epochs": 2, "hidden_layer_sizes": (), "random_state": 0, "lr": 0.05}
    return cls(loss, **{**defaults, **params})


def fitted(model, X, y):
    """Fit for two epochs, which some losses find worse than a constant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model.fit(X, y)


def data_of(task, name):
    if task == "regression":
        return BODIES, EXERCISES[:, 0]
    rows = slice(None) if get_loss(name, task=task).multi_class else slice(100)
    return IRIS[rows], FLOWERS[rows]


def newly_fitted_to(task, name, **params):
    """Return an estimator fitted with a loss, and X."""
    X, y = data_of(task, name)
    return fitted(estimator(task, name, **params), X, y), X


# For tests that do not train it again.
fitted_to = cache(newly_fitted_to)


def said(model, method, X):
    """Return what an estimator says, labels as indices into its classes."""
    values = getattr(model, method)(X)
    if values.dtype.kind in "UO":
        return np.searchsorted(model.classes_, values)
    return values


def assert_same(model, X, rtol=1e-9):
    """Compare all that the estimator says with its module, in values and in shape."""
    features = X.toarray() if sparse.issparse(X) else np.asarray(X)
    methods = [method for method in METHODS if hasattr(model, method)]
    for method in methods:
        mine = model.to_module(method)(torch.tensor(features)).numpy()
        theirs = said(model, method, X)
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())
    raw = model.to_module("raw")(torch.tensor(features))
    theirs = model.net_.forward(model._learned.input_scaler.transform(X, raw.dtype))
    np.testing.assert_allclose(raw.flatten(1), theirs.reshape(len(raw), -1), rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("task", "name"), LOSSES)
@pytest.mark.parametrize("widths", [(), (32,)])
def test_says_what_the_estimator_says(task, name, widths):
    model, X = fitted_to(task, name, hidden_layer_sizes=widths, dropout=0.2)
    assert_same(model, X)
    assert_same(model, X[:1])


@pytest.mark.parametrize(("task", "name"), LOSSES)
def test_float32(task, name):
    """Scaled in float64 and then rounded, as the estimator does: of features far from 0, float32
    would lose all."""
    X, y = data_of(task, name)
    model = estimator(task, name, dtype="float32", hidden_layer_sizes=(32,))
    X = X + 1e7
    fitted(model, X, y)
    assert_same(model, X, rtol=1e-5)
    dtype = torch.float64 if task == "regression" else torch.float32
    assert model.to_module()(torch.tensor(X)).dtype == dtype


@pytest.mark.parametrize("name", REGRESSION)
def test_several_targets(name):
    model = estimator("regression", name, hidden_layer_sizes=(32,))
    assert_same(fitted(model, BODIES, EXERCISES), BODIES)


@pytest.mark.parametrize("name", MULTI_LABEL)
def test_labels(name):
    labels = np.column_stack([SPECIES == 0, IRIS[:, 0] > 6, SPECIES > 0]).astype(int)
    model = fitted(estimator("classification", name), IRIS, labels)
    assert_same(model, IRIS)
    assert model.to_module()(torch.tensor(IRIS)).shape == labels.shape


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_two_classes(name):
    assert_same(fitted(estimator("classification", name), IRIS[:100], FLOWERS[:100]), IRIS)


@pytest.mark.parametrize("name", ORDINAL)
@pytest.mark.parametrize("order", [["versicolor", "virginica", "setosa"], ["virginica", "setosa"]])
def test_order_of_classes(name, order):
    """Columns and indices are those of ``classes_``, whatever the ranks."""
    kept = np.isin(FLOWERS, order)
    grades = pd.Series(pd.Categorical(FLOWERS[kept], categories=order, ordered=True))
    model = fitted(estimator("classification", name, max_epochs=20), IRIS[kept], grades)
    assert list(model.class_order_) != list(model.classes_)
    assert_same(model, IRIS)


@pytest.mark.parametrize(("task", "name"), LOSSES)
@pytest.mark.parametrize("strict", [False, True])
def test_exports_with_any_number_of_rows(task, name, strict):
    """Traced as it runs, and strictly by its code, which older versions of torch do unless told."""
    model, X = fitted_to(task, name)
    module, rows = model.to_module(), torch.tensor(X)
    dynamic = ({0: Dim("rows")},)
    exported = export(module, (rows[:3],), dynamic_shapes=dynamic, strict=strict).module()
    for n_rows in (1, 2, len(rows)):
        torch.testing.assert_close(exported(rows[:n_rows]), module(rows[:n_rows]))


@pytest.mark.parametrize("output", ["predict", "decision_function", "raw"])
@pytest.mark.parametrize("name", ["cross_entropy", "cumulative_link", "soft_f1"])
def test_every_output_exports(name, output):
    model, X = fitted_to("classification", name, hidden_layer_sizes=(8,), dropout=0.5)
    module, rows = model.to_module(output), torch.tensor(X)
    exported = export(module, (rows[:3],), dynamic_shapes=({0: Dim("rows")},)).module()
    torch.testing.assert_close(exported(rows), module(rows))


def test_an_exported_module_runs_where_sklloss_cannot_be_imported(tmp_path):
    model, X = fitted_to("classification", "bi_tempered", hidden_layer_sizes=(8,))
    rows = torch.tensor(X)
    exported = export(model.to_module(), (rows[:3],), dynamic_shapes=({0: Dim("rows")},))
    torch.export.save(exported, tmp_path / "model.pt2")
    torch.save(rows, tmp_path / "rows.pt")
    code = (
        "import sys; sys.modules.update(sklloss=None, sklearn=None, skorch=None); import torch;"
        "module = torch.export.load('model.pt2').module();"
        "torch.save(module(torch.load('rows.pt')), 'out.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(torch.load(tmp_path / "out.pt"), model.predict_proba(X))


@pytest.mark.parametrize(("task", "name"), LOSSES)
def test_all_tensors_move_together(task, name):
    """A device without data stands for a GPU: a tensor left behind would be an error."""
    model, X = fitted_to(task, name)
    for output in (*METHODS, "raw"):
        if output == "raw" or hasattr(model, output):
            module = model.to_module(output)
            expected = module(torch.tensor(X)).shape
            assert module.to("meta")(torch.tensor(X, device="meta")).shape == expected


@pytest.mark.parametrize(("task", "name"), LOSSES)
def test_float_makes_all_of_it_float32(task, name):
    """For devices without float64."""
    model, X = fitted_to(task, name)
    module, rows = model.to_module(), torch.tensor(X)
    before = module(rows)
    assert {v.dtype for v in module.float().state_dict().values()} <= {torch.float32, torch.int64}
    after = module(rows.float())
    assert after.dtype == torch.float32
    torch.testing.assert_close(after.double(), before.double(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("task", "name"), [("regression", "negative_binomial"), ("classification", "coral")]
)
def test_is_a_copy_of_its_own(task, name):
    """Of the network and of what trains beside it, in both directions."""
    model, X = newly_fitted_to(task, name, hidden_layer_sizes=(8,))
    module, rows = model.to_module(), torch.tensor(X)
    before = module(rows)
    model.partial_fit(*data_of(task, name))
    assert not torch.equal(model.to_module()(rows), before)
    torch.testing.assert_close(module(rows), before, rtol=0, atol=0)
    trained = said(model, "predict", X)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(0)
    np.testing.assert_array_equal(said(model, "predict", X), trained)
    assert model.net_.stack_.holds_parameters()
    assert all(p.requires_grad for p in model.net_.module_.parameters())


@pytest.mark.parametrize(("task", "name"), LOSSES)
def test_pickles_and_loads(task, name):
    """Without the buffer that the weights were trained in."""
    model, X = fitted_to(task, name, hidden_layer_sizes=(32,))
    module, rows = model.to_module(), torch.tensor(X)
    for tensor in module.state_dict().values():
        assert tensor.is_contiguous()
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for copied in (pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False)):
        torch.testing.assert_close(copied(rows), module(rows), rtol=0, atol=0)


def test_the_state_dict_holds_everything():
    """Scaling, network, cutpoints: loaded into the module of another fit, it is this model."""
    model, X = fitted_to("classification", "cumulative_link")
    other = fitted(
        clone(model), X[::2] * 2 + 1, data_of("classification", "cumulative_link")[1][::2]
    )
    module, loaded, rows = model.to_module(), other.to_module(), torch.tensor(X)
    assert not torch.allclose(loaded(rows), module(rows), atol=1e-3)
    loaded.load_state_dict(module.state_dict())
    torch.testing.assert_close(loaded(rows), module(rows), rtol=0, atol=0)


def test_gradients_reach_x_but_no_parameter():
    model, X = fitted_to("regression", "huber", hidden_layer_sizes=(8,))
    module, rows = model.to_module(), torch.tensor(X, requires_grad=True)
    module(rows).sum().backward()
    assert rows.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in module.parameters())
    assert not any(part.training for part in module.modules())


class Wide(nn.Module):
    """Writes into what it receives, keeps statistics, and returns one number per row."""

    def __init__(self, n_features):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)
        self.last = nn.Linear(n_features, 1)

    def forward(self, X):
        X.mul_(2)
        return self.last(self.norm(X)).squeeze(1)


@pytest.mark.parametrize("scale_inputs", [True, False])
def test_own_module(scale_inputs):
    model = estimator("regression", "mae", module=Wide, scale_inputs=scale_inputs)
    fitted(model, BODIES, EXERCISES[:, 0])
    rows = torch.tensor(BODIES)
    exported = export(model.to_module(), (rows[:3],), dynamic_shapes=({0: Dim("rows")},)).module()
    np.testing.assert_allclose(exported(rows), model.predict(BODIES))
    assert_same(model, BODIES)
    np.testing.assert_array_equal(rows, BODIES)


def test_members_that_write_into_what_they_receive_do_not_disturb_each_other():
    X, y = BODIES, EXERCISES[:, 0]
    one, two = (
        fitted(estimator("regression", "mse", module=Wide, random_state=k), X, y) for k in (0, 1)
    )
    answer = one._answers["predict"]
    nets, scaler = [one.net_, two.net_], one._learned.input_scaler
    module = FittedModule.of_nets(nets, scaler, X.shape[1:], answer)
    np.testing.assert_allclose(module(torch.tensor(X)), (one.predict(X) + two.predict(X)) / 2)


class Scaled(nn.Module):
    """A loss of one's own with a part that trains."""

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, prediction, y):
        return (prediction - y).abs() * self.log_scale.exp() - self.log_scale


@pytest.mark.parametrize(
    ("task", "loss"), [("regression", Scaled), ("classification", nn.CrossEntropyLoss)]
)
def test_own_loss(task, loss):
    """torch's cross-entropy has two outputs for two classes."""
    X, y = (BODIES, EXERCISES[:, 0]) if task == "regression" else (IRIS[:100], FLOWERS[:100])
    model = fitted(estimator(task, loss), X, y)
    assert_same(model, X)
    assert pickle.loads(pickle.dumps(model.to_module())).state_dict().keys()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trained_on_sparse_rows(dtype):
    """They are divided and not centred; the module takes dense rows."""
    X = sparse.csr_array(np.where(IRIS > 2, IRIS, 0))
    model = fitted(estimator("classification", "cross_entropy", dtype=dtype), X, FLOWERS)
    assert_same(model, X, rtol=1e-9 if dtype == "float64" else 1e-5)


def test_without_scaling():
    model = estimator("regression", "mse", scale_inputs=False, scale_target=False, lr=1e-4)
    assert_same(fitted(model, BODIES, EXERCISES[:, 0]), BODIES)


def test_whole_numbers_and_half_precision_come_in_as_they_are():
    model, X = fitted_to("regression", "mse")
    whole = torch.tensor(X).long()
    expected = model.predict(whole.numpy())
    np.testing.assert_allclose(model.to_module()(whole), expected)
    np.testing.assert_allclose(model.to_module()(whole.half()), expected)


@pytest.mark.parametrize("name", ["squared_error", "poisson", "negative_binomial"])
def test_members_of_a_regressor_are_averaged_on_the_scale_of_y(name):
    X, y = data_of("regression", name)
    ensemble = fitted(
        estimator("regression", name, hidden_layer_sizes=(8,), n_members=2, random_state=0), X, y
    )
    alone = [
        fitted(estimator("regression", name, hidden_layer_sizes=(8,), random_state=k), X, y)
        for k in (0, 1)
    ]
    mean = (alone[0].predict(X) + alone[1].predict(X)) / 2
    assert not np.allclose(mean, alone[0].predict(X))
    np.testing.assert_allclose(ensemble.predict(X), mean, rtol=1e-14)
    module, inputs = ensemble.to_module(), torch.tensor(X)
    np.testing.assert_allclose(module(inputs), mean)
    exported = export(module, (inputs[:3],), dynamic_shapes=({0: Dim("rows")},)).module()
    np.testing.assert_allclose(exported(inputs), mean)


@pytest.mark.parametrize("name", ["cross_entropy", "coral", "hinge", "logit_adjusted"])
def test_members_of_a_classifier_decide_as_its_module_does(name):
    X, y = data_of("classification", name)
    ensemble = fitted(
        estimator("classification", name, hidden_layer_sizes=(8,), n_members=2, random_state=0),
        X,
        y,
    )
    inputs = torch.tensor(X)
    scores = ensemble.decision_function(X)
    np.testing.assert_allclose(ensemble.to_module("decision_function")(inputs), scores)
    chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
    np.testing.assert_array_equal(ensemble.classes_[chosen], ensemble.predict(X))
    np.testing.assert_array_equal(ensemble.to_module("predict")(inputs), chosen)
    alone = [
        fitted(estimator("classification", name, hidden_layer_sizes=(8,), random_state=k), X, y)
        for k in (0, 1)
    ]
    if hasattr(ensemble, "predict_proba"):
        mean = (alone[0].predict_proba(X) + alone[1].predict_proba(X)) / 2
        np.testing.assert_array_equal(ensemble.predict_proba(X), mean)
        np.testing.assert_allclose(ensemble.to_module("predict_proba")(inputs), mean)
    if name == "cross_entropy":
        np.testing.assert_array_equal(chosen, mean.argmax(1))


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_probabilities_where_there_are_some_else_the_decision(name):
    model, X = fitted_to("classification", name)
    method = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    np.testing.assert_allclose(model.to_module()(torch.tensor(X)), said(model, method, X))


def test_an_unknown_output_is_refused_by_name():
    regressor, _ = fitted_to("regression", "mse")
    with pytest.raises(ValueError, match=r"no output='predict_proba' for loss 'squared_error'; it"):
        regressor.to_module("predict_proba")
    classifier, _ = fitted_to("classification", "hinge")
    with pytest.raises(ValueError, match=r"no output='predict_proba' for loss 'hinge'; it has 'au"):
        classifier.to_module("predict_proba")


def test_another_width_is_refused():
    model, X = fitted_to("regression", "mse")
    module = model.to_module()
    for wrong in (torch.tensor(X[:, :1]), torch.tensor(X[0])):
        with pytest.raises(ValueError, match=r"takes X of shape \(n_samples, 3\); got"):
            module(wrong)


@pytest.mark.parametrize("cls", [NeuralRegressor, NeuralClassifier])
def test_needs_a_fit(cls):
    with pytest.raises(NotFittedError):
        cls().to_module()
