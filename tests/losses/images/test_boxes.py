"""Losses of boxes: laws, and numbers of torchvision."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torchvision.ops import complete_box_iou_loss, generalized_box_iou_loss

import sklloss.losses as losses
from sklloss.losses import CIoU, GIoU, State, get_loss
from sklloss.losses.images.boxes import in_order

SETTINGS = (GIoU(), GIoU(eps=1e-3), CIoU(), CIoU(eps=1e-3))
each = pytest.mark.parametrize("loss", SETTINGS, ids=repr)

PREDICTED = [
    [10.0, 20.0, 60.0, 80.0],
    [0.0, 0.0, 5.0, 5.0],
    [30.0, 30.0, 40.0, 70.0],
    [12.0, 7.0, 19.0, 33.0],
]
TRUE = [
    [15.0, 25.0, 50.0, 90.0],
    [20.0, 10.0, 30.0, 14.0],
    [30.0, 30.0, 40.0, 70.0],
    [10.0, 5.0, 40.0, 20.0],
]
OF_TORCHVISION = {GIoU(): generalized_box_iou_loss, CIoU(): complete_box_iou_loss}


def as_raw(boxes, dtype=torch.float64):
    """Return boxes (n, 4) in the shape of raw output, (n, 4, 1)."""
    return torch.as_tensor(boxes, dtype=dtype).unsqueeze(-1)


def state_of(loss, y):
    return loss.prepare(y, torch.ones(len(y), dtype=y.dtype))


def draw(loss, n=12, dtype=torch.float64, seed=0):
    """Return raw (n, 4, 1), boxes (n, 4) in [0, 1], weights (n,) and the state."""
    generator = torch.Generator().manual_seed(seed)
    y = in_order(torch.rand(n, 4, dtype=dtype, generator=generator))
    raw = torch.rand(n, 4, 1, dtype=dtype, generator=generator)
    weights = 0.5 + torch.rand(n, dtype=dtype, generator=generator)
    return raw, y, weights, state_of(loss, y)


beside_torchvision = pytest.mark.parametrize("loss", list(OF_TORCHVISION), ids=repr)


def ours_and_torchvisions(loss, predicted, true):
    """Return values and gradients, one row per box, of our loss and of torchvision's."""
    y = torch.as_tensor(true, dtype=torch.float64)
    state, theirs = state_of(loss, y), OF_TORCHVISION[loss]
    functions = (lambda boxes: loss.of_row(boxes.unsqueeze(-1), y, state)), lambda b: theirs(b, y)
    for function in functions:
        boxes = torch.as_tensor(predicted, dtype=torch.float64).clone().requires_grad_()
        values = function(boxes)
        (gradient,) = torch.autograd.grad(values.sum(), boxes)
        yield torch.cat((values.detach()[:, None], gradient), 1)


@beside_torchvision
@pytest.mark.parametrize("unit", [1.0, 0.1, 1e3])
def test_value_and_gradient_equal_torchvisions(loss, unit):
    raw, y, _, _ = draw(loss, n=300)
    drawn = unit * in_order(raw.squeeze(-1)), unit * y
    pixels = unit * torch.tensor(PREDICTED), unit * torch.tensor(TRUE)
    for predicted, true in (drawn, pixels):
        ours, theirs = ours_and_torchvisions(loss, predicted, true)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12 / unit)


@beside_torchvision
@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6])
def test_slivers_cost_what_they_do_in_torchvision(loss, width):
    true = [[0.2, 0.2, 0.6, 0.5]] * 4
    predicted = [
        [0.3, 0.1, 0.3 + width, 0.4],
        [0.3, 0.3, 0.5, 0.3 + width],
        [0.3, 0.3, 0.3 + width, 0.3 + width],
        [0.8, 0.8, 0.8 + width, 0.9],
    ]
    ours, theirs = ours_and_torchvisions(loss, predicted, true)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@beside_torchvision
def test_boxes_without_area_cost_what_they_do_in_torchvision_and_have_a_gradient(loss):
    true = [[0.2, 0.2, 0.6, 0.5]] * 4
    predicted = [
        [0.3, 0.1, 0.3, 0.4],
        [0.3, 0.3, 0.5, 0.3],
        [0.3, 0.3, 0.3, 0.3],
        [0.9, 0.9, 0.9, 0.9],
    ]
    ours, theirs = ours_and_torchvisions(loss, predicted, true)
    assert ours.isfinite().all()
    assert (ours[:2, 1:] != 0).any(1).all()
    known = theirs[:, 0].isfinite()
    assert known[:2].all()
    torch.testing.assert_close(ours[known, 0], theirs[known, 0], rtol=0, atol=1e-6)


