"""Losses that users bring."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import CrossEntropy, Huber, State, get_loss

from .random_batches import draw


class Asymmetric(nn.Module):
    """Weighs predictions that are too low `factor` times."""

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, prediction, y):
        error = prediction - y
        return torch.where(error < 0, self.factor, 1.0) * error**2


class Scaled(nn.Module):
    """A loss with a parameter that trains."""

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, prediction, y):
        return (prediction - y).abs() * torch.exp(-self.log_scale) + self.log_scale


def cubed(prediction, y, power=3.0):
    return (prediction - y).abs() ** power


def batch_mean(prediction, y):
    return ((prediction - y) ** 2).mean()


def wrong_shape(prediction, y):
    return prediction[:, None] - y[None, :]


def focal_by_hand(logits, y):
    log_p = logits.log_softmax(1).gather(1, y[:, None])[:, 0]
    return -((1 - log_p.exp()) ** 2) * log_p


class WithMeaning(nn.Module):
    """A user's cross-entropy that says what its logits mean."""

    def forward(self, logits, y):
        return nn.functional.cross_entropy(logits, y, reduction="none")

    @staticmethod
    def inverse_link(logits):
        return logits.softmax(-1)


def small(estimator, **params):
    defaults = {"max_epochs": 20, "hidden_layer_sizes": (8,), "random_state": 0, "lr": 0.005}
    return estimator(**{**defaults, **params})


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize(
    ("own", "ours"), [(nn.HuberLoss(delta=0.5), Huber(delta=0.5)), (nn.HuberLoss, Huber())]
)
def test_torch_losses_are_used_unreduced_with_their_parameters(own, ours, n_targets):
    raw, y, weights, state = draw(ours, n_targets=n_targets)
    loss = get_loss(own, task="regression")
    own_state = loss.prepare(y, weights)
    torch.testing.assert_close(loss.pointwise(raw, y, own_state), ours.pointwise(raw, y, state))
    torch.testing.assert_close(loss(raw, y, own_state, weights), ours(raw, y, state, weights))


@pytest.mark.parametrize("own", [nn.CrossEntropyLoss(), nn.NLLLoss, "cross_entropy"])
def test_torch_cross_entropies_equal_ours(own):
    raw, y, weights, state = draw(CrossEntropy(), n_targets=1)
    loss = get_loss(own, task="classification")
    own_state = loss.prepare(y, weights, 4)
    torch.testing.assert_close(
        loss.pointwise(raw, y, own_state), CrossEntropy().pointwise(raw, y, state)
    )


@pytest.mark.parametrize("own", [cubed, Asymmetric(), Asymmetric, nn.SmoothL1Loss, Scaled()])
def test_stacked_models_each_see_their_own_rows(own):
    loss = get_loss(own, task="regression")
    drawn = [draw(Huber(), seed=i) for i in range(3)]
    states = [loss.prepare(d[1], d[2]) for d in drawn]
    raw, y = (torch.stack([d[i] for d in drawn]) for i in range(2))
    together = loss.pointwise(raw, y, State.stack(states))
    for k in range(3):
        torch.testing.assert_close(together[k], loss.pointwise(raw[k], y[k], states[k]))


@pytest.mark.parametrize("own", [cubed, Asymmetric, Asymmetric(factor=3.0), Scaled(), batch_mean])
def test_regressor_trains_on_own_losses(own, diabetes):
    X, y = diabetes
    model = small(NeuralRegressor, loss=own).fit(X, y)
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.6
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).loss is not None


def test_trained_parts_of_a_loss_train_and_are_readable(diabetes):
    X, y = diabetes
    own = Scaled()
    model = small(NeuralRegressor, loss=own).fit(X, y)
    learnt = model.loss_state_["log_scale"]
    assert "log_scale" in model.loss_state_.trained
    assert abs(learnt.item()) > 0.01
    assert own.log_scale.item() == 0  # the user's instance is left alone
    strong = small(NeuralRegressor, loss=own, l1=10.0, lr=0.05).fit(X, y)
    assert (strong.net_.module_[0].weight == 0).all()
    assert strong.loss_state_["log_scale"].item() != 0  # penalties are on weights only


def test_own_classification_loss_gets_logits_and_indices(breast_cancer):
    X, y = breast_cancer
    model = small(NeuralClassifier, loss=focal_by_hand).fit(X, y)
    assert model.score(X, y) > 0.9
    assert not hasattr(model, "predict_proba")
    assert model.decision_function(X).shape == (len(X),)
    meaning = small(NeuralClassifier, loss=WithMeaning).fit(X, y)
    np.testing.assert_allclose(meaning.predict_proba(X).sum(1), 1, atol=1e-6)


