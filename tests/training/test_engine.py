"""The training loop: its steps, its threads, what models leave behind, and what an exception
leaves."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.optim.optimizer import register_optimizer_step_post_hook

from sklloss import NeuralRegressor
from sklloss.losses.weighted import row_sums
from sklloss.modules.stacks.slab import GRAIN, Slab, shareable
from sklloss.training import threads
from sklloss.training.engine import LOSS_ROWS
from sklloss.training.net import EVALUATION_ROWS
from sklloss.training.steps import fused
from sklloss.training.steps.fused import FusedStep, step_of

from ..stacked_and_alone import Fit, errors_of
from .small_regressor import small

RNG = np.random.default_rng(0)
X = RNG.standard_normal((210, 5))
Y = X[:, 0] + 0.3 * RNG.standard_normal(210)
KINDS = {
    "adam": (optim.Adam, {}),
    "adamw": (optim.AdamW, {"weight_decay": 0.0, "betas": (0.8, 0.95)}),
    "adamw that decays": (optim.AdamW, {"weight_decay": 0.1}),
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "damped": (optim.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
}


def regressor(loss="squared_error", **params):
    """Return one small network that is trained on all rows."""
    defaults = {
        "n_members": 1, "early_stopping": False, "numeric_encoding": "standard", "max_epochs": 3,
        "hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 50,
    }  # fmt: skip
    return NeuralRegressor(loss, **{**defaults, **params})


def built(cls, options, dtype=torch.float32):
    """Return an optimiser of two groups with different learning rates."""
    parameters = [nn.Parameter(torch.ones(size, 64, dtype=dtype)) for size in (3, 2)]
    groups = [{"params": [p], "lr": 0.1 * (i + 1)} for i, p in enumerate(parameters)]
    return cls(groups, fused=True, **options)


def stepped(optimizer, step, n_steps=4):
    """Take steps on drawn gradients; return parameters and states."""
    source = torch.Generator().manual_seed(0)
    (first,), (second,) = (group["params"] for group in optimizer.param_groups)
    for _ in range(n_steps):
        for parameter in (first, second):
            parameter.grad = torch.randn(parameter.shape, generator=source).to(parameter)
        step()
    states = [optimizer.state[p] for p in (first, second)]
    return first, second, *(v for s in states for v in s.values() if isinstance(v, torch.Tensor))


def test_the_kernels_are_those_of_the_installed_torch():
    assert torch.__version__.startswith(f"{fused.CHECKED_WITH}."), (
        "Look through training/steps/fused.py beside the installed torch.optim's adam.py, "
        "adamw.py and sgd.py, then set CHECKED_WITH."
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_fused_step_is_the_optimisers_own(kind, dtype):
    mine, own = (built(*KINDS[kind], dtype) for _ in range(2))
    step = step_of(mine, is_watched=False)
    assert isinstance(step, FusedStep)
    pairs = list(zip(stepped(mine, step), stepped(own, own.step), strict=True))
    assert len(pairs) > 1
    assert all(torch.equal(a, b) for a, b in pairs)
    assert list(mine.state_dict()["state"][0]) == list(own.state_dict()["state"][0])


@pytest.mark.parametrize("kind", ["adam", "momentum"])
def test_fused_steps_go_on_from_a_state(kind):
    mine, own = (built(*KINDS[kind]) for _ in range(2))
    stepped(mine, step_of(mine, is_watched=False))
    stepped(own, own.step)
    mine.param_groups[0]["lr"] = own.param_groups[0]["lr"] = 0.01  # as warm_start may
    pairs = zip(stepped(mine, step_of(mine, is_watched=False)), stepped(own, own.step), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.0), (0.0, 0.9)])
def test_fused_steps_go_on_with_another_momentum(before, after):
    mine, own = (built(optim.SGD, {"momentum": before}) for _ in range(2))
    stepped(mine, step_of(mine, is_watched=False))
    stepped(own, own.step)
    for group in (*mine.param_groups, *own.param_groups):
        group["momentum"] = after
    pairs = zip(stepped(mine, step_of(mine, is_watched=False)), stepped(own, own.step), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


class OwnAdam(optim.Adam):
    pass


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (OwnAdam, {}),
        (optim.Adam, {"amsgrad": True}),
        (optim.Adam, {"maximize": True}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (optim.Adagrad, {}),
    ],
)
def test_other_optimisers_take_their_own_steps(cls, options):
    optimizer = built(cls, options)
    assert step_of(optimizer, is_watched=False) == optimizer.step


COMPILER_IS_IMPORTED = """
import sys
import numpy as np
from sklloss import NeuralRegressor
X, y = np.random.default_rng(0).standard_normal((2, 210, 3))
y = y[:, 0]
for optimizer in ("adamw", "adam", "sgd"):
    model = NeuralRegressor(optimizer=optimizer, max_epochs=2, hidden_layer_sizes=(4,)).fit(X, y)
    model.predict(X)
    model.partial_fit(X, y)
