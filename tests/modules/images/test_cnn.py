"""The convolutional network: torch's own layers, from a generator's numbers, for images of any
size."""

import math

import pytest
import torch
from torch import nn

from sklloss.modules.activations import ACTIVATIONS
from sklloss.modules.images.cnn import CNN
from sklloss.modules.images.convolutions import channels_last

SIZES = [(1, 28, 28), (3, 32, 20), (2, 7, 5), (1, 3, 3), (3, 1, 6), (4, 1, 1)]


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def network(input_shape=(2, 7, 5), n_outputs=3, **params):
    params = {"channels": (4, 6), "hidden_layer_sizes": (10,), "start_constant": False} | params
    return CNN(input_shape, n_outputs, generator=source(), **params).double()


def by_hand(cnn, input_shape):
    """Return the same network as a tutorial writes it, with the same numbers."""
    (n_channels, height, width), layers = input_shape, []
    for n_out in (4, 6):
        window = (min(height, 2), min(width, 2))
        layers += [nn.Conv2d(n_channels, n_out, 3, padding=1), ACTIVATIONS[cnn.activation].module()]
        layers += [nn.MaxPool2d(window, ceil_mode=True)]
        n_channels, height, width = n_out, math.ceil(height / 2), math.ceil(width / 2)
    dense = [nn.Linear(6 * height * width, 10), ACTIVATIONS[cnn.activation].module()]
    plain = nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(10, 3)).double()
    for mine, other in zip(cnn.parameters(), plain.parameters(), strict=True):
        other.data.copy_(mine.data)
    return plain


def gradients(module, X):
    output = module(X)
    module.zero_grad()
    (output**3).sum().backward()
    return output.detach(), [parameter.grad.clone() for parameter in module.parameters()]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("input_shape", [(2, 7, 5), (1, 8, 8)])
def test_outputs_and_gradients_are_those_of_torchs_layers(activation, input_shape):
    cnn = network(input_shape, activation=activation)
    X = torch.randn(5, *input_shape, dtype=torch.float64, generator=source(1))
    output, own = gradients(cnn, X)
    expected, others = gradients(by_hand(cnn, input_shape), X)
    assert output.std() > 1e-3
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12)
    for mine, other in zip(own, others, strict=True):
        assert mine.abs().max() > 0
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("input_shape", SIZES)
@pytest.mark.parametrize("channels", [(5,), (4, 6), (2, 3, 4, 5, 6)])
def test_images_of_any_size_pass_any_number_of_blocks(input_shape, channels):
    cnn = CNN(input_shape, 3, channels=channels, start_constant=False, generator=source())
    X = torch.randn(4, *input_shape, generator=source(1))
    output = cnn(X)
    assert output.shape == (4, 3)
    assert output.std(0).min() > 0


def test_every_pixel_counts():
    """Odd heights and widths lose no border."""
    cnn = network((1, 7, 5), channels=(4, 6, 8))
    X = torch.randn(1, 1, 7, 5, dtype=torch.float64, generator=source(1)).requires_grad_()
    seen = torch.zeros_like(X)
    for moved in torch.randn(20, 1, 1, 7, 5, dtype=torch.float64, generator=source(2)):
        (slope,) = torch.autograd.grad(cnn(X + moved).abs().sum(), X)
        seen += slope.abs()
    assert seen.min() > 0


def test_no_blocks_leave_the_perceptron():
    cnn = network((2, 3, 3), channels=())
    X = torch.randn(4, 2, 3, 3, dtype=torch.float64, generator=source(1))
    torch.testing.assert_close(cnn(X), cnn.head(X.flatten(1)))
    assert len(cnn.convolutions) == 0


def test_starts_constant_at_its_output_bias():
    cnn = network(start_constant=True)
    cnn.output_bias.data.copy_(torch.tensor([1.0, -2.0, 3.0]))
    output = cnn(torch.randn(4, 2, 7, 5, dtype=torch.float64, generator=source(1)))
    assert output.tolist() == 4 * [[1.0, -2.0, 3.0]]
    assert [*cnn.parameters()][-1] is cnn.output_bias


def test_numbers_come_from_the_generator_alone():
    state = torch.get_rng_state()
    first, same = CNN((1, 8, 8), 3, generator=source()), CNN((1, 8, 8), 3, generator=source())
    other = CNN((1, 8, 8), 3, generator=source(1))
    assert torch.equal(torch.get_rng_state(), state)
    pairs = list(zip(first.parameters(), same.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(mine, copy) for mine, copy, _ in pairs)
    drawn = [(mine, different) for mine, _, different in pairs if mine.any()]
    assert len(drawn) == 5  # three convolutions, weight and bias of the hidden layer
    assert not any(torch.equal(mine, different) for mine, different in drawn)


@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", 2.0), ("identity", 1.0), ("logistic", 16.0)]
)
def test_convolutions_keep_the_variance_where_he_says_so(activation, gain):
    cnn = CNN((16, 8, 8), 3, channels=(64, 64), activation=activation, generator=source())
    for layer in cnn.convolutions:
        assert layer.weight.var().item() == pytest.approx(gain / (9 * layer.in_channels), rel=0.05)
        assert not layer.bias.any()


def test_dropout_is_in_the_dense_layers():
    cnn = network(dropout=0.5)
    assert [layer.p for layer in cnn.modules() if isinstance(layer, nn.Dropout)] == [0.5]


@pytest.mark.parametrize("n_channels", [1, 3])
def test_channels_lie_side_by_side(n_channels):
    X = torch.randn(2, n_channels, 4, 6)
    last = channels_last(X)
    assert torch.equal(last, X)
    assert last.data_ptr() != X.data_ptr()
    assert last.stride() == (24 * n_channels, 1, 6 * n_channels, n_channels)


def test_modules_copy_and_save():
    cnn, other = network(), CNN((2, 7, 5), 3, (4, 6), (10,), generator=source(5)).double()
    X = torch.randn(4, 2, 7, 5, dtype=torch.float64, generator=source(1))
    other.load_state_dict(cnn.state_dict())
    assert torch.equal(other(X), cnn(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"input_shape": (64,)},
            r"takes X of shape .* got rows of shape \(64\). Reshape X.*module='mlp'",
        ),
        ({"input_shape": (2, 1, 8, 8)}, r"got rows of shape \(2, 1, 8, 8\)"),
        (
            {"channels": (8, 0)},
            r"CNN needs channels to be a tuple.* >= 1 \(a whole number\); got \(8, 0\)\. The "
            r"default is channels=\(16, 32, 64\)",
        ),
        ({"channels": 2.5}, r"got \(2\.5,\)"),
        ({"channels": "ab"}, r"got \('a', 'b'\)"),
    ],
)
def test_wrong_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        network(**params)