def test_gradient_is_the_derivative_of_giou():
    raw, y, _, state = draw(GIoU())
    assert torch.autograd.gradcheck(
        lambda r: GIoU().of_row(r, y, state), raw.requires_grad_(), eps=1e-8, atol=1e-4
    )


def test_gradient_of_ciou_holds_alpha_fixed():
    """As in the paper, equation 12: that of 1 - IoU + d²/c² + α v with α as it is."""
    loss = CIoU()
    raw, y, _, state = draw(loss)
    leaf = raw.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.of_row(leaf, y, state).sum(), leaf)

    def parts(r):
        boxes, eps = loss.inverse_link(r, state), state["eps"].squeeze(-1)
        shape = loss._difference_of_shape(boxes, y, eps)
        others = loss.of_row(r, y, state)
        iou = 1 - (GIoU().of_row(r, y, state) - _beyond(boxes, y))
        return others, shape, shape / (1 - iou + shape)

    _, _, alpha = parts(raw)
    for target in range(4):
        step = torch.zeros_like(raw)
        step[:, target] = 1e-6
        up, down = parts(raw + step), parts(raw - step)
        moving = up[0] - down[0] - (up[1] * up[2] - down[1] * down[2])
        fixed = moving + alpha * (up[1] - down[1])
        torch.testing.assert_close(gradient[:, target, 0], fixed / 2e-6, rtol=1e-3, atol=1e-3)


def _beyond(boxes, y):
    """The share of the box around both that neither covers, by hand."""
    low, high = torch.minimum(boxes, y)[:, :2], torch.maximum(boxes, y)[:, 2:]
    around = (high - low).prod(-1)
    first, last = torch.maximum(boxes, y)[:, :2], torch.minimum(boxes, y)[:, 2:]
    both = (last - first).clamp(min=0).prod(-1)
    areas = sum((each[:, 2:] - each[:, :2]).prod(-1) for each in (boxes, y))
    return (around - areas + both) / around


@each
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    raw, y, _, state = draw(loss, n=200, dtype=torch.float32)
    raw = size * (2 * raw - 1)
    raw[0], raw[1], raw[2] = 0.0, y[1, :, None], size  # a point, the truth, a far point
    raw[3, 2], raw[4, 3] = raw[3, 0], raw[4, 1]  # no width, no height
    raw.requires_grad_()
    value = loss.pointwise(raw, y, state)
    value.sum().backward()
    assert value.isfinite().all()
    assert raw.grad.isfinite().all()


@each
def test_truth_is_the_minimum(loss):
    _, y, _, state = draw(loss, n=200)
    y = y[(y[:, 2:] - y[:, :2]).amin(1) > 0.05]
    least = loss.of_row(as_raw(y), y, state)
    assert (least.abs() <= 2 * loss.eps / 0.05**2).all()
    for scale in (0.01, 0.1, 1.0):
        step = scale * torch.randn(
            y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1)
        )
        assert (loss.of_row(as_raw(y + step), y, state) > least).all()


@pytest.mark.parametrize("loss", [GIoU(), CIoU()], ids=repr)
def test_a_step_along_the_gradient_closes_the_gap_between_boxes(loss):
    y = torch.tensor([[0.7, 0.7, 0.9, 0.9]], dtype=torch.float64)
    raw = as_raw([[0.1, 0.1, 0.3, 0.2]]).requires_grad_()
    state = state_of(loss, y)
    (slope,) = torch.autograd.grad(loss.of_row(raw, y, state).sum(), raw)
    nearer = loss.of_row(raw.detach() - 0.01 * slope, y, state)
    assert nearer < loss.of_row(raw.detach(), y, state)
    assert slope.abs().max() > 0.1


@each
def test_corners_the_wrong_way_round_are_a_box_all_the_same(loss):
    raw, y, _, state = draw(loss)
    swapped = raw[:, [2, 1, 0, 3]]
    torch.testing.assert_close(loss.of_row(swapped, y, state), loss.of_row(raw, y, state))
    box = loss.predict(swapped, state)
    assert (box[:, 2:] >= box[:, :2]).all()
    assert torch.equal(box, loss.predict(raw, state))


@pytest.mark.parametrize("loss", [GIoU(), CIoU()], ids=repr)
def test_the_unit_does_not_matter(loss):
    raw, y, _, state = draw(loss)
    torch.testing.assert_close(
        loss.of_row(100 * raw, 100 * y, state),
        loss.of_row(raw, y, state),
        rtol=1e-3,
        atol=1e-4,
    )