print("torch._dynamo" in sys.modules)
"""


def test_a_fit_does_not_import_torchs_compiler():
    command = [sys.executable, "-W", "ignore", "-c", COMPILER_IS_IMPORTED]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_optimisers_without_fused_kernels_take_their_own_steps():
    for options in ({}, {"foreach": True}):
        optimizer = optim.Adam([nn.Parameter(torch.ones(64))], **options)
        assert step_of(optimizer, is_watched=False) == optimizer.step
    several = optim.Adam([nn.Parameter(torch.ones(64)) for _ in range(2)], fused=True)
    assert step_of(several, is_watched=False) == several.step


def test_watched_optimisers_take_their_own_steps():
    optimizer = built(optim.Adam, {})
    assert isinstance(step_of(optimizer, is_watched=False), FusedStep)
    assert step_of(optimizer, is_watched=True) == optimizer.step
    for register in (
        optimizer.register_step_pre_hook,
        optimizer.register_step_post_hook,
        register_optimizer_step_post_hook,
    ):
        handle = register(lambda *args: None)
        assert step_of(optimizer, is_watched=False) == optimizer.step
        handle.remove()
        assert isinstance(step_of(optimizer, is_watched=False), FusedStep)
    optim.lr_scheduler.StepLR(optimizer, 1)
    assert step_of(optimizer, is_watched=False) == optimizer.step


@pytest.mark.parametrize("n_members", [1, 2])
def test_hooks_of_an_optimiser_see_every_step(n_members):
    model = regressor(n_members=n_members).fit(X, Y)
    steps = []
    model.net_.optimizer_.register_step_post_hook(lambda *args: steps.append(1))
    model.partial_fit(X, Y)
    assert len(steps) == 5


# ---------------------------------------------------------------------- threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class SeesThreads:
    """A loss that notes with how many threads it is computed."""

    def __init__(self, fails=False):
        self.seen, self.fails = set(), fails

    def __call__(self, prediction, y):
        self.seen.add(torch.get_num_threads())
        if self.fails and len(y) == 50:
            raise RuntimeError("stop")
        return (prediction - y) ** 2


def threads_in_training(loss, **params):
    """Return with how many threads steps are taken: those of 50 rows, not the first looks at a
    few."""
    loss.seen.clear()

    def noted(prediction, y):
        return loss(prediction, y) if len(y) >= 50 else (prediction - y) ** 2

    regressor(noted, **params).fit(X, Y)
    return loss.seen


@pytest.mark.usefixtures("two_threads")
def test_small_steps_are_taken_by_one_thread():
    assert threads_in_training(SeesThreads()) == {1, 2}  # the best constant's loss comes before
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("params", [{"module": nn.Linear}, {"hidden_layer_sizes": (300, 300)}])
def test_own_modules_and_large_steps_have_torchs_threads(params):
    assert threads_in_training(SeesThreads(), max_epochs=1, **params) == {2}


@pytest.mark.usefixtures("two_threads")
def test_threads_are_put_back_after_an_error():
    with pytest.raises(RuntimeError, match="stop"):
        threads_in_training(SeesThreads(fails=True))
    assert torch.get_num_threads() == 2
    with pytest.raises(FloatingPointError):
        regressor(optimizer="sgd", lr=1e30).fit(X, Y)
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_the_rule_looks_at_one_models_step():
    for number, expected in [(threads.SMALL_STEP - 1, 1), (threads.SMALL_STEP, 2)]:
        with threads.threads_of_steps(number):
            assert torch.get_num_threads() == expected


@pytest.mark.parametrize("n_threads", [1, 2, 3, 4, 6, 7, 64])
@pytest.mark.parametrize("size", [1, 64, 1000, GRAIN, GRAIN + 1, 104_000, 3 * GRAIN, 10**7 + 1])
def test_threads_get_aligned_parts_of_slabs(n_threads, size):
    padded = shareable(size, n_threads)
    n_parts = min(n_threads, -(-padded // GRAIN))  # as at::parallel_for counts them
    assert padded >= size
    assert padded % 64 == 0
    assert -(-padded // n_parts) % 64 == 0
    assert padded - size < 64 * n_parts + 64


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("length", [64, 100, 40_000, 2**17])
def test_a_row_has_one_sum(length):
    values = torch.randn(5, length, generator=torch.Generator().manual_seed(0))
    alone = [row_sums(values[k : k + 1].clone()) for k in range(5)]
    assert torch.equal(row_sums(values), torch.cat(alone))
    torch.testing.assert_close(row_sums(values.double()), values.double().sum(1))


# ------------------------------------------------------------ epochs that are counted, and failures


def counted(models, y=Y):
    """Fit together; return outcomes and the sum of the numbers of epochs reported."""
    told = []
    fits = [Fit(model, X, y) for model in models]
    errors = errors_of(fits, told.append)
    assert all(isinstance(n, int) for n in told)
    return errors, sum(told)


class Picky:
    """A loss that some labels stop, in training."""

    def __call__(self, prediction, y):
        if len(y) > 5 and (y > 2.9).any():
            raise RuntimeError("picky")
        return (prediction - y) ** 2


def test_epochs_add_up_whatever_happens():
    many = {"max_epochs": 30, "early_stopping": True, "n_iter_no_change": 1, "lr": 0.01}
    models = [regressor(random_state=k, **many) for k in range(5)]
    models += [regressor(n_members=3, max_epochs=7), regressor(module=nn.Linear)]
    models += [regressor(optimizer="sgd", lr=1e30), regressor("poisson"), regressor(Picky())]
    models += [regressor(max_epochs=4, tol=10.0, n_iter_no_change=1)]
    errors, told = counted(models, np.where(np.arange(210) == 7, 3.0 * Y.std() + 1, Y))
    errors = [type(error).__name__ for error in errors]
    assert errors[-4:] == ["FloatingPointError", "ValueError", "RuntimeError", "NoneType"]
    assert set(errors[:-4]) == {"NoneType"}
    assert max(model.n_iter_ for model in models[:5]) < 30
    assert models[-1].n_iter_ == 3  # the first falls from infinity, two are stale
    assert told == 5 * 30 + 3 * 7 + 3 + 3 + 3 + 3 + 4


def test_what_a_loss_raises_stops_only_the_models_that_raise_it():
    """Two folds in one stack; in one of them the loss meets a target that it does not take."""
    odd = np.where(np.arange(210) == 7, 10.0, Y)
    loss, fits = Picky(), []
    for k, y in enumerate([Y, odd, Y]):
        fits.append(Fit(regressor(loss, scale_target=False, random_state=k), X, y))
    errors = errors_of(fits)
    assert [str(error) for error in errors] == ["None", "picky", "None"]
    for k in (0, 2):
        alone = regressor(loss, scale_target=False, random_state=k).fit(X, Y)
        np.testing.assert_array_equal(fits[k].estimator.predict(X), alone.predict(X))
        assert len(fits[k].estimator.history_) == 3


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_an_exception_in_training_takes_everything_back(n_members, error, optimizer):
    calls = []

    def loss(prediction, y):
        calls.append(1)
        if 10 <= len(calls) < 1000:  # after a few steps
            raise error
        return (prediction - y) ** 2

    def fit(model, n_calls):
        calls[:] = [1] * n_calls
        return model.fit(X, Y)

    many = {"n_members": n_members, "optimizer": optimizer, "warm_start": True}
    model, twin = (fit(regressor(loss, **many), 1000) for _ in range(2))
    before = model.predict(X)
    with pytest.raises(error):
        fit(model, 0)
    np.testing.assert_array_equal(model.predict(X), before)
    assert [len(net.history) for net in model.members_] == [3] * n_members
    again, other = fit(model, 1000), fit(twin, 1000)
    np.testing.assert_array_equal(again.predict(X), other.predict(X))
    assert again.n_iter_ == 6


def test_a_failed_fit_does_not_spoil_the_lowest_losses():
    model = regressor(warm_start=True, optimizer="sgd", lr=0.001).fit(X, Y)
    lowest = dict(model.net_.lowest_)
    with pytest.raises(FloatingPointError):
        model.set_params(lr=1e30).fit(X, Y)
    assert model.net_.lowest_ == lowest
    model.set_params(lr=0.001).fit(X, Y)
    assert model.history_[-1, "train_loss_best"]


def test_the_first_training_that_fails_leaves_a_fresh_optimiser():
    net = regressor(max_epochs=1).fit(X, Y).net_
    with pytest.raises(FloatingPointError):
        net.fit(X.astype(np.float32), np.where(np.arange(210) == 0, np.nan, Y))
    assert not net.optimizer_.state


class NoisyAlways(nn.Module):
    """A module that draws random numbers in evaluation mode too."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, X):
        return self.last(X + 0.1 * torch.randn(X.shape).to(X))


