"""Losses as the criterion of plain skorch nets."""

import pickle

import numpy as np
import pytest
import skorch
import torch
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklloss import Criterion
from sklloss.losses import Huber, get_loss

from ..loss_instances import catalogue_of


def network(n_features, n_outputs):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(n_features, 8), nn.ReLU(), nn.Linear(8, n_outputs))


def skorch_net(kind, n_features, n_outputs, **options):
    return kind(
        network(n_features, n_outputs), optimizer=torch.optim.Adam, lr=0.01, max_epochs=10,
        train_split=None, verbose=0, criterion=Criterion, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def regression(diabetes):
    X, y = diabetes
    X = (X / X.std(0)).astype(np.float32)
    return X, ((y - y.mean()) / y.std()).astype(np.float32)[:, None]


@pytest.fixture(scope="module")
def classification(digits):
    X, y = digits
    return (X / 16).to_numpy(np.float32, copy=True), y.to_numpy(np.int64, copy=True)


def test_equals_torch_in_plain_skorch(regression):
    X, y = regression
    ours = skorch_net(
        skorch.NeuralNetRegressor, 10, 1, criterion__loss="huber", criterion__loss__delta=2.0
    ).fit(X, y)
    theirs = skorch.NeuralNetRegressor(
        network(10, 1), optimizer=torch.optim.Adam, lr=0.01, max_epochs=10, train_split=None,
        verbose=0, criterion=nn.HuberLoss, criterion__delta=2.0,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-5)


@pytest.mark.parametrize("name", catalogue_of("regression"))
def test_every_regression_loss_trains_in_plain_skorch(name, regression):
    X, y = regression
    loss = get_loss(name, task="regression")
    y = y - y.min() + np.float32(0.5) if loss.y_domain.low > -np.inf else y
    needs_y = {"y": y} if loss.learns_from_y else {}
    net = skorch_net(
        skorch.NeuralNetRegressor, 10, loss.n_outputs(), criterion__loss=name,
        predict_nonlinearity=Criterion.predictions(name, **needs_y),
        **{f"criterion__{k}": v for k, v in needs_y.items()},
    )  # fmt: skip
    net.set_params(max_epochs=40).fit(X, y)
    assert net.predict(X).shape == (442, 1)
    assert np.corrcoef(net.predict(X)[:, 0], y[:, 0])[0, 1] > 0.55


@pytest.mark.parametrize("name", catalogue_of("classification"))
def test_every_classification_loss_trains_in_plain_skorch(name, classification):
    X, y = classification
    loss = get_loss(name, task="classification")
    y = y if loss.multi_class else (y > 4).astype(np.int64)
    n_classes = 1 + y.max()
    options = {"criterion__loss": name}
    if loss.learns_from_y:
        options["criterion__y"] = y
    net = skorch_net(skorch.NeuralNetClassifier, 64, loss.n_outputs(n_classes), **options)
    net.set_params(max_epochs=20).fit(X, y)
    if not hasattr(loss, "predict_proba"):
        decision = loss.predict(net.forward(X)[None, :, None], net.criterion_.state)[0, :, 0]
        assert (decision.numpy() == y).mean() > 0.5
        return
    known = net.criterion_ if net.criterion_.state.trained else name
    data = {"y": y} if loss.learns_from_y and known is name else {}
    net.set_params(predict_nonlinearity=Criterion.probabilities(known, **data))
    assert net.predict_proba(X).shape == (len(y), n_classes)
    np.testing.assert_allclose(net.predict_proba(X).sum(1), 1, atol=1e-5)
    raw = net.forward(X)
    expected = loss.predict_proba(raw[None, :, None], net.criterion_.state)[0, :, 0]
    np.testing.assert_allclose(net.predict_proba(X), expected.detach(), atol=1e-6)
    least = 0.15 if loss.functional == "distribution over ranks" else 0.5  # digits have no order
    assert (net.predict(X) == y).mean() > least


def test_trained_parts_need_the_fitted_criterion(classification):
    X, y = classification
    net = skorch_net(
        skorch.NeuralNetClassifier, 64, 1, criterion__loss="coral", criterion__y=y,
        predict_nonlinearity=Criterion.probabilities("coral", y=y),
    ).fit(X, y)  # fmt: skip
    with pytest.raises(ValueError, match="trains .'raw_biases'. beside the network"):
        net.predict_proba(X)


def test_without_probabilities_skorch_returns_raw_output(classification):
    X, y = classification
    net = skorch_net(skorch.NeuralNetClassifier, 64, 10, criterion__loss="focal").fit(X, y)
    assert net.predict_proba(X).min() < 0


def test_hinge_has_no_probabilities():
    with pytest.raises(ValueError, match="'hinge' gives a decision but no probabilities"):
        Criterion.probabilities("hinge")


def test_searches_over_losses_in_plain_skorch(regression):
    X, y = regression
    net = skorch_net(skorch.NeuralNetRegressor, 10, 1)
    grid = [
        {"criterion__loss": ["mse", "mae"]},
        {"criterion__loss": ["huber"], "criterion__loss__delta": [0.5, 1.0]},
    ]
    search = GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(np.round(search.cv_results_["mean_test_score"], 6))) == 4


