"""Laws that every loss of the catalogue obeys."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_diabetes

import sklloss.losses as losses
from sklloss.losses import Barron, EpsilonInsensitive, Loss, State
from sklloss.losses.catalogue import CATALOGUE
from sklloss.losses.regression.plain import absolute
from sklloss.losses.regression.robust import ResidualLoss
from sklloss.parameters.declared import declared_by
from sklloss.parameters.domains import Interval

from ..loss_instances import ALL, CLASSIFICATION, REGRESSION
from ..losses.random_batches import cost, draw, draw_targets

each = pytest.mark.parametrize("loss", ALL, ids=repr)
each_per_row = pytest.mark.parametrize(
    "loss", [loss for loss in ALL if not loss.whole_batch], ids=repr
)
each_regression = pytest.mark.parametrize("loss", REGRESSION, ids=repr)
each_classification = pytest.mark.parametrize("loss", CLASSIFICATION, ids=repr)


@each
def test_gradient_is_the_derivative(loss):
    raw, y, _, state = draw(loss)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: cost(loss, r, y, state), raw)


closed = [
    loss
    for loss in ALL
    if (drawn := draw(loss))
    and not drawn[3].trained
    and loss.gradient(*drawn[:2], drawn[3]) is not None
]


@pytest.mark.parametrize("loss", closed, ids=repr)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_gradient_in_closed_form_is_that_of_autograd(loss, size):
    raw, y, _, state = draw(loss, n=200)
    raw = (size * raw).requires_grad_()
    (by_autograd,) = torch.autograd.grad(loss.pointwise(raw, y, state).sum(), raw)
    torch.testing.assert_close(loss.gradient(raw.detach(), y, state), by_autograd)


def test_which_losses_have_a_closed_gradient():
    names = {(loss.task, loss.name) for loss in closed}
    assert {
        ("regression", n) for n in ("squared_error", "absolute_error", "huber", "quantile")
    } < names
    assert ("classification", "cross_entropy") in names


def test_a_formula_of_ones_own_does_not_inherit_a_gradient():
    class Doubled(losses.SquaredError):
        def pointwise(self, raw, y, state):
            return 2 * super().pointwise(raw, y, state)

    class Capped(losses.Huber):
        def rho(self, residual, state):
            return super().rho(residual, state).clamp(max=1)

    raw, y, _, state = draw(losses.Huber())
    assert Doubled().gradient(raw, y, state) is None
    leaf = raw.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(Capped().pointwise(leaf, y, state).sum(), leaf)
    assert torch.equal(Capped().gradient(raw, y, state), by_autograd)


@each
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    raw, y, _, state = draw(loss, n=200, dtype=torch.float32)
    raw = (size * raw.sign() * raw.abs().clamp(max=1)).requires_grad_()
    value = cost(loss, raw, y, state)
    value.sum().backward()
    assert value.isfinite().all()
    assert raw.grad.isfinite().all()


@each_per_row
def test_pointwise_is_neither_reduced_nor_weighted(loss):
    raw, y, _, state = draw(loss)
    assert loss.pointwise(raw, y, state).shape == y.shape


@each_per_row
def test_call_is_the_weighted_mean(loss):
    raw, y, weights, state = draw(loss)
    values = loss.pointwise(raw, y, state).mean(-1).numpy()
    expected = np.average(values, weights=weights.numpy())
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, rel=1e-12)
    assert loss(raw, y, state).item() == pytest.approx(values.mean(), rel=1e-12)


@each
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(loss):
    raw, y, _, state = draw(loss, n=40)
    weights = torch.arange(40) % 4
    repeated = [t.repeat_interleave(weights, 0) for t in (raw, y)]
    expected = loss(*repeated, state)
    torch.testing.assert_close(loss(raw, y, state, weights.to(raw.dtype)), expected)


@pytest.mark.parametrize("loss", [loss for loss in ALL if loss.whole_batch], ids=repr)
def test_losses_of_a_batch_have_no_value_per_row(loss):
    raw, y, _, state = draw(loss)
    with pytest.raises(TypeError, match="value per batch, but none per row"):
        loss.pointwise(raw, y, state)


@each
@pytest.mark.parametrize("cut", ["raw", "y", "sample_weight"])
def test_shapes_that_would_broadcast_are_refused(loss, cut):
    raw, y, weights, state = draw(loss)
    arguments = {"raw": raw, "y": y, "sample_weight": weights}
    arguments[cut] = arguments[cut][:1]
    with pytest.raises(ValueError, match="Add or drop an axis"):
        loss(arguments["raw"], arguments["y"], state, arguments["sample_weight"])


VALUES = (0.37, 0.62, 0.93, 1.3, 2.7, 5.1)


def settings_of(loss: Loss) -> list[Loss]:
    """Return three settings of a loss that can share a stack: all its numbers that are not
    structural vary."""
    numbers = {
        name: [v for v in VALUES if v in declared.domain][:2]
        for name, declared in declared_by(loss).items()
        if not declared.structural and isinstance(getattr(loss, name), float)
    }
    return [loss, *(loss.replace(**{n: v[i] for n, v in numbers.items()}) for i in range(2))]


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stacked_equals_alone_bit_for_bit(loss, dtype):
    settings = settings_of(loss)
    drawn = [draw(s, n=64, n_targets=2, dtype=dtype, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    state = State.stack([d[3] for d in drawn])
    together = cost(loss, raw, y, state)
    means = loss(raw, y, state, weights)
    for k, (setting, (raw_k, y_k, weights_k, state_k)) in enumerate(
        zip(settings, drawn, strict=True)
    ):
        torch.testing.assert_close(together[k], cost(setting, raw_k, y_k, state_k), rtol=0, atol=0)
        torch.testing.assert_close(means[k], setting(raw_k, y_k, state_k, weights_k))


@each
def test_meaning_is_the_same_stacked(loss):
    drawn = [draw(s, seed=i) for i, s in enumerate(settings_of(loss))]
    raw, state = torch.stack([d[0] for d in drawn]), State.stack([d[3] for d in drawn])
    for method in (
        "predict",
        "inverse_link",
        *(["predict_proba"] * hasattr(loss, "predict_proba")),
    ):
        together = getattr(loss, method)(raw, state)
        for k, (raw_k, _, _, state_k) in enumerate(drawn):
            torch.testing.assert_close(together[k], getattr(loss, method)(raw_k, state_k))


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
        assert repr(twin) == repr(loss)


@each
def test_is_frozen(loss):
    with pytest.raises(AttributeError):
        loss.anything = 1


@pytest.mark.parametrize(
    ("loss", "name"), [(cls, name) for cls in CATALOGUE for name in cls().params], ids=str
)
def test_parameters_outside_their_domain_are_named(loss, name):
    bad = loss(**{name: 7.5 if (loss, name) == (Barron, "alpha") else -7.5})
    with pytest.raises(ValueError, match=rf"{loss.__name__} needs .*{name}.*got .*7\.5.*default"):
        bad.check_params()


@each
def test_parameters_may_come_as_numpy_values(loss):
    as_numpy = {k: np.float64(v) if isinstance(v, float) else v for k, v in loss.params.items()}
    assert repr(type(loss)(**as_numpy)) == repr(loss)


@each_regression
def test_targets_outside_the_domain_are_counted(loss):
    low = loss.y_domain.low
    y = (
        np.array([[1.0], [low - 1], [low - 2]])
        if low > -np.inf
        else np.array([[1.0], [np.inf], [np.nan]])
    )
    with pytest.raises(ValueError, match="2 of 3 values are outside, for example"):
        loss.check_y(y)
    loss.check_y(np.array([[1.0], [2.0]]))


FUNCTIONALS = {
    "mean": np.mean,
    "expectile": lambda y: stats.expectile(y, 0.8),
    "exp(E log(1 + y)) - 1": lambda y: np.expm1(np.log1p(y).mean()),
    "median weighted by 1/|y|": lambda y: np.quantile(
        np.repeat(y, np.round(1e4 / y).astype(int)), 0.5, method="inverted_cdf"
    ),
    "median": np.median,
    "quantile": lambda y: np.quantile(y, 0.9),
}
NAMED = [loss for loss in REGRESSION if loss.functional in FUNCTIONALS and loss.n_outputs() == 1]
NAMED = [loss for loss in NAMED if loss.params.get("quantile", 0.9) == 0.9]
NAMED = [loss for loss in NAMED if loss.params.get("expectile", 0.8) == 0.8]


def best_constant(loss, y, state, low, high):
    """Return the minimiser over constant raw outputs by search on ever finer grids."""
    for _ in range(8):
        grid = torch.linspace(low, high, 201, dtype=torch.float64)
        raw = grid[:, None, None, None].expand(-1, len(y), 1, 1)
        values = loss(
            raw, y.expand(201, -1, 1), state, torch.ones(201, len(y), dtype=torch.float64)
        )
        best = grid[values.argmin()].item()
        width = (high - low) / 50
        low, high = best - width, best + width
    return best


@pytest.mark.parametrize("loss", NAMED, ids=repr)
def test_minimum_over_constants_is_the_declared_functional(loss):
    y = load_diabetes().target[:101] / 100  # skewed: mean 1.5, median 1.35
    targets = torch.from_numpy(y)[:, None]
    state = loss.prepare(targets, torch.ones(101, dtype=torch.float64))
    best = torch.tensor(best_constant(loss, targets, state, -5.0, 5.0)).double()
    prediction = loss.predict(best.reshape(1, 1, 1), state).item()
    assert prediction == pytest.approx(FUNCTIONALS[loss.functional](y), abs=2e-3)


INFINITE_AT_BEST = (
    "absolute_error",
    "normalized_cross_entropy",
    "active_passive",
    "soft_f1",
)


@each
def test_baseline_is_the_best_constant(loss):
    """No constant near the baseline is better; only a mode of probabilities would be infinite."""
    generator = torch.Generator().manual_seed(0)
    n_classes = 3 if getattr(loss, "multi_class", True) else 2
    y = draw_targets(loss, 300, 1, torch.float64, generator, n_classes)
    weights = 0.5 + torch.rand(300, dtype=torch.float64, generator=generator)
    state = loss.prepare(y, weights, n_classes if loss.task == "classification" else None)
    baseline = loss.baseline(y, weights, state)
    assert baseline.shape == (1, loss.n_outputs(n_classes))
    value = loss(baseline.expand(300, 1, -1), y, state, weights)
    if loss.name in INFINITE_AT_BEST and loss.task == "classification":
        assert value <= loss(torch.zeros(300, 1, 3).double(), y, state, weights)
        return
    for scale in (0.01, 0.1, 1.0):
        for _ in range(30):
            step = scale * torch.randn(baseline.shape, dtype=torch.float64, generator=generator)
            nearby = loss((baseline + step).expand(300, 1, -1), y, state, weights)
            assert nearby >= value - 1e-6


@each
def test_baseline_counts_weight_2_as_a_row_repeated(loss):
    generator = torch.Generator().manual_seed(0)
    y = draw_targets(loss, 40, 2, torch.float64, generator)
    weights = torch.randint(1, 4, (40,), generator=generator).double()
    repeated = y.repeat_interleave(weights.long(), 0)
    classes = 4 if loss.task == "classification" else None
    ones = torch.ones(len(repeated), dtype=torch.float64)
    weighted = loss.baseline(y, weights, loss.prepare(y, weights, classes))
    plainly = loss.baseline(repeated, ones, loss.prepare(repeated, ones, classes))
    torch.testing.assert_close(weighted, plainly, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "loss",
    [loss for loss in REGRESSION if isinstance(loss, ResidualLoss | EpsilonInsensitive)],
    ids=repr,
)
def test_robust_losses_are_least_at_0_and_never_fall(loss):
    sizes = torch.linspace(0, 50, 1001, dtype=torch.float64)
    for sign in (1, -1):
        raw = (sign * sizes).reshape(-1, 1, 1)
        y = torch.zeros(1001, 1, dtype=torch.float64)
        values = loss.pointwise(raw, y, loss.prepare(y, torch.ones(1001).double()))[:, 0]
        assert values[0] == values.min()
        assert (
            values[0] == 0 or loss.name == "adaptive"
        )  # which adds the log of a normalising constant
        assert (values.diff() >= -1e-12).all()


SCALABLE = [loss for loss in REGRESSION if loss.scaling == "standard"]
SCALABLE = [loss for loss in SCALABLE if loss.n_outputs() == 1 or loss.learns_from_y]


@pytest.mark.parametrize("loss", SCALABLE, ids=repr)
def test_bins_and_baselines_move_with_the_target(loss):
    raw, y, weights, state = draw(loss)
    moved = loss.prepare(3 * y + 5, weights)
    if loss.learns_from_y:
        torch.testing.assert_close(moved["edges"], 3 * state["edges"] + 5)
        torch.testing.assert_close(loss.predict(raw, moved), 3 * loss.predict(raw, state) + 5)
        return
    baseline = loss.baseline(3 * y + 5, weights, moved)
    torch.testing.assert_close(baseline, 3 * loss.baseline(y, weights, state) + 5)


def test_rounded_kink_is_a_smooth_upper_part_of_the_absolute_value():
    u = torch.linspace(-2, 2, 401, dtype=torch.float64)
    width = torch.tensor([[0.5]], dtype=torch.float64)
    rounded = absolute(u, State({"rounding": width})).squeeze()
    assert ((u.abs() - rounded) >= -1e-15).all()
    assert ((u.abs() - rounded) <= 0.25 + 1e-15).all()
    torch.testing.assert_close(rounded[u.abs() >= 0.5], u[u.abs() >= 0.5].abs() - 0.25)


@each_classification
def test_decision_is_the_argmax_of_the_decision_function(loss):
    raw, _, _, state = draw(loss)
    if loss.multi_class:
        assert torch.equal(loss.predict(raw, state), loss.decision_function(raw, state).argmax(-1))
    two, _, _, state = draw(loss, n_classes=2)
    decision = loss.decision_function(two, state).squeeze(-1)
    assert torch.equal(loss.predict(two, state), (decision > 0).long())


def test_state_splits_and_joins():
    state = State({"a": torch.arange(3.0).reshape(3, 1, 1)}, trained=["a"])
    joined = State.stack([state.model(k).without_models() for k in range(3)])
    assert torch.equal(joined["a"], state["a"])
    assert joined.trained == {"a"}


def test_interval_says_its_condition():
    assert Interval().describe("y") == "a finite y"
    assert Interval(1, integer=True).describe("n") == "n >= 1 (a whole number)"
    assert Interval(high=3, closed="neither").describe("x") == "x < 3"
    assert True not in Interval()


def test_every_loss_says_when_to_choose_it():
    texts = [cls.when for cls in CATALOGUE]
    assert min(map(len, texts)) >= 40
    assert len(set(texts)) == len(CATALOGUE)
