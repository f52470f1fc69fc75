"""Laws of the losses for ranking: blind to padding, to the order of rows, to what scores share."""

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklloss import losses
from sklloss.losses import (
    ApproxNDCG,
    LambdaRank,
    OrderLoss,
    PairwiseHinge,
    RankingLoss,
    RankNet,
    RelevanceSquaredError,
    State,
    get_loss,
    list_losses,
    pairs,
)

from .random_groups import ALL, SIZES, Y, draw, each, of_order


def test_the_seven_are_in_the_catalogue():
    names = ["squared_error", "hinge", "ranknet", "lambdarank", "listnet", "listmle", "approx_ndcg"]
    assert [loss.name for loss in ALL[:7]] == names
    assert list(list_losses("ranking").name) == names
    assert get_loss("mse", task="ranking") == RelevanceSquaredError()
    assert get_loss("MarginRankingLoss", task="ranking", margin=2.0) == PairwiseHinge(margin=2.0)
    domains = list_losses("ranking").set_index("name").y_domain
    assert (domains["ranknet"], domains["lambdarank"]) == ("y >= 0", "0 <= y <= 31")


@each
def test_gradient_is_the_derivative(loss):
    raw, y, _, state = draw(loss)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: loss.pointwise(r, y, state), raw)


@each
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    y = torch.cat((Y, torch.tensor([[31.0, 31, 0, 0, -1], [2, 2, 2, 2, 2], [1, -1, -1, -1, -1]])))
    raw, y, _, state = draw(loss, dtype=torch.float32, y=y)
    for sign in (raw.sign(), torch.ones_like(raw), -torch.ones_like(raw)):
        scores = (size * sign * raw.abs().clamp(max=1)).requires_grad_()
        value = loss.pointwise(scores, y, state)
        value.sum().backward()
        assert value.isfinite().all()
        assert scores.grad.isfinite().all()


@each
def test_what_is_behind_the_end_of_a_group_does_not_count(loss):
    raw, y, weights, state = draw(loss)
    whole = loss.of_row(raw, y, state)
    for k, size in enumerate(SIZES):
        alone = loss.of_row(raw[k : k + 1, :size], y[k : k + 1, :size], state)
        torch.testing.assert_close(whole[k : k + 1], alone, rtol=0, atol=1e-12)
        cut = loss.of_row(raw[k : k + 1, :size], y[k : k + 1], state)  # a batch of small groups
        torch.testing.assert_close(cut, alone, rtol=0, atol=1e-12)
    raw.requires_grad_()
    loss(raw, y, state, weights).backward()
    assert (raw.grad[y < 0] == 0).all()
    assert (raw.grad[y >= 0] != 0).sum() >= 4
    other = torch.where(y[..., None] < 0, 99.0, raw.detach())
    torch.testing.assert_close(loss.of_row(other, y, state), whole)


@each
def test_the_order_of_rows_does_not_matter(loss):
    raw, y, _, state = draw(loss)
    order = torch.tensor([2, 0, 1])
    moved = loss.of_row(raw[1:2][:, order], y[1:2, order], state)
    torch.testing.assert_close(moved, loss.of_row(raw, y, state)[1:2])


@of_order
def test_only_differences_of_scores_matter(loss):
    raw, y, _, state = draw(loss)
    moved = loss.of_row(raw + torch.randn(len(y), 1, 1, dtype=raw.dtype), y, state)
    torch.testing.assert_close(moved, loss.of_row(raw, y, state))


@of_order
def test_groups_without_an_order_teach_nothing(loss):
    y = torch.tensor([[2.0, 2.0, 2.0], [0.0, 0.0, -1.0], [3.0, -1.0, -1.0], [1.0, 0.0, -1.0]])
    raw, y, _, state = draw(loss, y=y)
    raw.requires_grad_()
    value = loss.of_row(raw, y, state)
    value.sum().backward()
    assert (value[:3] == 0).all()
    assert (raw.grad[:3] == 0).all()
    assert value[3] > 0
    assert (raw.grad[3, :2] != 0).all()


@each
def test_the_best_order_costs_less_than_any_other(loss):
    y = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    state = loss.prepare(y, torch.ones(1))
    scores = torch.tensor([-1.5, -0.5, 0.5, 1.5])
    values = {
        order: loss(scores[list(order)].view(1, 4, 1), y, state).item()
        for order in itertools.permutations(range(4))
    }
    assert min(values, key=values.get) == (0, 1, 2, 3)
    assert sorted(values.values())[1] > values[0, 1, 2, 3]


@each
def test_equal_scores_are_the_best_constant_and_training_starts_there(loss):
    _raw, y, weights, state = draw(loss)
    baseline = loss.baseline(y, weights, state)
    constant = loss.constant_raw(baseline, y, state)
    assert constant.shape == (*y.shape, 1)
    best = loss(constant, y, state, weights)
    for shift in (-0.1, 0.1):
        assert loss(constant + shift, y, state, weights) >= best - 1e-12
    if isinstance(loss, LambdaRank | RankNet):
        torch.testing.assert_close(best.exp(), torch.tensor(2.0).double())
    assert baseline.shape == (1, 1)


