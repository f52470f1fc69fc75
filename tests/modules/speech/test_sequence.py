"""The network for sequences: what stands behind the end of an utterance changes nothing."""

import pytest
import torch

from sklloss.losses import CTC
from sklloss.modules import MODULES, ModuleLoop, SequenceNetwork, build_module

CELLS = ("conv", "gru", "lstm")
each_cell = pytest.mark.parametrize("cell", CELLS)
LENGTHS = (1, 2, 7, 12, 20)


def network(cell="conv", seed=0, **params):
    params = {"widths": (6, 8), "n_units": 5, "start_constant": False, **params}
    generator = torch.Generator().manual_seed(seed)
    return SequenceNetwork((3,), 4, cell=cell, generator=generator, **params)


def utterances(dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return [
        torch.cat((torch.randn(n, 3, generator=generator), torch.ones(n, 1)), 1).to(dtype)
        for n in LENGTHS
    ]


def padded(rows, n_frames):
    """Return rows in one tensor, with noise behind their ends where the mask is 0."""
    out = 100 * torch.randn(len(rows), n_frames, 4, dtype=rows[0].dtype)
    out[..., -1] = 0
    for of_row, row in zip(out, rows, strict=True):
        of_row[: len(row)] = row
    return out


@each_cell
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_an_utterance_alone_is_as_among_longer_ones(cell, stride):
    module = network(cell, stride=stride, hidden_layer_sizes=(7,)).eval()
    rows = utterances()
    together = module(padded(rows, 31))
    for row, of_row in zip(rows, together, strict=True):
        alone = module(row[None])[0]
        assert len(alone) == module.n_frames_out(len(row))
        torch.testing.assert_close(of_row[: len(alone)], alone, rtol=0, atol=1e-6)


@each_cell
def test_frames_behind_the_end_are_a_certain_blank(cell):
    module = network(cell).eval()
    together = module(padded(utterances(), 31))
    assert together.shape == (len(LENGTHS), 16, 4)
    for n, of_row in zip(LENGTHS, together, strict=True):
        behind = of_row[module.n_frames_out(n) :]
        assert (behind[:, 0] == 0).all()
        assert (behind[:, 1:] == -1e4).all()


@each_cell
def test_gradients_are_those_of_utterances_alone(cell):
    module, loss = network(cell).double(), CTC()
    rows, y = utterances(torch.float64)[2:], torch.tensor([[1, 2], [3, -1], [1, 1]])
    state = loss.prepare(y, torch.ones(3).double(), 4)

    def gradients(value):
        return torch.autograd.grad(value, list(module.parameters()))

    together = gradients(loss(module(padded(rows, 31)), y, state) * 3)
    alone = [gradients(loss(module(row[None]), y[[k]], state)) for k, row in enumerate(rows)]
    for found, parts in zip(together, zip(*alone, strict=True), strict=True):
        assert found.abs().max() > 0
        torch.testing.assert_close(found, sum(parts))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_recurrence_sees_the_whole_utterance_and_convolutions_their_neighbourhood(cell):
    row = utterances()[-1][None].repeat(1, 5, 1)  # 100 frames
    for kind, reaches in ((cell, True), ("conv", False)):
        module = network(kind, widths=(6,)).eval()
        moved = row.clone()
        moved[0, 0, 0] += 10
        change = (module(moved) - module(row)).abs().amax(-1)[0]
        assert change[0] > 1e-3
        assert (change[8] > 0) == reaches
        moved = row.clone()
        moved[0, -1, 0] += 10
        change = (module(moved) - module(row)).abs().amax(-1)[0]
        assert (change[-8] > 0) == reaches


@each_cell
def test_weights_come_from_the_given_generator_alone(cell):
    before = torch.get_rng_state()
    first, again, other = network(cell), network(cell), network(cell, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not torch.equal(first.last.weight, other.last.weight)
    for parameter in first.parameters():
        assert parameter.isfinite().all()
        assert parameter.abs().max() < 2


@each_cell
def test_it_starts_constant_at_the_output_bias(cell):
    module = network(cell, start_constant=True).eval()
    module.output_bias.data.copy_(torch.arange(4.0))
    out = module(utterances()[-1][None])
    assert torch.equal(out, torch.arange(4.0).expand_as(out))


def test_dropout_drops_in_training_only():
    module = network("gru", dropout=0.5, hidden_layer_sizes=(8,))
    X = utterances()[-1][None]
    assert not torch.equal(module.train()(X), module(X))
    assert torch.equal(module.eval()(X), module(X))


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_activations_go_by_name(activation):
    X = utterances()[-1][None]
    outs = [network(activation=name).eval()(X) for name in ("identity", activation)]
    assert not torch.allclose(*outs)


def test_it_is_built_by_name_and_names_unknown_parameters():
    assert MODULES["sequence"] is SequenceNetwork
    generator = torch.Generator().manual_seed(0)
    module = build_module("sequence", (13,), 12, {"cell": "gru", "n_units": 3}, generator)
    assert module(torch.ones(2, 9, 14)).shape == (2, 5, 12)
    with pytest.raises(ValueError, match="'sequence' has no parameter 'depth'.*cell.*widths"):
        build_module("sequence", (13,), 12, {"depth": 3}, generator)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cell": "rnn"}, "cell to be one of 'conv', 'gru', 'lstm'; got 'rnn'"),
        ({"kernel_size": 4}, "kernel_size.*odd.*got 4"),
        ({"stride": 0}, "stride.*got 0"),
        ({"widths": ()}, r"widths.*got \(\)"),
        ({"widths": 2.5}, r"widths.*got \(2\.5,\)"),
        ({"n_units": 0}, "n_units.*got 0"),
    ],
)
def test_parameters_outside_their_domain_are_named(params, message):
    with pytest.raises(ValueError, match=f"SequenceNetwork needs {message}"):
        SequenceNetwork((3,), 4, **params)


@each_cell
def test_it_trains_in_the_flat_buffer_of_the_engine(cell):
    module = network(cell)
    expected = module(utterances()[-1][None]).detach()
    stack = ModuleLoop([module], [])
    stack.start_epoch([0])
    assert stack.holds_parameters()
    raw = stack.forward(utterances()[-1][None, None])
    torch.testing.assert_close(raw.unflatten(-1, (-1, 4))[0], expected)
    stack.backward([torch.ones_like(raw)])
    assert stack.flat.gradients.abs().sum() > 0
