"""The U-Net: shapes, what a pixel sees, initial numbers."""

import copy

import pytest
import torch

from sklloss.modules.images.unet import UNet
from sklloss.modules.layers import Convolution, GroupNorm


def network(shape=(1, 12, 10), n_classes=3, seed=0, **params):
    generator = torch.Generator().manual_seed(seed)
    n_outputs = shape[1] * shape[2] * n_classes
    return UNet(shape, n_outputs, generator=generator, **{"start_constant": False, **params})


def network_without_norms(*args, **params):
    """Return one in which a pixel sees its surroundings alone."""
    net = network(*args, **params)
    for level in (*net.down, *net.up):
        for place, layer in enumerate(level):
            if isinstance(layer, GroupNorm):
                level[place] = torch.nn.Identity()
    return net


@pytest.mark.parametrize("height", [1, 2, 3, 7, 8, 13])
@pytest.mark.parametrize("width", [1, 4, 9])
@pytest.mark.parametrize("channels", [(4,), (4, 8), (2, 3, 4)])
def test_any_height_and_width_gives_numbers_per_pixel(height, width, channels):
    net = network((2, height, width), 3, channels=channels)
    output = net(torch.randn(5, 2, height, width))
    assert output.shape == (5, height * width, 3)
    output.sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_pixels_stay_where_they_are():
    """A bright pixel changes its surroundings, and only them; numbers come row by row."""
    net = network_without_norms((1, 40, 24), 1, channels=(4, 8))
    X = torch.zeros(1, 1, 40, 24)
    lit = X.clone()
    lit[0, 0, 9, 16] = 5.0
    with torch.no_grad():
        change = (net(lit) - net(X)).reshape(40, 24).abs()
    rows, columns = (change > 0).nonzero(as_tuple=True)
    assert change[9, 16] > 0
    assert rows.min() >= 9 - 12
    assert rows.max() <= 9 + 12
    assert columns.min() >= 16 - 12
    assert change.argmax() in [9 * 24 + 16 + dy * 24 + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def test_padding_does_not_move_the_image():
    """An image whose sides are multiples of 4 is computed as it is; one row fewer only changes the
    lower end."""
    net = network_without_norms((1, 48, 16), 2)
    X = torch.randn(1, 1, 48, 16, generator=torch.Generator().manual_seed(0))
    shorter = network_without_norms((1, 47, 16), 2)
    shorter.load_state_dict(net.state_dict())
    with torch.no_grad():
        whole, cut = net(X).reshape(48, 16, 2), shorter(X[..., :47, :]).reshape(47, 16, 2)
    torch.testing.assert_close(cut[:16], whole[:16])
    assert not torch.allclose(cut[44:], whole[44:47])


def test_initial_numbers_come_from_the_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one, same, other = network(seed=1), network(seed=1), network(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    for mine, twin, theirs in zip(
        one.parameters(), same.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(mine, twin)
        assert mine.ndim == 1 or not torch.equal(mine, theirs)


def test_initial_weights_keep_the_size_of_what_passes():
    net = network((8, 32, 32), 1, channels=(64, 64, 64))
    for layer in net.modules():
        if isinstance(layer, Convolution):
            fan_in = layer.weight[0].numel()
            assert layer.weight.var().item() == pytest.approx(2 / fan_in, rel=0.15)
            assert (layer.bias == 0).all()
    X = torch.randn(2, 8, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert 0.2 < net(X).std() < 5


def test_brightness_itself_reaches_the_output():
    """The coarse levels of an image twice as bright say the same; the finest does not."""
    net = network((1, 16, 16), 2, channels=(4, 8, 8))
    X = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)) + 1
    with torch.no_grad():
        coarse, brighter = (
            net.down[2](net.down[1](of)) for of in (net.down[0](X), net.down[0](2 * X))
        )
        torch.testing.assert_close(brighter, coarse, rtol=0.01, atol=0.01)
        assert (net(2 * X) - net(X)).abs().mean() > 0.1 * net(X).abs().mean()


@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"]
)
def test_starts_at_the_constant_of_its_output_bias(activation):
    net = network(start_constant=True, activation=activation)
    with torch.no_grad():
        net.output_bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
        output = net(torch.randn(2, 1, 12, 10))
    assert torch.equal(output, torch.tensor([1.0, 2.0, 3.0]).expand(2, 120, 3))
    assert net.output_bias is [*net.parameters()][-1]


def test_dropout_acts_in_training_alone():
    net = network(dropout=0.5)
    X = torch.randn(1, 1, 12, 10)
    torch.manual_seed(0)
    assert not torch.equal(net(X), net(X))
    net.eval()
    assert torch.equal(net(X), net(X))


def test_two_pictures_do_not_touch_each_other():
    net = network()
    X = torch.randn(4, 1, 12, 10)
    with torch.no_grad():
        torch.testing.assert_close(net(X)[2:3], net(X[2:3]))


def test_copies_and_exports():
    net = network().eval()
    X = torch.randn(2, 1, 12, 10)
    twin = copy.deepcopy(net)
    dynamic = ({0: torch.export.Dim("rows")},)
    exported = torch.export.export(net, (X,), dynamic_shapes=dynamic).module()
    more = torch.randn(5, 1, 12, 10)
    with torch.no_grad():
        assert torch.equal(twin(more), net(more))
        torch.testing.assert_close(exported(more), net(more))


@pytest.mark.parametrize(
    ("shape", "n_outputs", "channels", "message"),
    [
        ((7,), 21, (4, 8), r"takes X of shape .* got rows of shape \(7\)\. Reshape X"),
        (
            (1, 4, 4),
            10,
            (4, 8),
            r"numbers for every pixel; 10 numbers cannot be shared among 4 x 4",
        ),
        (
            (1, 4, 4),
            16,
            (),
            r"UNet needs channels to be a tuple.* >= 1 \(a whole number\); got \(\)",
        ),
        ((1, 4, 4), 16, (4, 0), r"got \(4, 0\).*default is channels=\(16, 32, 64\)"),
        ((1, 4, 4), 16, (4.0, 8), r"got \(4\.0, 8\)"),
    ],
)
def test_what_makes_no_network_is_refused(shape, n_outputs, channels, message):
    with pytest.raises(ValueError, match=message):
        UNet(shape, n_outputs, channels=channels)
