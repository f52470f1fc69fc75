"""LossShapeDisplay draws what losses cost, and their derivatives."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sklloss.inspection import LossShapeDisplay
from sklloss.losses import Huber, Tukey, list_losses

COUNTS = ("poisson", "negative_binomial")
ZERO_ALTERED = {f"{kind}_{name}" for kind in ("zero_inflated", "hurdle") for name in COUNTS}
HAVE_NO_SHAPE = {"multi_quantile", "cross_entropy", "soft_f1", "auc_margin", *ZERO_ALTERED}


def drawable(task):
    return [
        pytest.param(name, task, id=f"{task}-{name}")
        for name in list_losses(task).name
        if name not in HAVE_NO_SHAPE or (name == "cross_entropy" and task == "classification")
    ]


def test_curves_are_those_of_torch():
    display = LossShapeDisplay.from_losses(["mse", "mae", Huber(delta=2.0), nn.SmoothL1Loss])
    x = torch.from_numpy(display.x)
    zero = torch.zeros_like(x)
    wanted = [
        nn.functional.mse_loss(x, zero, reduction="none") / 2,
        nn.functional.l1_loss(x, zero, reduction="none"),
        nn.functional.huber_loss(x, zero, reduction="none", delta=2.0),
        nn.functional.smooth_l1_loss(x, zero, reduction="none"),
    ]
    np.testing.assert_allclose(display.losses, torch.stack(wanted), atol=1e-12)
    assert list(display.labels) == [
        "squared_error",
        "absolute_error",
        "huber(delta=2)",
        "SmoothL1Loss",
    ]
    for panel, curves in zip(display.lines_, (display.losses, display.gradients), strict=True):
        for line, curve in zip(panel, curves, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), curve)


@pytest.mark.parametrize(("name", "task"), [*drawable("regression"), *drawable("classification")])
def test_gradient_is_the_slope_of_the_loss(name, task):
    display = LossShapeDisplay.from_losses(name, task=task)
    (loss,), (gradient,) = display.losses, display.gradients
    known = np.isfinite(loss)
    assert known.mean() > 0.5
    assert np.nanmin(loss) == 0
    slope = np.gradient(loss[known], display.x[known])
    # Slopes of finite differences are off at kinks and where a loss is steep.
    assert np.quantile(np.abs(slope - gradient[known]), 0.9) < 0.02 * max(1, np.abs(slope).max())


def test_losses_of_positive_targets_are_drawn_at_y_of_one():
    display = LossShapeDisplay.from_losses(["mse", "poisson"])
    poisson = display.losses[1]
    assert np.isnan(poisson[display.x <= -1]).all()
    prediction = 1 + display.x[display.x > -0.99]
    np.testing.assert_allclose(
        poisson[display.x > -0.99], prediction - np.log(prediction) - 1, atol=1e-9
    )
    assert display.x[np.nanargmin(poisson)] == pytest.approx(0)


def test_lognormal_is_drawn_over_its_mean():
    display = LossShapeDisplay.from_losses("lognormal_nll", y=2.0, reach=1.9)
    mean = 2.0 + display.x
    # With scale 1 the mean of the distribution is exp(location + 1/2).
    wanted = (np.log(mean) - 0.5 - np.log(2.0)) ** 2 / 2
    np.testing.assert_allclose(display.losses[0], wanted - wanted.min(), atol=1e-9)


def test_margin_is_the_lead_of_the_true_class():
    display = LossShapeDisplay.from_losses(["hinge", "cross_entropy"], task="classification")
    np.testing.assert_allclose(display.losses[0], np.maximum(0, 1 - display.x), atol=1e-12)
    entropy = np.log1p(np.exp(-display.x))
    np.testing.assert_allclose(display.losses[1], entropy - entropy.min(), atol=1e-12)


def test_redescending_gradients_return_to_zero():
    display = LossShapeDisplay.from_losses(Tukey(scale=2.0))
    assert np.all(display.gradients[0][np.abs(display.x) > 2.0] == 0)


def test_steep_losses_do_not_flatten_the_others():
    names = [each.values[0] for each in drawable("classification")]
    display = LossShapeDisplay.from_losses(names, task="classification")
    assert display.ax_.get_ylim()[1] < 20 < np.nanmax(display.losses)


def test_no_two_of_thirty_curves_look_alike():
    names = [each.values[0] for each in drawable("regression")]
    lines = LossShapeDisplay.from_losses(names).lines_[0]
    looks = {
        (line.get_color(), str(line.get_linestyle()), str(line._dash_pattern)) for line in lines
    }
    assert len(looks) == len(names)


def mean_of_batch(prediction, y):
    return ((prediction - y) ** 2).mean()


@pytest.mark.parametrize(
    ("losses", "params", "message"),
    [
        ("multi_quantile", {}, "has 3 outputs"),
        ("soft_f1", {"task": "classification"}, "loss of a whole batch"),
        (mean_of_batch, {}, "one number for a whole batch"),
        ("hubr", {}, "Did you mean 'huber'"),
        ("hinge", {}, "is a classification loss"),
        (Huber(delta=-1.0), {}, "delta"),
        ("gamma", {"y": -1.0}, "needs y > 0"),
        ([], {}, "at least one loss"),
        ("mse", {"reach": 0}, "reach > 0"),
        ("mse", {"reach": "a"}, "reach > 0"),
        ("mse", {"reach": np.inf}, "reach > 0"),
        ("mse", {"y": "a"}, "a finite y"),
        ("mse", {"task": "ranking"}, "needs task to be one of"),
    ],
)
def test_bad_input(losses, params, message):
    with pytest.raises(ValueError, match=message):
        LossShapeDisplay.from_losses(losses, **params)


def test_settings_of_one_loss_are_told_apart():
    """The default of one of them is written out beside the others."""
    losses = [Huber(delta=0.5), Huber(), "mae", Huber(delta=2.0)]
    display = LossShapeDisplay.from_losses(losses)
    assert display.labels[:3] == ["huber(delta=0.5)", "huber(delta=1)", "absolute_error"]
    assert LossShapeDisplay.from_losses([Huber()]).labels == ["huber"]


@pytest.mark.parametrize("kind", [tuple, np.array, pd.Series, pd.Index])
def test_lists_of_any_kind(kind):
    display = LossShapeDisplay.from_losses(kind(["mse", "mae"]))
    assert display.labels == ["squared_error", "absolute_error"]
