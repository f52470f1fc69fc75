"""The locator: shapes, coordinates, initial numbers."""

import pytest
import torch

from sklloss.modules.images.locator import Locator, places_of_cells


def network(shape=(1, 16, 24), n_outputs=4, seed=0, **params):
    generator = torch.Generator().manual_seed(seed)
    return Locator(shape, n_outputs, generator=generator, **{"start_constant": False, **params})


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (7, 7), (13, 8), (16, 24)])
@pytest.mark.parametrize("n_outputs", [4, 8])
def test_any_height_and_width_gives_numbers(height, width, n_outputs):
    net = network((3, height, width), n_outputs, channels=(4, 8))
    output = net(torch.randn(5, 3, height, width))
    assert output.shape == (5, n_outputs)
    output.sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_places_are_the_middles_of_cells_of_two_pixels():
    places = places_of_cells((2, 4), (4, 8), 4).reshape(2, 4, 4)
    x = torch.tensor([-3, -1, 1, 3]) / 4
    assert torch.equal(places[..., 0], x.expand(2, 4))
    assert torch.equal(places[..., 2], x.expand(2, 4))
    y = torch.tensor([[-1.0], [1.0]]) / 4
    assert torch.equal(places[..., 1], y.expand(2, 4))
    assert torch.equal(places[..., 3], y.expand(2, 4))
    doubled = places_of_cells((2, 4), (4, 8), 8)
    assert torch.equal(doubled[:, ::2], doubled[:, 1::2])
    assert torch.equal(doubled[:, ::2], places.reshape(8, 4))


def test_a_peak_of_the_maps_is_read_as_its_place():
    net = network(scale=1.0)

    class Peak(torch.nn.Module):
        def forward(self, hidden):
            logits = torch.zeros(len(hidden), 8, 12, 4)
            logits[:, 2, 9] = 50.0  # pixels 4 and 5 from above, 18 and 19 from the left
            return logits.flatten(1, 2)

    net.maps = Peak()
    x, y = (19 - 12) / 12, (5 - 8) / 12
    expected = torch.tensor([[x, y, x, y]])
    torch.testing.assert_close(net(torch.zeros(1, 1, 16, 24)), expected)
    net.scale.data.fill_(2.0)
    net.output_bias.data.fill_(0.5)
    torch.testing.assert_close(net(torch.zeros(1, 1, 16, 24)), 2 * expected + 0.5)


def test_learns_to_follow_an_object_that_it_has_not_seen_there():
    """Trained on the left half only, it finds the object in the right half: maps move with what
    they see."""
    places = torch.arange(2, 12)
    train = torch.zeros(10, 1, 8, 32)
    for row, place in enumerate(places.tolist()):
        train[row, 0, 3:5, place : place + 2] = 1.0
    moved = train.roll(12, -1)
    net = network((1, 8, 32), channels=(8, 8), start_constant=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    wanted = (places + 1 - 16) / 16 / 2
    for _ in range(200):
        optimizer.zero_grad()
        ((net(train)[:, 0] - wanted) ** 2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        assert (net(train)[:, 0] - wanted).abs().max() < 0.05
        found = net(moved)[:, 0] - wanted
    assert (found - 12 / 16 / 2).abs().max() < 0.12


def test_scales_start_where_they_are_told():
    assert torch.equal(network(scale=(1, 2, 3, 4)).scale.data, torch.tensor([1.0, 2, 3, 4]))
    doubled = network(n_outputs=8, scale=[1.0, 2, 3, 4]).scale.data
    assert torch.equal(doubled, torch.tensor([1.0, 1, 2, 2, 3, 3, 4, 4]))


def test_initial_numbers_come_from_the_generator_alone():
    before = torch.get_rng_state()
    one, same, other = network(seed=1), network(seed=1), network(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    X = torch.randn(2, 1, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(one(X), same(X))
        assert not torch.equal(one(X), other(X))


def test_starts_at_its_output_bias_but_for_the_middle_of_the_grid():
    net = network(start_constant=True)
    net.output_bias.data.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    with torch.no_grad():
        output = net(torch.randn(3, 1, 16, 24))
    torch.testing.assert_close(output, net.output_bias.detach().expand(3, 4))


def test_exports():
    net = network().eval()
    dynamic = ({0: torch.export.Dim("rows")},)
    exported = torch.export.export(
        net, (torch.randn(2, 1, 16, 24),), dynamic_shapes=dynamic
    ).module()
    X = torch.randn(5, 1, 16, 24)
    with torch.no_grad():
        torch.testing.assert_close(exported(X), net(X))


@pytest.mark.parametrize(
    ("shape", "n_outputs", "channels", "message"),
    [
        ((7,), 4, (4,), r"got rows of shape \(7\)\. Reshape X"),
        ((1, 8, 8), 6, (4,), r"four corners x1, y1, x2, y2; 6 numbers.*module='cnn'"),
        (
            (1, 8, 8),
            4,
            (),
            r"Locator needs channels to be a tuple.* >= 1 \(a whole number\); got \(\)",
        ),
    ],
)
def test_what_makes_no_network_is_refused(shape, n_outputs, channels, message):
    with pytest.raises(ValueError, match=message):
        Locator(shape, n_outputs, channels=channels)
