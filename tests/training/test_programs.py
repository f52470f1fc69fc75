"""The one door to the engine: what nets, and a user's own callbacks, get through it."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklloss.losses import Huber, SquaredError
from sklloss.losses.base import State
from sklloss.modules import MLP
from sklloss.training import LossModule, LossNet, TrainingSet, engine, rows, train
from sklloss.training import programs as doors
from sklloss.training.model import Trainable

CPU = torch.device("cpu")
X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]


def net_of(loss=None, seed=0, **params):
    """Return an initialised net of a small perceptron."""
    loss = loss or SquaredError()
    state = State.stack([loss.prepare(torch.from_numpy(Y), torch.ones(40))])
    module = MLP(3, 1, (4,), generator=torch.Generator().manual_seed(seed))
    criterion = LossModule(loss, state, torch.zeros(1, 1, 1))
    options = {"callbacks": [], "max_epochs": 3, "batch_size": 20, "seed": seed, **params}
    return LossNet(module, criterion, lr=0.05, **options).initialize()


def data_of(y=Y):
    return TrainingSet(
        rows(X, torch.float32, CPU), torch.from_numpy(y), torch.ones(40), torch.arange(40)
    )


def numbers(net):
    return torch.cat([p.detach().flatten().clone() for p in net.module_.parameters()])


class Events(Callback):
    """Notes when training begins and ends, and what is shown then."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.seen.append(("begin", X, y))

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.seen.append(("end", X, y))


def test_a_net_has_all_that_the_engine_knows_of_it():
    """skorch's nets have no types, so mypy does not see a name that there is not."""
    net, named = net_of(), {*Trainable.__annotations__}
    for path in Path(engine.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
                *("net", "self._alone", "self._net", "nets[0]", "self._nets[0]"),
            ):
                named.add(node.attr)
    assert {"batch_change", "seed", "record", "ends_by_callback", "stopping"} <= named
    assert not [name for name in sorted(named) if not hasattr(net, name)]


def test_nets_of_several_programs_train_in_one_call():
    given = [net_of(Huber(), 1), net_of(SquaredError(), 2), net_of(Huber(), 3, batch_size=40)]
    told = []
    assert train(given, [data_of()] * 3, on_epoch=told.append) == [None] * 3
    assert sum(told) == 9
    for seed, net in enumerate(given, 1):
        alone = net_of(net.loss, seed, batch_size=net.batch_size)
        assert train([alone], [data_of()]) == [None]
        assert torch.equal(numbers(net), numbers(alone))
        assert len(net.history) == 3
    assert train([], []) == []


@pytest.mark.parametrize(
    ("room", "expected"), [(2, [[0, 3], [1, 4], [2]]), (4, [[0, 1, 3, 4], [2]])]
)
def test_large_stacks_are_split_between_tables_and_give_the_same_numbers(
    room, expected, monkeypatch
):
    tables = [data_of(), data_of(), data_of()]
    # A search that varies the loss first: two nets of the first two tables, one of the last.
    data = [tables[k] for k in (0, 1, 2, 0, 1)]

    def five_nets():
        losses = [SquaredError(), SquaredError(), SquaredError(), Huber(), Huber()]
        return [net_of(loss, seed) for seed, loss in enumerate(losses)]

    whole, split = five_nets(), five_nets()
    assert doors.stacks_of(range(5), whole, data) == [[0, 1, 2, 3, 4]]
    train(whole, data)
    n_numbers = sum(p.numel() for p in split[0].module_.parameters())
    monkeypatch.setattr(doors, "STACK_BYTES", room * doors.COPIES * 4 * n_numbers)
    assert doors.stacks_of(range(5), split, data) == expected
    assert train(split, data) == [None] * 5
    for one, other in zip(whole, split, strict=True):
        assert torch.equal(numbers(one), numbers(other))


def test_nets_of_one_table_stay_together_however_large_they_are(monkeypatch):
    monkeypatch.setattr(doors, "STACK_BYTES", 1)
    nets, data = [net_of(seed=seed) for seed in range(3)], data_of()
    assert doors.stacks_of([0, 2], nets, [data] * 3) == [[0, 2]]


@pytest.mark.parametrize("place", [0, 1])
def test_a_net_that_diverges_is_what_it_was_before(place):
    given = [net_of(seed=1), net_of(seed=2)]
    data = [data_of(), data_of()]
    data[place] = data_of(np.full_like(Y, np.nan))
    before = numbers(given[place])
    errors = train(given, data)
    assert isinstance(errors.pop(place), FloatingPointError)
    assert errors == [None]
    assert torch.equal(numbers(given[place]), before)
    assert len(given[place].history) == 0
    assert len(given[1 - place].history) == 3


def test_a_net_alone_has_skorchs_events_and_shows_a_users_own_rows():
    events = Events()
    net = net_of(callbacks=[events])
    data = data_of()
    train([net], [data], epochs=1)
    net.partial_fit(X, Y, epochs=1)
    net.fit_loop(X, Y, epochs=1)
    assert [name for name, *_ in events.seen] == ["begin", "end"] * 3
    assert events.seen[0][1] is data
    assert all(given is X and y is Y for _, given, y in events.seen[2:])
    events.seen.clear()
    with pytest.raises(FloatingPointError):
        net.partial_fit(X, np.full_like(Y, np.nan))
    assert [name for name, *_ in events.seen] == ["begin"]
    assert len(net.history) == 3


def test_every_training_goes_through_one_door(monkeypatch):
    heights, engine = [], doors.Engine
    monkeypatch.setattr(
        doors, "Engine", lambda nets, *args: heights.append(len(nets)) or engine(nets, *args)
    )
    net = net_of()
    net.fit(X, Y)
    net.partial_fit(X, Y)
    train([net_of(), net_of()], [data_of(), data_of()])
    assert heights == [1, 1, 2]
