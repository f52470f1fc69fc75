"""Steps over the rows that a batch touches: equal to torch's own optimisers, and nothing else
moves."""

import copy
import pickle

import pytest
import torch
from skorch.callbacks import Callback, GradientNormClipping
from torch import nn, optim

from sklloss.losses import SquaredError
from sklloss.losses.base import State
from sklloss.modules import ModuleLoop, stack_modules
from sklloss.modules.recommendation.factors import Factors, FactorStack
from sklloss.training import LossModule, LossNet, TrainingSet, rows
from sklloss.training.seeds import generator
from sklloss.training.stopping import Stopping

N_USERS, N_ITEMS, N_FACTORS, BATCH = 12, 20, 5, 8
SOURCE = torch.Generator().manual_seed(0)
# users 10 and 11 and items from 15 on are in no row
X = torch.stack(
    [torch.randint(0, 10, (40,), generator=SOURCE), torch.randint(0, 15, (40,), generator=SOURCE)],
    1,
)
Y = torch.randn(40, 1, generator=SOURCE, dtype=torch.float64)
ADAM = {"optimizer__fused": True, "optimizer__eps": 1e-12}


def factors():
    net = Factors(N_USERS, N_ITEMS, N_FACTORS, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for table in (net.user_table, net.item_table):
            table.normal_(generator=torch.Generator().manual_seed(3))
    return net


def net_of(optimizer=optim.Adam, module=None, **params):
    loss = SquaredError()
    state = State.stack([loss.prepare(Y, torch.ones(40, dtype=torch.float64))])
    criterion = LossModule(loss, state, torch.zeros(1, 1, 1, dtype=torch.float64))
    defaults = {"lr": 0.05, "batch_size": BATCH, "max_epochs": 3, "callbacks": []}
    return LossNet(
        module or factors(), criterion, optimizer=optimizer, **{**defaults, **params}
    ).initialize()


def trained(net, epochs=3, **options):
    weights = torch.ones(40, dtype=torch.float64)
    data = TrainingSet(rows(X, torch.float64, torch.device("cpu")), Y, weights, torch.arange(40))
    return net.fit_loop(data, epochs=epochs, **options)


def batches_of(net, epochs=3):
    """Return the rows of every step, in the engine's order."""
    for epoch in range(1, epochs + 1):
        order = torch.randperm(40, generator=generator(net.seed, "shuffle", epoch))
        yield from order.split(BATCH)


def tables(module):
    return [p.detach().clone() for p in module.parameters()]


def reference(optimizer_of, decay=0.0, epochs=3):
    """Train the tables as embeddings with sparse gradients, in torch's own way."""
    start = factors()
    user, item = (
        nn.Embedding.from_pretrained(t.detach().clone(), freeze=False, sparse=True)
        for t in (start.user_table, start.item_table)
    )
    bias = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    sparse, dense = optimizer_of([user.weight, item.weight]), optim.Adam([bias], lr=0.05, eps=1e-12)
    for index in batches_of(net_of(), epochs):
        p, q = user(X[index, 0]), item(X[index, 1])
        score = (p[:, :-1] * q[:, :-1]).sum(1) + p[:, -1] + q[:, -1] + bias
        size = p[:, :-1].square().sum(1) + q[:, :-1].square().sum(1)
        loss = (0.5 * (score - Y[index, 0]) ** 2 * SCALE + decay / 2 * size).mean()
        for each in (sparse, dense):
            each.zero_grad()
        loss.backward()
        for each in (sparse, dense):
            each.step()
    return [user.weight.detach(), item.weight.detach(), bias.detach()]


SCALE = 2.0 * float(
    SquaredError().pointwise(torch.ones(1, 1, 1), torch.zeros(1, 1), State({}))[0, 0]
)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_is_torchs_sparse_adam_and_a_row_is_decayed_as_often_as_it_is_named(decay):
    net = trained(net_of(weight_decay=decay, **ADAM))
    assert isinstance(net.stack_, FactorStack)
    expected = reference(lambda parameters: optim.SparseAdam(parameters, lr=0.05, eps=1e-12), decay)
    for mine, theirs in zip(tables(net.module_), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)  # eps stands elsewhere there


def test_sgd_of_rows_is_sgd_of_all():
    dense = factors()
    net = trained(net_of(optim.SGD, optimizer__fused=True))
    optimizer = optim.SGD(dense.parameters(), lr=0.05)
    for index in batches_of(net):
        optimizer.zero_grad()
        (0.5 * SCALE * (dense(X[index])[:, 0] - Y[index, 0]) ** 2).mean().backward()
        optimizer.step()
    for mine, theirs in zip(net.module_.parameters(), dense.parameters(), strict=True):
        torch.testing.assert_close(mine.data, theirs.data, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("optimizer", "params"),
    [
        (optim.Adam, {**ADAM, "weight_decay": 0.1, "l1": 0.01}),
        (
            optim.AdamW,
            {**ADAM, "weight_decay": 0.1, "decoupled": True, "optimizer__weight_decay": 0.0},
        ),
        (optim.SGD, {"optimizer__fused": True, "optimizer__momentum": 0.9}),
        (optim.RMSprop, {"weight_decay": 0.1}),
        (optim.Adagrad, {}),
        (optim.Adam, {"weight_decay": 0.1}),  # not fused
    ],
)
def test_rows_that_no_batch_names_keep_their_bits(optimizer, params):
    net = net_of(optimizer, **params)
    before = tables(net.module_)
    after = tables(trained(net).module_)
    for old, new, ids in zip(before, after, X.unbind(1), strict=False):
        moved = (old != new).any(1).nonzero().flatten()
        assert torch.equal(moved, ids.unique())
        assert len(moved) < len(old)


def test_decay_leaves_biases_alone_and_shrinks_factors_in_either_form():
    bare = tables(trained(net_of(optim.SGD, lr=1e-3, optimizer__fused=True)).module_)
    kept = tables(
        trained(net_of(optim.SGD, lr=1e-3, weight_decay=5.0, optimizer__fused=True)).module_
    )
    free = tables(
        trained(
            net_of(optim.SGD, lr=1e-3, weight_decay=5.0, decoupled=True, optimizer__fused=True)
        ).module_
    )
    for decayed in (kept, free):
        for old, new, ids in zip(bare, decayed, X.unbind(1), strict=False):
            named = ids.unique()
            size, was = (table[named, :-1].square().sum(1) for table in (new, old))
            assert (size < was).all()
            torch.testing.assert_close(new[:, -1], old[:, -1], rtol=0.05, atol=0.02)
    torch.testing.assert_close(kept[0], free[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_stopping_watches_the_mean_penalty_over_the_steps_of_each_epoch(l1, monkeypatch):
    watched = []

    def update(stopping, monitored, original=Stopping.update):
        watched.append(monitored.item())
        return original(stopping, monitored)

    monkeypatch.setattr(Stopping, "update", update)
    net = net_of(lr=1e-12, weight_decay=0.3, l1=l1, **ADAM)
    expected = []

    def doubled(n_epochs):
        user, item, _ = (p.data for p in net.module_.parameters())
        named = torch.cat((user[X[:, 0], :-1], item[X[:, 1], :-1]), 1)
        expected.append((0.15 * named.square() + l1 * named.abs()).sum(1).mean())
        user.mul_(2), item.mul_(2)

    trained(net, on_epoch=doubled)
    penalties = torch.tensor(watched) - torch.tensor(net.history[:, "train_loss"])
    torch.testing.assert_close(penalties, torch.stack(expected).float(), rtol=1e-4, atol=0)


class Watcher(Callback):
    """Looks at every gradient."""

    def __init__(self):
        self.seen = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.seen.append({name: p.grad.clone() for name, p in named_parameters})


class Silencer(Callback):
    """Sets every gradient to 0."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        for _, parameter in named_parameters:
            parameter.grad.zero_()


@pytest.mark.parametrize("params", [ADAM, {**ADAM, "weight_decay": 0.2, "l1": 0.01}])
def test_whether_somebody_watches_changes_no_bit(params):
    watcher = Watcher()
    watched, alone = trained(net_of(callbacks=[watcher], **params)), trained(net_of(**params))
    for mine, theirs in zip(tables(watched.module_), tables(alone.module_), strict=True):
        assert torch.equal(mine, theirs)
    index = next(batches_of(watched))
    seen = watcher.seen[0]["user_table"].any(1).nonzero().flatten().tolist()
    assert seen == X[index, 0].unique().tolist()
    assert all(not each["item_table"][15:].any() for each in watcher.seen)


def test_callbacks_may_change_gradients():
    start = tables(factors())
    still = trained(net_of(callbacks=[Silencer()], **ADAM))
    assert all(torch.equal(a, b) for a, b in zip(tables(still.module_), start, strict=True))
    clipped = trained(net_of(callbacks=[GradientNormClipping(1e-3)], **ADAM))
    assert not torch.equal(tables(clipped.module_)[0], start[0])


def test_training_goes_on_where_it_ended_and_survives_a_pickle():
    whole = trained(net_of(**ADAM), epochs=4)
    half = pickle.loads(pickle.dumps(trained(net_of(**ADAM), epochs=2)))
    trained(half, epochs=2)
    for mine, theirs in zip(tables(half.module_), tables(whole.module_), strict=True):
        assert torch.equal(mine, theirs)


def test_a_second_order_optimiser_sees_the_whole_gradient():
    net = net_of(
        optim.LBFGS,
        full_batch=True,
        lr=1.0,
        weight_decay=0.05,
        optimizer__max_iter=200,
        optimizer__line_search_fn="strong_wolfe",
        optimizer__tolerance_change=1e-14,
    )
    trained(net, epochs=4)
    module = copy.deepcopy(net.module_)
    score = module(X)[:, 0]
    size = module.user_table[X[:, 0], :-1].square().sum(1) + module.item_table[
        X[:, 1], :-1
    ].square().sum(1)
    (0.5 * SCALE * (score - Y[:, 0]) ** 2 + 0.025 * size).mean().backward()
    assert max(p.grad.abs().max() for p in module.parameters()) < 1e-5


def test_two_factorisations_are_no_stack():
    assert isinstance(stack_modules([factors()]), FactorStack)
    assert isinstance(stack_modules([factors(), factors()]), ModuleLoop)