def test_modules_that_draw_when_they_predict_draw_the_same_in_a_stack():
    """Each draws validation rows of its own; what scales X would come from other rows alone."""
    many = {"module": NoisyAlways, "max_epochs": 8, "lr": 0.03, "numeric_encoding": "none"}
    many |= {"early_stopping": True, "validation_fraction": 0.1}
    stacked = regressor(n_members=3, **many).fit(X, Y)
    for k, net in enumerate(stacked.members_):
        alone = regressor(random_state=k, **many).fit(X, Y)
        assert net.history[:, "valid_loss"] == alone.history_[:, "valid_loss"]


def test_members_that_took_different_numbers_of_steps_do_not_share_a_count():
    """Equal numbers of epochs, but of batches of other sizes: Adam's bias correction differs."""
    models = [regressor(n_members=2, warm_start=True).fit(X, Y) for _ in range(2)]
    other = regressor(warm_start=True, random_state=1, batch_size=20).fit(X, Y)
    lone = regressor(warm_start=True, random_state=1, batch_size=20).fit(X, Y)
    models[0].members_[1] = other.net_
    models[0].partial_fit(X, Y)
    lone.set_params(batch_size=50).partial_fit(X, Y)
    for mine, theirs in zip(
        models[0].members_[1].module_.parameters(), lone.net_.module_.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_a_loss_that_returns_a_scalar_sees_the_rows_of_a_batch_and_no_others():
    seen = []

    def scalar(prediction, y):
        seen.append(len(y))
        return ((prediction - y) ** 2).mean()

    by_row = regressor(lambda prediction, y: (prediction - y) ** 2, lr=0.01).fit(X, Y)
    whole = regressor(scalar, lr=0.01).fit(X, Y)
    assert set(seen) == {5, 10, 50, 210}  # a first look, batches, all rows
    np.testing.assert_allclose(whole.predict(X), by_row.predict(X), atol=1e-5)
    losses = [model.history_[:, "train_loss"] for model in (whole, by_row)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_evaluation_and_prediction_make_hidden_layers_once_for_all_their_batches(monkeypatch):
    """Made anew for each batch they leave holes in the heap, by which a large search grew by
    gigabytes."""
    made, like = [], Slab.like.__func__
    monkeypatch.setattr(
        Slab, "like", classmethod(lambda cls, *shape: made.append(shape[2:]) or like(cls, *shape))
    )
    many = RNG.normal(size=(20_000, 2))
    model = regressor(hidden_layer_sizes=(7,), batch_size=500, max_epochs=1)
    model.fit(many, many[:, 0])
    assert made.count((LOSS_ROWS, 7)) == 1  # of nineteen batches
    made.clear()
    model.predict(many)
    assert made.count((EVALUATION_ROWS, 7)) == 1  # of four


def large_tensors():
    """Return the shapes of all tensors of at least 20,000 numbers, sorted."""
    gc.collect()
    # The type alone, since looking at some objects warns.
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    return sorted(tuple(each.shape) for each in tensors if each.numel() >= 20_000)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_trained_net_lets_go_of_the_memory_of_training(optimizer):
    rows = np.random.default_rng(0).normal(size=(20_000, 5))
    before = large_tensors()
    model = small(optimizer=optimizer, batch_size=20_000, max_epochs=2).fit(rows, rows[:, 0])
    assert large_tensors() == before
    assert np.isfinite(model.predict(rows)).all()
