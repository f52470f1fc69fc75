"""Networks that end in softmax or sigmoid are refused under losses of logits."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sklloss import NeuralClassifier, NeuralRegressor, NeuralSegmenter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.arange(60) % 3
LOG_SOFTMAX = nn.LogSoftmax(1)
LABELS = (X[:, :2] > 0).astype(int)


def network(*tail: nn.Module, n_outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, n_outputs), *tail)


class ByFunction(nn.Module):
    """Calls softmax as a function, has a layer that it does not use, and reshapes at the end."""

    def __init__(self, function):
        super().__init__()
        self.hidden, self.unused, self.function = nn.Linear(3, 3), nn.Softmax(1), function

    def forward(self, X):
        return self.function(self.hidden(X)).unsqueeze(1).transpose(1, 2).squeeze(2)


def fit(loss, module, y=Y):
    model = NeuralClassifier(loss, module=module, max_epochs=20, lr=0.05, random_state=0)
    return model.fit(X, y)


@pytest.mark.parametrize(
    "loss", ["cross_entropy", "hinge", "soft_f1", nn.CrossEntropyLoss, nn.NLLLoss()]
)
@pytest.mark.parametrize(
    ("module", "step"),
    [
        (network(nn.Softmax(1)), "softmax"),
        (network(nn.Sigmoid()), "sigmoid"),
        (ByFunction(lambda z: z.softmax(1)), "softmax"),
        (ByFunction(functional.logsigmoid), "logsigmoid"),
    ],
)
def test_the_last_step_is_named_before_training(loss, module, step):
    with pytest.raises(ValueError, match=rf"ends in {step}, and loss .* the logits\. Remove"):
        fit(loss, module)


@pytest.mark.parametrize("y", [Y > 0, LABELS], ids=["two classes", "labels"])
def test_sigmoid_of_two_classes_and_of_labels_is_named(y):
    module = network(nn.Sigmoid(), n_outputs=y.ndim)
    with pytest.raises(ValueError, match="ends in sigmoid, and loss 'cross_entropy'"):
        fit("cross_entropy", module, y)


def test_softmax_over_classes_of_pixels_is_named():
    images = RNG.random((6, 1, 8, 8))
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Softmax(1))
    with pytest.raises(ValueError, match="ends in softmax, and loss 'dice'"):
        NeuralSegmenter("dice", module=module).fit(images, (images[:, 0] > 0.5).astype(int))


def test_log_softmax_changes_nothing_where_only_differences_count():
    plain, normalised = fit("cross_entropy", network()), fit("cross_entropy", network(LOG_SOFTMAX))
    np.testing.assert_allclose(
        plain.predict_proba(X), normalised.predict_proba(X), rtol=0, atol=1e-6
    )
    with pytest.raises(ValueError, match="ends in log_softmax, and loss 'squared_logits'"):
        fit("squared_logits", network(LOG_SOFTMAX))


def of_probabilities(p, y):
    """Return the negative log-likelihood of probabilities."""
    return functional.nll_loss(p.log(), y, reduction="none")


def test_what_a_loss_of_ones_own_takes_is_ones_own_business():
    assert fit(of_probabilities, network(nn.Softmax(1))).n_iter_ > 0


def test_networks_with_other_last_steps_train():
    assert fit("cross_entropy", ByFunction(torch.tanh)).n_iter_ > 0
    gated = nn.Sequential(nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 3))
    assert fit("cross_entropy", gated).n_iter_ > 0
    shares = network(nn.Sigmoid(), n_outputs=1)
    assert NeuralRegressor(module=shares, max_epochs=20, lr=0.05).fit(X, X[:, 0]).n_iter_ > 0


def test_the_look_at_the_last_step_leaves_the_network_as_it_was():
    module = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3)).train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    fit("cross_entropy", module)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