def test_multi_label_and_weights():
    logits, labels = torch.randn(6, 3), torch.randint(2, (6, 3))
    expected = nn.BCEWithLogitsLoss()(logits, labels.float())
    torch.testing.assert_close(Criterion("cross_entropy")(logits, labels), expected)
    weights = torch.tensor([1.0, 0, 0, 1, 0, 2])
    value = Criterion(Huber())(logits[:, 0], labels[:, 0].float(), weights)
    expected = nn.HuberLoss(reduction="none")(logits[:, 0], labels[:, 0].float())
    torch.testing.assert_close(value, (weights * expected).sum() / weights.sum())


def test_bins_need_targets():
    with pytest.raises(ValueError, match="learns from the training targets.*criterion__y=y_train"):
        Criterion("cross_entropy")(torch.zeros(3, 57), torch.zeros(3))


def test_wrong_shapes_and_arguments_are_refused():
    with pytest.raises(ValueError, match="one row per row of y"):
        Criterion("mse")(torch.zeros(3), torch.zeros(4))
    with pytest.raises(TypeError, match="a hyperparameter of the loss is loss__delta"):
        Criterion("huber", delta=1.0)
    with pytest.raises(ValueError, match="delta > 0"):
        Criterion("huber", loss__delta=-1.0)(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match="no regression loss 'hubr'"):
        Criterion("hubr")(torch.zeros(3), torch.zeros(3))


def test_the_network_must_give_what_the_loss_needs():
    for name in ("multi_quantile", "gaussian_nll"):
        with pytest.raises(
            ValueError, match=f"'{name}' needs . outputs per target; the network gives 1"
        ):
            Criterion(name)(torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "hinge", "squared_hinge"])
def test_losses_of_classes_train_in_the_binary_classifier_of_skorch(loss, breast_cancer):
    X, y = breast_cancer
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).to_numpy(np.float32, copy=True)
    labels = (y == "benign").to_numpy(np.float32, copy=True)
    options = {"criterion__loss": loss}
    if loss in ("cross_entropy", "focal"):
        options["predict_nonlinearity"] = Criterion.probabilities(loss)
    net = skorch_net(skorch.NeuralNetBinaryClassifier, X.shape[1], 1, **options).fit(X, labels)
    assert net.criterion_.loss.task == "classification"
    if "predict_nonlinearity" in options:
        assert net.score(X, labels) > 0.9
    else:
        assert ((net.forward(X).ravel() > 0).numpy() == labels).mean() > 0.9


def test_a_regression_on_zeros_and_ones_stays_one():
    criterion = Criterion("mse")
    assert criterion(torch.zeros(4, 1), torch.ones(4)) == 0.5  # half the square
    assert criterion.loss.task == "regression"


def test_classes_as_floats_are_whole():
    criterion = Criterion("cross_entropy", task="classification")
    as_floats = criterion(torch.eye(3), torch.arange(3.0))
    assert as_floats == Criterion("cross_entropy")(torch.eye(3), torch.arange(3))
    with pytest.raises(ValueError, match="not whole.*criterion__task='regression'"):
        criterion(torch.eye(3), torch.tensor([0.0, 0.5, 1.0]))


def test_pickles_with_its_state():
    criterion = Criterion("focal", loss__gamma=1.0)
    logits, y = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    value = criterion(logits, y)
    again = pickle.loads(pickle.dumps(criterion))
    assert torch.equal(again(logits, y), value)