class Shifted(nn.Module):
    """A cross-entropy of logits shifted by a margin, which says so."""

    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def shifted(self, logits):
        return logits - self.margin * torch.tensor([0.0, 1.0])

    def forward(self, logits, y):
        return nn.functional.cross_entropy(self.shifted(logits), y, reduction="none")

    def inverse_link(self, logits):
        return self.shifted(logits).softmax(-1)


@pytest.mark.parametrize("own", [Shifted, Shifted(2.0)])
def test_meaning_of_an_own_loss_follows_its_parameters(own, breast_cancer):
    X, y = breast_cancer
    linear = {"hidden_layer_sizes": (), "optimizer": "lbfgs", "random_state": 0}
    model = NeuralClassifier(own, **linear).set_params(loss__margin=5.0)
    p = model.fit(X, y).predict_proba(X)[:, 1]
    assert p.mean() == pytest.approx((y == "malignant").mean(), abs=0.005)


def test_own_losses_print_as_code_that_rebuilds_them():
    loss = get_loss(Asymmetric, task="regression", factor=5.0)
    assert repr(loss) == "get_loss(Asymmetric, task='regression', factor=5.0)"
    assert eval(repr(loss)) == loss
    assert repr(get_loss(cubed, task="regression")) == "get_loss(cubed, task='regression')"


@pytest.mark.parametrize(
    "own", [nn.BCEWithLogitsLoss, nn.MSELoss(), nn.L1Loss, nn.MultiMarginLoss, nn.SoftMarginLoss]
)
def test_torch_losses_classify(own, breast_cancer):
    X, y = breast_cancer
    model = small(NeuralClassifier, loss=own).fit(X, y)
    assert model.score(X, y) > 0.9


def test_multi_label_takes_losses_of_labels_only(breast_cancer):
    X, y = breast_cancer
    labels = np.c_[y == "benign", X.iloc[:, 0] > X.iloc[:, 0].mean()].astype(int)
    model = small(NeuralClassifier, loss=nn.BCEWithLogitsLoss).fit(X, labels)
    assert model.predict_proba(X).shape == labels.shape
    with pytest.raises(ValueError, match="takes one class per row; y is multi-label"):
        small(NeuralClassifier, loss=nn.CrossEntropyLoss).fit(X, labels)


def test_per_label_losses_refuse_several_classes(digits):
    X, y = digits
    with pytest.raises(ValueError, match="takes two classes or multi-label y; y has 10 classes"):
        small(NeuralClassifier, loss=nn.BCEWithLogitsLoss).fit(X, y)


def test_own_parameters_are_set_and_listed(diabetes):
    model = NeuralRegressor(Asymmetric)
    assert model.get_params()["loss__factor"] == 2.0
    model.set_params(loss__factor=5.0)
    assert model.get_params()["loss__factor"] == 5.0
    X, y = diabetes
    assert model.set_params(max_epochs=5).fit(X, y).loss_.built.factor == 5.0
    assert NeuralRegressor(cubed).set_params(loss__power=2.0).loss.params == {"power": 2.0}
    assert NeuralRegressor(nn.HuberLoss(delta=0.3)).get_params()["loss__delta"] == 0.3
    with pytest.raises(ValueError, match="'Asymmetric' has no parameter 'gamma'"):
        model.set_params(loss__gamma=1)


def test_whole_batch_loss_with_weights_says_how_to_return_rows(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match="returns one number for a whole batch.*one loss per row"):
        small(NeuralRegressor, loss=batch_mean).fit(X, y, sample_weight=np.ones(len(y)))


def test_class_weight_cannot_reach_a_whole_batch_loss(breast_cancer):
    X, y = breast_cancer
    with pytest.raises(ValueError, match="sample_weight and class_weight cannot reach it"):
        small(
            NeuralClassifier,
            loss=lambda z, y: nn.functional.cross_entropy(z, y),
            class_weight="balanced",
        ).fit(X, y)


def test_wrong_shape_is_said_before_training(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match=r"wrong_shape returned \(5, 5\) for 5 rows"):
        small(NeuralRegressor, loss=wrong_shape).fit(X, y)


def test_weights_reach_an_own_loss(diabetes):
    X, y = diabetes
    weights = np.where(np.arange(len(y)) % 2, 0.0, 1.0)
    kwargs = {"loss": cubed, "batch_size": 1000}
    weighted = small(NeuralRegressor, **kwargs).fit(X, y, sample_weight=weights)
    removed = small(NeuralRegressor, **kwargs).fit(X[::2], y[::2])
    np.testing.assert_allclose(weighted.predict(X), removed.predict(X))