def test_known_values():
    """A quarter of the box around both is one box, a quarter the other: IoU 0, GIoU -½."""
    y = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    beside = as_raw([[1.0, 1.0, 2.0, 2.0]])
    assert GIoU()(beside, y, state_of(GIoU(), y)).item() == pytest.approx(1.5)
    assert CIoU()(beside, y, state_of(CIoU(), y)).item() == pytest.approx(1 + 2 / 8)
    long = as_raw([[0.0, 0.25, 1.0, 0.75]])  # one centre: IoU ½, arctan 2 against arctan 1
    v = 4 / np.pi**2 * (np.arctan(2) - np.arctan(1)) ** 2
    expected = 0.5 + v * v / (0.5 + v)
    assert CIoU()(long, y, state_of(CIoU(), y)).item() == pytest.approx(expected, abs=1e-6)


@each
def test_every_corner_carries_its_boxs_loss_and_weights_count_boxes(loss):
    raw, y, weights, state = draw(loss)
    rows, values = loss.of_row(raw, y, state), loss.pointwise(raw, y, state)
    torch.testing.assert_close(values, rows[:, None].expand(y.shape), rtol=0, atol=0)
    expected = (rows * weights).sum() / weights.sum()
    torch.testing.assert_close(loss(raw, y, state, weights), expected)
    repeats = torch.arange(12) % 3
    repeated = [each.repeat_interleave(repeats, 0) for each in (raw, y)]
    torch.testing.assert_close(loss(raw, y, state, repeats.double()), loss(*repeated, state))


@each
def test_stacked_equals_alone_bit_for_bit(loss):
    settings = [loss, loss.replace(eps=1e-5), loss.replace(eps=1e-2)]
    drawn = [draw(s, n=64, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    state = State.stack([d[3] for d in drawn])
    rows, means = loss.of_row(raw, y, state), loss(raw, y, state, weights)
    for k, (setting, (raw_k, y_k, weights_k, state_k)) in enumerate(
        zip(settings, drawn, strict=True)
    ):
        torch.testing.assert_close(rows[k], setting.of_row(raw_k, y_k, state_k), rtol=0, atol=0)
        torch.testing.assert_close(means[k], setting(raw_k, y_k, state_k, weights_k))


@each
def test_baseline_is_the_best_constant_box(loss):
    _, y, weights, _ = draw(loss, n=300)
    y = y[(y[:, 2:] - y[:, :2]).amin(1) > 0.05]
    weights = weights[: len(y)]
    state = state_of(loss, y)
    baseline = loss.baseline(y, weights, state)
    assert baseline.shape == (4, 1)
    value = loss(baseline.expand(len(y), 4, 1), y, state, weights)
    generator = torch.Generator().manual_seed(0)
    for scale in (0.01, 0.1, 1.0):
        for _ in range(30):
            step = scale * torch.randn(baseline.shape, dtype=y.dtype, generator=generator)
            nearby = loss((baseline + step).expand(len(y), 4, 1), y, state, weights)
            assert nearby >= value - 1e-4


@each
def test_targets_that_are_no_boxes_are_refused(loss):
    good = np.array([[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.6, 0.9]])
    loss.check_y(good)
    turned = np.vstack((good, [[0.5, 0.2, 0.3, 0.4]]))
    with pytest.raises(
        ValueError, match=r"1 of 3 rows has no area, for example row 2: \[0\.5, 0\.2"
    ):
        loss.check_y(turned)
    with pytest.raises(ValueError, match="four targets per row"):
        loss.check_y(good[:, :3])
    with pytest.raises(ValueError, match="1 of 8 values is outside"):
        loss.check_y(np.where(good == 0.9, np.nan, good))


@each
def test_repr_clone_copy_and_pickle_are_equal(loss):
    for twin in (
        eval(repr(loss), vars(losses)),
        clone(loss, safe=False),
        copy.deepcopy(loss),
        pickle.loads(pickle.dumps(loss)),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)


@pytest.mark.parametrize("cls", [GIoU, CIoU])
def test_parameters_outside_their_domain_are_named(cls):
    with pytest.raises(ValueError, match=rf"{cls.__name__} needs eps > 0; got 0\.0.*default"):
        cls(eps=0.0).check_params()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("giou", "GIoU"),
        ("ciou", "CIoU"),
        ("generalized_box_iou_loss", "GIoU"),
        ("mse", "SquaredError"),
        ("smooth_l1", "SmoothL1"),
        ("huber", "Huber"),
        ("mae", "AbsoluteError"),
    ],
)
def test_names_mean_the_loss_of_their_task(name, kind):
    assert type(get_loss(name, task="boxes")).__name__ == kind