@each
def test_every_row_carries_the_loss_of_its_group(loss):
    raw, y, weights, state = draw(loss)
    values = loss.pointwise(raw, y, state)
    assert values.shape == y.shape
    assert torch.equal(values, loss.of_row(raw, y, state)[:, None].expand_as(values))
    expected = np.average(values[:, 0].numpy(), weights=weights.numpy())
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, rel=1e-12)


@each
def test_weight_2_is_a_group_repeated_and_0_one_removed(loss):
    raw, y, _, _ = draw(loss)
    weights = torch.tensor([2, 0, 1, 3])
    repeated = [t.repeat_interleave(weights, 0) for t in (raw, y)]
    state = loss.prepare(y, weights.double())
    same = loss.prepare(repeated[1], torch.ones(6).double())
    assert state.keys() == same.keys()
    for key, value in state.items():
        torch.testing.assert_close(value, same[key])
    torch.testing.assert_close(loss(raw, y, state, weights.double()), loss(*repeated, state))


@each
@pytest.mark.parametrize("cut", ["raw", "y", "sample_weight"])
def test_shapes_that_would_broadcast_are_refused(loss, cut):
    raw, y, weights, state = draw(loss)
    arguments = {"raw": raw, "y": y, "sample_weight": weights}
    arguments[cut] = arguments[cut][:1]
    with pytest.raises(
        ValueError, match=r"size, 1\).*max_size\).*n_groups\);.*Add or drop an axis"
    ):
        loss(arguments["raw"], arguments["y"], state, arguments["sample_weight"])


@each
def test_stacked_equals_alone(loss):
    numbers = [name for name in loss.params if name != "truncation"]
    settings = [loss, *(loss.replace(**dict.fromkeys(numbers, value)) for value in (0.4, 3.0))]
    drawn = [draw(s, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    state = State.stack([d[3] for d in drawn])
    values = loss(raw, y, state, weights)
    assert values.shape == (3,)
    assert loss.predict(raw, state).shape == y.shape
    for k, (raw_k, y_k, weights_k, state_k) in enumerate(drawn):
        torch.testing.assert_close(values[k], settings[k](raw_k, y_k, state_k, weights_k))


@each
def test_parts_of_large_groups_add_up_to_the_whole(loss, monkeypatch):
    y = torch.randint(0, 5, (7, 23), generator=torch.Generator().manual_seed(1)).double()
    y[2, 3:] = y[4, 11:] = -1
    raw, y, _, state = draw(loss, y=y)
    raw.requires_grad_()

    def value_and_gradient():
        value = loss.of_row(raw, y, state)
        return value.detach(), torch.autograd.grad(value.sum(), raw)[0]

    whole = value_and_gradient()
    monkeypatch.setattr(pairs, "PAIRS_AT_ONCE", 90)
    for found, expected in zip(value_and_gradient(), whole, strict=True):
        torch.testing.assert_close(found, expected)


# Prints how many MiB a gradient over one group of 8,000 rows adds to the process.
MEMORY = """
import resource
import torch
from sklloss.losses import ApproxNDCG, RankNet
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
torch.set_num_threads(1)
for size in (100, 8_000):
    before, loss = peak(), {loss}
    y = torch.randint(0, 5, (1, size), generator=torch.Generator().manual_seed(0)).float()
    raw = torch.linspace(0, 1, size)[None, :, None].requires_grad_()
    loss(raw, y, loss.prepare(y, torch.ones(1))).backward()
print(peak() - before)
"""


@pytest.mark.parametrize("loss", ["RankNet()", "ApproxNDCG()"])
def test_a_large_group_takes_bounded_memory(loss):
    added = int(subprocess.check_output([sys.executable, "-c", MEMORY.format(loss=loss)]))
    # A number for every pair would take 244 MiB, and there are several.
    assert added < 150


@each
def test_repr_clone_copy_and_pickle_are_equal(loss):
    for twin in (
        eval(repr(loss), vars(losses)),  # the repr is code that rebuilds it
        clone(loss, safe=False),
        copy.deepcopy(loss),
        pickle.loads(pickle.dumps(loss)),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)


@pytest.mark.parametrize(
    "loss",
    [
        PairwiseHinge(0.0),
        RankNet(-1.0),
        LambdaRank(sigma=0.0),
        LambdaRank(truncation=0),
        LambdaRank(truncation=2.5),
        ApproxNDCG(temperature=0.0),
    ],
    ids=repr,
)
def test_parameters_outside_their_domain_are_named(loss):
    with pytest.raises(
        ValueError, match=f"{type(loss).__name__} needs .*(margin|sigma|truncation|temperature)"
    ):
        loss.check_params()


def test_network_output_is_a_score_per_row():
    raw, y, _, state = draw(RankNet())
    assert torch.equal(RankNet().shaped(raw[..., 0], y, state), raw)


@pytest.mark.parametrize(("cls", "method"), [(RankingLoss, "of_group"), (OrderLoss, "of_order")])
def test_a_subclass_without_a_formula_says_so(cls, method):
    with pytest.raises(NotImplementedError, match=f"needs a method {method}"):
        cls().pointwise(*draw(RankNet())[:2], {})
