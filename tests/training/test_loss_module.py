"""What our own nets hold as their criterion."""

import pickle

import pytest
import torch

from sklloss import Criterion
from sklloss.losses import CrossEntropy, Huber, get_loss
from sklloss.losses.base import State
from sklloss.training import LossModule

Y = torch.tensor([[0.0], [1.0], [4.0]])


def module_of(loss, y=Y, n_classes=None):
    state = State.stack([loss.prepare(y, torch.ones(3), n_classes)])
    return LossModule(loss, state, torch.ones(1, 1, 1))


def test_names_of_its_buffers_and_parameters_are_those_that_checkpoints_hold():
    assert list(module_of(Huber()).state_dict()) == ["state_delta", "baseline"]
    adaptive = module_of(get_loss("adaptive", task="regression"))
    trained = {name.removeprefix("state_") for name, _ in adaptive.named_parameters()}
    assert trained == adaptive.state.trained > set()
    state = State({"a.b": torch.ones(1, 1, 1), "a%2Eb": torch.zeros(1, 1, 1)})
    dotted = LossModule(Huber(), state, torch.ones(1, 1, 1))
    assert list(dotted.state_dict()) == ["state_a%2Eb", "state_a%252Eb", "baseline"]
    assert list(dotted.state) == ["a.b", "a%2Eb"]


def test_survives_a_pickle():
    module = module_of(Huber(2.0))
    again = pickle.loads(pickle.dumps(module))
    assert again.loss == module.loss
    assert torch.equal(again.constant, module.baseline)
    assert torch.equal(again.state["delta"], module.state["delta"])


def test_its_loss_of_a_batch_is_that_of_a_criterion():
    prediction, weight = torch.tensor([0.5, 0.0, 1.0]), torch.tensor([1.0, 2.0, 0.0])
    module, criterion = module_of(Huber(2.0)), Criterion("huber", loss__delta=2.0)
    for given in [(prediction, Y), (prediction, Y, weight)]:
        assert torch.equal(module(*given), criterion(*given))
    labels = module_of(CrossEntropy(), Y.long().clamp(max=1), 2)
    with pytest.raises(ValueError, match="class indices from 0 to 1"):
        labels(prediction, Y.long())
    with pytest.raises(ValueError, match="one row per row of y"):
        module(prediction, Y[:2])


def test_a_fitted_module_gives_probabilities_to_skorch():
    module = module_of(CrossEntropy(), Y.long().clamp(max=1), 2)
    shown = Criterion.probabilities(module)(torch.zeros(3, 1))
    torch.testing.assert_close(shown, torch.full((3, 2), 0.5))
