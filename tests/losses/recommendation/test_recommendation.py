"""Losses for recommendation: equal to torch's and to the papers' loops, and blind to what all
scores share."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.nn import functional

from sklloss import list_losses, losses
from sklloss.losses import (
    BPR,
    WARP,
    RecommendationLoss,
    SampledHinge,
    SampledSoftmax,
    State,
    get_loss,
)
from sklloss.losses.catalogue import CATALOGUE

ALL = (
    *(cls() for cls in CATALOGUE if cls.task == "recommendation"),
    BPR(n_negatives=1),
    SampledHinge(margin=0.3, n_negatives=7),
    WARP(margin=2.0, n_negatives=3),
    SampledSoftmax(temperature=0.2, n_negatives=1),
)
each = pytest.mark.parametrize("loss", ALL, ids=repr)
N_ITEMS = 50


def draw(loss, n_rows=12, dtype=torch.float64, seed=0, scale=1.0):
    """Return raw (n, 1, 1 + negatives), y, weights and the state."""
    source = torch.Generator().manual_seed(seed)
    raw = scale * torch.randn(n_rows, 1, loss.n_outputs(), dtype=dtype, generator=source)
    weights = 0.5 + torch.rand(n_rows, dtype=dtype, generator=source)
    y = torch.ones(n_rows, 1, dtype=dtype)
    return raw, y, weights, loss.prepare(y, weights, N_ITEMS)


def test_the_four_are_in_the_catalogue():
    assert [type(loss) for loss in ALL[:4]] == [BPR, SampledHinge, WARP, SampledSoftmax]
    names = set(list_losses("recommendation").name)
    assert {"bpr", "warp", "hinge", "infonce", "squared_error", "huber", "cross_entropy"} <= names
    table = list_losses("recommendation").set_index("name")
    assert table.loc["bpr", "y_domain"] == "y >= 0"
    assert get_loss("MarginRankingLoss", task="recommendation", margin=2) == SampledHinge(margin=2)
    assert get_loss("mse", task="recommendation").task == "regression"
    with pytest.raises(ValueError, match="this needs one for regression"):
        get_loss("bpr", task="regression")


def test_bpr_is_minus_the_log_probability_of_the_order():
    raw, y, _, state = draw(BPR())
    scores = raw[:, 0]
    expected = -functional.logsigmoid(scores[:, :1] - scores[:, 1:]).mean(1)
    torch.testing.assert_close(BPR().of_row(raw, y, state), expected)


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_hinge_is_that_of_torch(margin):
    loss = SampledHinge(margin=margin)
    raw, y, _, state = draw(loss)
    first, others = raw[:, 0, :1].expand(-1, loss.n_negatives), raw[:, 0, 1:]
    expected = functional.margin_ranking_loss(first, others, torch.ones_like(first), margin)
    torch.testing.assert_close(loss(raw, y, state), expected)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_infonce_is_cross_entropy_of_the_first(temperature):
    loss = SampledSoftmax(temperature=temperature)
    raw, y, _, state = draw(loss)
    first = torch.zeros(len(raw), dtype=torch.long)
    expected = functional.cross_entropy(raw[:, 0] / temperature, first, reduction="none")
    torch.testing.assert_close(loss.of_row(raw, y, state), expected)


def warp_of_paper(scores, n_items, margin):
    """Draw until an item comes within the margin, as in algorithm 1 of Weston 2011; return the loss
    and its gradient."""
    positive, *negatives = scores
    gradient = np.zeros(len(scores))
    for draw_, negative in enumerate(negatives, 1):
        if negative > positive - margin:
            rank = (n_items - 1) // draw_
            weight = sum(1 / k for k in range(1, rank + 1))
            gradient[0], gradient[draw_] = -weight, weight
            return weight * (margin - positive + negative), gradient
    return 0.0, gradient


@pytest.mark.parametrize("margin", [0.1, 1.0, 3.0])
def test_warp_is_the_loop_of_the_paper(margin):
    loss = WARP(margin=margin)
    raw, y, _, state = draw(loss, n_rows=60, scale=2.0)
    raw.requires_grad_()
    values = loss.of_row(raw, y, state)
    values.sum().backward()
    found = [warp_of_paper(scores, N_ITEMS, margin) for scores in raw[:, 0].tolist()]
    np.testing.assert_allclose(values.detach(), [value for value, _ in found], rtol=1e-6)
    np.testing.assert_allclose(raw.grad[:, 0], [gradient for _, gradient in found], rtol=1e-6)
    assert 0 < (values == 0).sum() < len(values) or margin == 3.0


@each
def test_gradient_is_the_derivative(loss):
    raw, y, _, state = draw(loss)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: loss.pointwise(r, y, state), raw)


@pytest.mark.parametrize("n_negatives", [1, 4])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_gradient_of_bpr_in_closed_form_is_that_of_autograd(n_negatives, size):
    loss = BPR(n_negatives=n_negatives)
    raw, y, _, state = draw(loss, n_rows=60)
    raw = (size * raw).requires_grad_()
    (by_autograd,) = torch.autograd.grad(loss.pointwise(raw, y, state).sum(), raw)
    torch.testing.assert_close(loss.gradient(raw.detach(), y, state), by_autograd)


def test_a_formula_of_ones_own_does_not_keep_the_gradient_of_bpr():
    class Twice(BPR):
        def of_row(self, raw, y, state):
            return 2 * super().of_row(raw, y, state)

    assert Twice().gradient(torch.zeros(1, 1, 5), torch.ones(1, 1), {}) is None


@each
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    for sign in (1, -1):
        raw, y, _, state = draw(loss, dtype=torch.float32)
        raw[0] = 0
        raw[1] = raw[1].sign() * size
        raw[2:4] = torch.tensor([sign * size, *[-sign * size] * loss.n_negatives])
        raw.requires_grad_()
        values = loss.pointwise(raw, y, state)
        values.sum().backward()
        assert values.isfinite().all()
        assert raw.grad.isfinite().all()


@each
def test_what_all_scores_share_does_not_count(loss):
    raw, y, _, state = draw(loss)
    shift = torch.linspace(-3, 3, len(raw), dtype=raw.dtype)[:, None, None]
    torch.testing.assert_close(
        loss.of_row(raw + shift, y, state), loss.of_row(raw, y, state), rtol=1e-9, atol=1e-12
    )


@each
def test_a_higher_lead_never_costs_more(loss):
    raw, y, _, state = draw(loss)
    ahead = raw.clone()
    ahead[..., 0] += 50 * max(1.0, getattr(loss, "margin", 1.0))
    assert (loss.of_row(ahead, y, state) <= loss.of_row(raw, y, state)).all()
    assert loss.of_row(ahead, y, state).max() < 1e-12


@pytest.mark.parametrize("loss", [BPR(), SampledHinge(), SampledSoftmax()], ids=repr)
def test_the_order_of_the_negatives_does_not_count(loss):
    raw, y, _, state = draw(loss)
    turned = torch.cat((raw[..., :1], raw[..., 1:].flip(-1)), -1)
    torch.testing.assert_close(loss.of_row(turned, y, state), loss.of_row(raw, y, state))


@each
def test_weight_two_is_a_row_twice_and_weight_zero_none(loss):
    raw, y, _, state = draw(loss)
    weights = torch.ones(len(raw), dtype=raw.dtype)
    weights[0], weights[1] = 2, 0
    rows = torch.tensor([0, 0, *range(2, len(raw))])
    torch.testing.assert_close(loss(raw, y, state, weights), loss(raw[rows], y[rows], state))


@each
def test_models_side_by_side_are_models_alone(loss):
    pairs = [draw(loss, seed=seed) for seed in range(3)]
    state = State.stack([loss.prepare(y, w, N_ITEMS) for _, y, w, _ in pairs])
    raw, y, weights = (torch.stack([pair[k] for pair in pairs]) for k in range(3))
    together = loss(raw, y, state, weights)
    alone = torch.stack([loss(r, t, s, w) for r, t, w, s in pairs])
    torch.testing.assert_close(together, alone)


@each
def test_the_best_constant_says_nothing_of_the_order(loss):
    _, y, weights, state = draw(loss)
    baseline = loss.baseline(y, weights, state)
    constant = loss.constant_raw(baseline, y, state)
    assert constant.shape == (len(y), 1, loss.n_outputs())
    assert not constant.any()
    expected = {"bpr": np.log(2), "infonce": np.log(loss.n_outputs())}
    if loss.name in expected:
        assert loss(constant, y, state).item() == pytest.approx(expected[loss.name])


@each
def test_scores_are_predictions(loss):
    raw, _, _, state = draw(loss)
    assert torch.equal(loss.predict(raw[..., :1], state), raw[..., 0])


@each
def test_a_loss_survives_clone_pickle_and_repr(loss):
    for same in (clone(loss, safe=False), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert same == loss
    assert eval(repr(loss), vars(losses)) == loss
    assert loss.when
    assert loss.reference


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (BPR(n_negatives=0), "n_negatives"),
        (BPR(n_negatives=1.5), "n_negatives"),
        (WARP(margin=0), "margin"),
        (SampledHinge(margin=-1), "margin"),
        (SampledSoftmax(temperature=0), "temperature"),
        (SampledSoftmax(temperature=float("nan")), "temperature"),
    ],
)
def test_parameters_outside_their_domain(loss, said):
    with pytest.raises(ValueError, match=f"needs {said}"):
        loss.check_params()


def test_warp_needs_to_know_how_many_items_there_are():
    with pytest.raises(ValueError, match="n_classes, the number of items"):
        WARP().prepare(torch.ones(3, 1), torch.ones(3))


def test_a_loss_without_negatives_of_its_own_has_one():
    class Own(RecommendationLoss):
        """A loss."""

    assert Own().n_outputs() == 2
