"""Matrix factorisation: scores, rows never seen, initial numbers."""

import copy

import numpy as np
import pytest
import torch

from sklloss.modules import stack_modules
from sklloss.modules.recommendation.factors import Factors
from sklloss.modules.recommendation.generalized_factors import GeneralizedFactors


def network(n_outputs=1, seed=0):
    shape, source = (4, 6, 3), torch.Generator().manual_seed(seed)
    several = n_outputs > 1
    net = GeneralizedFactors(*shape, n_outputs, source) if several else Factors(*shape, source)
    torch.manual_seed(seed)
    with torch.no_grad():
        net.user_table[:, -1].uniform_()
        net.item_table[:, -1].uniform_()
        net.output_bias.fill_(2.0)
    return net


def test_scores_are_products_of_rows_and_biases():
    net = network()
    users, items = (table.detach().numpy() for table in (net.user_table, net.item_table))
    dense = users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1] + 2
    X = torch.tensor([[0, 5, 1, 1], [3, 0, 2, 4]])
    expected = np.stack([dense[row[0], row[1:]] for row in X.numpy()])
    np.testing.assert_allclose(net(X).detach().numpy(), expected, rtol=1e-6)
    assert torch.equal(net(X.float()), net(X))


def test_rows_never_seen_leave_what_is_known():
    net = network()
    X = torch.tensor([[-1, 5], [1, -1], [-1, -1], [4, 5], [1, 6]])
    known = [net.item_table[5, -1], net.user_table[1, -1], torch.tensor(0.0)]
    expected = torch.stack([*known, *known[:2]]) + 2
    torch.testing.assert_close(net(X)[:, 0], expected)


def test_gradients_are_zero_but_for_the_rows_of_a_batch():
    net = network()
    net(torch.tensor([[1, 2], [-1, 3], [1, -1]])).sum().backward()
    assert net.user_table.grad.any(1).nonzero().flatten().tolist() == [1]
    assert net.item_table.grad.any(1).nonzero().flatten().tolist() == [2, 3]
    assert not net.user_table.grad[0].any()
    assert net.output_bias.grad.item() == 3


def test_it_starts_small_with_biases_of_zero_from_its_own_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    net, again = (Factors(300, 200, 16, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    for table, same in zip(net.parameters(), again.parameters(), strict=True):
        assert torch.equal(table, same)
    for table in (net.user_table, net.item_table):
        assert not table[:, -1].any()
        assert abs(table[:, :-1].std().item() * 4 - 0.1) < 0.01


def pairs_of(users, n_items):
    return torch.cartesian_prod(users, torch.arange(n_items))


@pytest.mark.parametrize("n_outputs", [1, 5])
def test_all_items_at_once_are_the_pairs_one_by_one(n_outputs):
    net = network(n_outputs=n_outputs)
    users = torch.tensor([3, -1, 0])
    expected = net(pairs_of(users, 6)).view(3, 6, n_outputs)
    torch.testing.assert_close(net.of_all_items(users), expected)


def test_several_numbers_have_weights_of_their_own():
    net, plain = network(n_outputs=2), network()
    with torch.no_grad():
        net.weight[:] = torch.tensor([[1.0], [-2.0]])
    X = pairs_of(torch.arange(4), 6)
    bare = plain(X) - 2
    torch.testing.assert_close(net(X)[:, 0], torch.cat((bare, -2 * bare), 1) + 2)


@pytest.mark.parametrize(("n_outputs", "n_items"), [(1, 1), (1, 4), (5, 1)])
def test_the_stack_has_the_gradients_of_autograd(n_outputs, n_items):
    net = network(n_outputs=n_outputs).double()
    source = torch.Generator().manual_seed(1)
    X = torch.randint(0, 4, (7, 1 + n_items), generator=source)
    output = net(X).flatten(1)
    slope = torch.randn(output.shape, generator=source, dtype=torch.float64)
    expected = torch.autograd.grad(output, list(net.parameters()), slope)
    stack = stack_modules([copy.deepcopy(net)])
    assert stack.flat.n_tables == 2
    torch.testing.assert_close(stack.forward(X[None])[0], output.detach())
    torch.testing.assert_close(stack.inference()(X[None])[0], output.detach())
    stack.backward([slope[None]])
    for k, touched in enumerate(stack.touched):
        table = torch.zeros_like(expected[k])
        table[touched.rows] = touched.gradient
        torch.testing.assert_close(table, expected[k])
    for k, of_rest in enumerate(expected[2:]):
        torch.testing.assert_close(stack.flat.piece(2 + k)[1][0], of_rest)


def test_several_outputs_start_as_straight_lines_that_biases_tilt():
    net = GeneralizedFactors(3, 4, 5, 7, torch.Generator().manual_seed(0))
    raw = net(torch.tensor([[0, 1], [2, 3]])).squeeze(1)
    torch.testing.assert_close(raw.diff(n=2), torch.zeros(2, 5), atol=1e-6, rtol=0)
    assert raw.diff().abs().min() > 1e-6
    with torch.no_grad():
        net.item_table[1, -1] += 3.0  # a liked item
    tilt = net(torch.tensor([[0, 1]])).squeeze(1) - raw[:1]
    torch.testing.assert_close(tilt, torch.linspace(-3, 3, 7)[None])
