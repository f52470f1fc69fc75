"""A stack computes what its plain modules compute, and its gradients are autograd's."""

import copy

import pytest
import torch
from torch import nn

from sklloss.modules import MLP, MLPStack, ModuleLoop, stack_modules
from sklloss.modules.activations import ACTIVATIONS
from sklloss.modules.stacks.flat import ALIGNMENT
from sklloss.modules.stacks.slab import Slab

SHAPES = [(), (1,), (5,), (32,), (7, 3), (64, 64)]


def modules(n_models, n_features=4, n_outputs=3, hidden=(5,), dtype=torch.float64, **options):
    """Return perceptrons whose last layer, which starts at 0, is drawn too."""
    built = []
    for k in range(n_models):
        source = torch.Generator().manual_seed(k)
        module = MLP(n_features, n_outputs, hidden, generator=source, **options)
        nn.init.normal_(module.linears[-1].weight, generator=source)
        nn.init.normal_(module.output_bias, generator=source)
        if module.path is not None:
            nn.init.normal_(module.path, generator=source)
        built.append(module.to(dtype))
    return built


def data(n_models, n_rows, n_features, dtype=torch.float64):
    return torch.randn(
        n_models, n_rows, n_features, dtype=dtype, generator=torch.Generator().manual_seed(9)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("n_features", [1, 4])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("linear_path", [False, True])
def test_forward_and_backward_equal_autograd(
    activation, hidden, n_features, n_outputs, linear_path
):
    options = {"activation": activation, "linear_path": linear_path}
    plain = modules(3, n_features, n_outputs, hidden, **options)
    expected = copy.deepcopy(plain)
    stack = stack_modules(plain)
    assert isinstance(stack, MLPStack)
    X = data(3, 11, n_features)
    raw = stack.forward(stack.pad(X))
    grad = data(3, 11, n_outputs)
    stack.backward([grad])
    for k, module in enumerate(expected):
        output = module(X[k])
        torch.testing.assert_close(raw[k], output)
        output.backward(grad[k])
        for mine, theirs in zip(plain[k].parameters(), module.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad)
    torch.testing.assert_close(stack.inference()(stack.pad(X)), raw)


@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("widths", [(1, 1), (4, 1), (1, 3), (20, 2)])
@pytest.mark.parametrize("n_rows", [1, 37, 128])
@pytest.mark.parametrize("linear_path", [False, True])
def test_stacked_model_is_the_model_alone(hidden, widths, n_rows, linear_path):
    together = stack_modules(modules(5, *widths, hidden, linear_path=linear_path))
    X, grad = data(5, n_rows, widths[0]), data(5, n_rows, widths[1])
    raw = together.forward(together.pad(X))
    together.backward([grad[:2], grad[2:]])
    for k in range(5):
        alone = stack_modules([modules(5, *widths, hidden, linear_path=linear_path)[k]])
        torch.testing.assert_close(alone.forward(alone.pad(X[k : k + 1]))[0], raw[k])
        alone.backward([grad[k : k + 1]])
        torch.testing.assert_close(alone.flat.gradients[0], together.flat.gradients[k])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_loop_of_inference_computes_where_it_did_and_leaves_what_it_gave(activation, monkeypatch):
    stack = MLPStack(modules(3, hidden=(5, 6), activation=activation), [])
    sizes = enumerate((32, 32, 16, 32), 1)
    batches = [data(3, n_rows, 4) / scale for scale, n_rows in sizes]
    expected = [stack.inference()(X).clone() for X in batches]
    made = []
    like = Slab.like.__func__
    monkeypatch.setattr(
        Slab, "like", classmethod(lambda cls, *shape: made.append(shape[1:]) or like(cls, *shape))
    )
    infer = stack.inference()
    given = [infer(batches[0])]
    made.clear()
    given += [infer(X) for X in batches[1:]]
    assert all(torch.equal(*pair) for pair in zip(given, expected, strict=True))
    hidden = [shape for shape in made if shape[-1] in (5, 6)]
    assert hidden == [(3, 16, 5), (3, 16, 6)]  # those of the first are used again


def test_parameters_are_views_into_one_aligned_buffer():
    plain = modules(2, hidden=(5, 6))
    values = [parameter.clone() for parameter in plain[1].parameters()]
    stack = stack_modules(plain)
    assert stack.holds_parameters()
    for before, after in zip(values, plain[1].parameters(), strict=True):
        assert torch.equal(before, after)
    assert stack.flat.values.shape[1] % ALIGNMENT == 0
    stack.flat.values.data.zero_()
    assert all((parameter == 0).all() for parameter in plain[0].parameters())
    assert stack.flat.is_weight.sum() == 4 * 5 + 5 * 6 + 6 * 3  # biases are no weights


def test_loading_reaches_the_stack_and_moving_is_noticed():
    plain = modules(1)
    stack = stack_modules(plain)
    X = data(1, 6, 4)
    before = stack.inference()(X)
    plain[0].load_state_dict({k: 2 * v for k, v in plain[0].state_dict().items()})
    assert not torch.equal(stack.inference()(X), before)
    torch.testing.assert_close(stack.inference()(X)[0], plain[0](X[0]).detach())
    plain[0].float()
    assert not stack.holds_parameters()


def test_snapshots_are_per_model():
    stack = stack_modules(modules(2))
    first = stack.snapshot()
    stack.flat.values.data.add_(1.0)
    mixed = stack.snapshot().where(torch.tensor([True, False]), first)
    stack.flat.values.data.zero_()
    stack.restore(mixed)
    assert torch.equal(stack.flat.values[1], first.values[1])
    assert torch.equal(stack.flat.values[0], first.values[0] + 1)


class Noisy(nn.Module):
    """A module with a buffer, dropout and a frozen part."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)
        self.frozen = nn.Linear(n_features, n_features)
        self.frozen.requires_grad_(False)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, X):
        return self.last(self.drop(self.frozen(self.norm(X))))


def test_unknown_modules_run_one_by_one_on_their_own_random_numbers():
    plain = [Noisy(4, 3) for _ in range(2)]
    frozen = plain[0].frozen.weight.clone()
    stack = stack_modules(plain)
    assert isinstance(stack, ModuleLoop)
    X = data(1, 9, 4, torch.float32).expand(2, -1, -1)
    state = torch.get_rng_state()
    stack.start_epoch([3, 4])
    both = stack.forward(X)
    stack.backward([torch.ones_like(both)])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(plain[0].frozen.weight, frozen)
    assert plain[0].last.weight.grad.abs().sum() > 0

    alone = stack_modules([copy.deepcopy(plain[1])])
    alone.start_epoch([4])
    assert torch.equal(alone.forward(X[1:])[0], both[1])


@pytest.mark.parametrize("module", [nn.Linear(3, 1), modules(1)[0]], ids=["own", "mlp"])
def test_the_larger_a_row_the_fewer_are_evaluated_at_once(module):
    stack = stack_modules([module])
    most = stack.numbers_at_once
    assert stack.rows_at_once(1024, (3,)) == 1024
    assert stack.rows_at_once(1024, (1, most // 32)) == 32
    assert stack.rows_at_once(1024, (3,), (most // 64, 8)) == 8  # of raw output, for one
    assert stack.rows_at_once(1024, (2 * most,)) == 1


def test_buffers_belong_to_snapshots():
    stack = stack_modules([Noisy(4, 3)])
    stack.start_epoch([0])
    before = stack.snapshot()
    stack.forward(data(1, 9, 4, torch.float32))
    mean = stack.modules[0].norm.running_mean
    assert mean.abs().sum() > 0
    stack.restore(before)
    assert mean.abs().sum() == 0


def test_dropout_keeps_the_mean_and_depends_on_the_seed_alone():
    stack = stack_modules(modules(2, hidden=(400,), dropout=0.25, activation="identity"))
    X = torch.ones(2, 50, 4, dtype=torch.float64)
    stack.start_epoch([1, 2])
    raw = stack.forward(X)
    stack.start_epoch([1, 2])
    assert torch.equal(stack.forward(X), raw)
    mask = stack._last.masks[0]
    assert mask.mean().item() == pytest.approx(1, abs=0.02)
    assert mask.unique().tolist() == pytest.approx([0, 4 / 3])
    assert not torch.equal(mask[0], mask[1])
    assert not torch.equal(stack.inference()(X), raw)


def test_gradients_go_through_the_dropout_mask():
    (plain,) = modules(1, hidden=(6,), dropout=0.5)
    stack = stack_modules([plain])
    X, grad = data(1, 8, 4), data(1, 8, 3)
    stack.start_epoch([5])
    stack.forward(X)
    stack.backward([grad])
    mask = stack._last.masks[0][0]
    first, last = copy.deepcopy(plain.linears[0]), copy.deepcopy(plain.linears[1])
    (last(torch.relu(first(X[0])) * mask)).backward(grad[0])
    torch.testing.assert_close(plain.linears[0].weight.grad, first.weight.grad)


def test_initial_weights_do_not_touch_the_global_generator():
    state = torch.get_rng_state()
    twins = [MLP(3, 2, (4,), generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(twins[0][0].weight, twins[1][0].weight)
    assert (twins[0].linears[-1].weight == 0).all()
    bound = (6 / 7) ** 0.5
    assert 0.5 * bound < twins[0][0].weight.abs().max() <= bound


def test_a_linear_path_starts_at_nothing_and_is_a_weight():
    module = MLP(3, 2, (4,), linear_path=True)
    X = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module(X), module.output_bias.expand(5, 2))
    stack = stack_modules([module])
    n_weights = 3 * 2 + 3 * 4 + 4 * 2
    assert stack.flat.is_weight.sum() == n_weights == stack.multiplications_per_row
    assert MLP(3, 2, (), linear_path=True).path is None


def test_initial_weights_lie_within_their_bounds():
    sizes = {"generator": torch.Generator().manual_seed(0), "start_constant": False}
    for init, bound in (("glorot", (6 / 500) ** 0.5), ("fan_in", 400**-0.5)):
        largest = MLP(400, 1, (100,), init=init, **sizes).linears[0].weight.abs().max()
        assert 0.99 * bound < largest <= bound


@pytest.mark.parametrize("wrong", [{"linear_path": 2}, {"init": "fanin"}])
def test_parameters_of_the_perceptron_are_checked(wrong):
    with pytest.raises(ValueError, match=f"MLP needs {next(iter(wrong))} to be one of"):
        MLP(3, 1, **wrong)
