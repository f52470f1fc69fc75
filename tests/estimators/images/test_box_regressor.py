"""NeuralBoxRegressor: what comes out, laws, wrong input, searches, scikit-learn's own checks."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklloss import LossSearchCV, NeuralBoxRegressor
from sklloss.estimators.images.overlap import box_ious
from sklloss.losses import CIoU, GIoU
from sklloss.losses.listing import losses_of

from .small_scenes import CHECKS, scenes

SMALL = {"module_params": {"channels": (4, 6)}, "lr": 0.01, "max_epochs": 4, "random_state": 0}
LEARNT = ["mse", "mae", "smooth_l1", "huber", "giou", "ciou"]
REAL = [cls.name for cls in losses_of("boxes") if cls().y_domain.low == -np.inf]


def regressor(loss="giou", **params):
    return NeuralBoxRegressor(loss, **{**SMALL, **params})


@pytest.fixture(scope="module")
def fitted():
    X, _, y = scenes()
    return regressor().fit(X, y), X, y


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("seed", [0, 1])
def test_large_steps_do_not_end_at_a_constant_box(seed):
    """Without GroupNorm in the network the loss ends near .5, that of the best constant."""
    X, _, boxes = scenes(256, 16, 16)
    params = {"module_params": {"channels": (12, 24, 48)}, "lr": 0.02, "batch_size": 16}
    model = regressor("mse", max_epochs=12, n_iter_no_change=12, **params | {"random_state": seed})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, boxes)
    assert model.history_[-1]["train_loss"] < 0.3


@pytest.mark.parametrize("loss", LEARNT)
def test_learns_where_the_object_is_with_every_loss(loss):
    X, _, y = scenes(260)
    model = regressor(loss, max_epochs=40, module_params={"channels": (8, 8)})
    model.fit(X[:200], y[:200])
    constant = np.broadcast_to(y[:200].mean(0), (60, 4))
    assert model.score(X[200:], y[200:]) > 0.55
    assert box_ious(y[200:], constant).mean() < 0.45


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", REAL)
def test_every_loss_of_real_numbers_and_boxes_trains(loss):
    X, _, y = scenes()
    model = regressor(loss, max_epochs=2).fit(X, y)
    boxes = model.predict(X)
    assert boxes.shape == (40, 4)
    assert boxes.dtype == np.float64
    assert np.isfinite(boxes).all()


def test_predictions_are_boxes_in_the_image_whatever_the_network_says():
    X, _, y = scenes()
    for loss in ("mse", "giou"):
        model = regressor(loss).fit(X, y)
        model.net_.module_.output_bias.data.copy_(torch.tensor([9.0, -9.0, -9.0, 0.3]))
        boxes = model.predict(X)
        assert (boxes[:, :2] <= boxes[:, 2:]).all()
        assert (boxes >= 0).all()
        assert (boxes <= (10, 12, 10, 12)).all()
        np.testing.assert_allclose(boxes[:, [0, 2]], [[0, 10]] * 40)


def test_starts_at_the_best_constant_box():
    X, _, y = scenes(100)
    for loss, start in [("mse", y.mean(0)), ("mae", np.median(y, axis=0))]:
        model = regressor(loss, lr=1e-9, max_epochs=1, dtype="float64").fit(X, y)
        np.testing.assert_allclose(model.predict(X), np.broadcast_to(start, y.shape), atol=1e-3)
    model = regressor("giou", lr=1e-9, max_epochs=1, dtype="float64").fit(X, y)
    best = model.predict(X)
    mean = np.broadcast_to(y.mean(0), y.shape)
    assert giou_of(best, y) <= giou_of(mean, y) + 1e-6


def giou_of(boxes, y):
    raw, targets = (torch.from_numpy(np.array(each)) for each in (boxes, y))
    state = GIoU().prepare(targets, torch.ones(len(y)).double())
    return GIoU()(raw.unsqueeze(-1), targets, state).item()


@pytest.mark.parametrize("loss", ["giou", "ciou"])
def test_the_loss_in_the_history_is_that_of_boxes_in_pixels(loss):
    """Boxes are divided by one number, which does not change an overlap."""
    X, _, y = scenes()
    model = regressor(loss, lr=1e-9, max_epochs=1, dtype="float64", batch_size=40).fit(X, y)
    raw, targets = (torch.from_numpy(each) for each in (model.predict(X), y))
    value = model.loss_(raw.unsqueeze(-1), targets, model.loss_.prepare(targets, torch.ones(40)))
    assert model.history_[-1, "train_loss"] == pytest.approx(value.item(), rel=1e-4)


def test_dividing_boxes_divides_predictions():
    X, _, y = scenes(20)
    params = {"module": "cnn", "module_params": {"channels": (4,)}, "dtype": "float64"}
    model = regressor("mse", lr=0.001, **params).fit(X, y)
    half = regressor("mse", lr=0.001, **params).fit(X, y / 2)
    inside = model.predict(X).max(1) < 9.9  # others are cut at the edge
    assert inside.sum() > 5
    np.testing.assert_allclose(2 * half.predict(X)[inside], model.predict(X)[inside], rtol=1e-6)
    unscaled = regressor("mse", lr=0.001, scale_target=False, **params).fit(X, y)
    assert not np.allclose(unscaled.predict(X), model.predict(X))


def test_the_locator_is_told_the_units_of_the_targets():
    X, _, y = scenes(20)
    start = {"lr": 1e-9, "max_epochs": 1}
    for loss, units in [("giou", [12.0] * 4), ("mse", y.std(0))]:
        scale = regressor(loss, **start).fit(X, y).net_.module_.scale.data
        np.testing.assert_allclose(scale, 6 / np.array(units), rtol=1e-5)
    params = {"channels": (4,), "scale": 3.0}
    given = regressor(module_params=params, **start).fit(X, y).net_.module_.scale.data
    np.testing.assert_allclose(given, 3, rtol=1e-5)


def test_images_wider_than_high():
    X, _, y = scenes(150, height=9, width=24)
    model = regressor(max_epochs=40, module_params={"channels": (8, 8)}, lr=0.02)
    scores = [
        model.set_params(random_state=seed).fit(X[:110], y[:110]).score(X[110:], y[110:])
        for seed in range(3)
    ]
    assert np.median(scores) > 0.6


# ---------------------------------------------------------------------- score


def test_score_is_the_mean_intersection_over_union():
    y = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]])
    boxes = np.array([[2.0, 0.0, 6.0, 4.0], [2.0, 2.0, 4.0, 4.0], [1.0, 1.0, 3.0, 3.0]])
    np.testing.assert_allclose(box_ious(y, boxes), [1 / 3, 0, 1])
    flat = np.array([[1.0, 1.0, 1.0, 5.0]])
    np.testing.assert_array_equal(box_ious(y[:1], flat), [0])


def test_score_takes_boxes_as_objects(fitted):
    model, X, y = fitted
    assert model.score(X, y.astype(object)) == model.score(X, y)


def test_score_weighs_images(fitted):
    model, X, y = fitted
    weights = np.random.default_rng(0).random(40)
    ious = box_ious(y, model.predict(X))
    assert model.score(X, y) == pytest.approx(ious.mean())
    assert model.score(X, y, weights) == pytest.approx(np.average(ious, weights=weights))
    assert 0 < ious.mean() < 1


# ---------------------------------------------------------------------- laws


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_same_seed_same_bits_and_clone_and_pickle(fitted):
    model, X, y = fitted
    assert_same(model, clone(model).fit(X, y), X)
    assert_same(model, pickle.loads(pickle.dumps(model)), X)
    assert_same(model, copy.deepcopy(model), X)
    again = regressor(random_state=1).fit(X, y)
    assert not np.array_equal(again.predict(X), model.predict(X))
    one, other = (pickle.loads(pickle.dumps(model)) for _ in range(2))
    assert_same(one.partial_fit(X, y), other.partial_fit(X, y), X)
    assert one.n_iter_ == model.n_iter_ + 1


def test_global_generators_are_left_alone():
    X, _, y = scenes()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    regressor(dropout=0.2).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("loss", ["giou", "ciou", "mse"])
@pytest.mark.parametrize("module", ["locator", "cnn"])
def test_weight_2_is_an_image_repeated_and_0_an_image_removed(loss, module):
    X, _, y = scenes(12)
    weights = np.arange(12) % 3
    model = regressor(loss, module=module, dtype="float64", batch_size=100, lr=0.001)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = model.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-5)


def test_members_are_single_fits_and_their_mean(fitted):
    _, X, y = fitted
    model = regressor(n_members=2).fit(X, y)
    alone = [regressor(random_state=seed).fit(X, y) for seed in (0, 1)]
    rows = torch.from_numpy(X)
    raw = [each.to_module("raw")(rows)[..., 0].numpy() for each in alone]
    assert all((each[:, 2:] > each[:, :2]).all() for each in raw)
    mean = np.clip(12 * np.mean(raw, axis=0), 0, (10, 12, 10, 12))
    np.testing.assert_allclose(model.predict(X), mean, atol=1e-4)


def test_early_stopping_keeps_the_best_epoch():
    X, _, y = scenes(80)
    pair = (np.arange(60), np.arange(60, 80))
    stopped = regressor(early_stopping=True, validation_fraction=pair, max_epochs=15, lr=0.03).fit(
        X, y
    )
    losses = stopped.history_[:, "valid_loss"]
    raw = stopped.to_module("raw")(torch.from_numpy(X[60:]))[..., 0]
    assert giou_of(12 * raw.numpy(), y[60:]) == pytest.approx(min(losses), abs=1e-5)
    assert min(losses) < losses[0]


def test_warm_start_goes_on(fitted):
    _, X, y = fitted
    model = regressor(warm_start=True, max_epochs=2, n_iter_no_change=float("inf"))
    model.fit(X, y).fit(X, y)
    assert_same(model, regressor(n_iter_no_change=float("inf")).fit(X, y), X)


def test_module_of_the_fitted_model_is_the_model():
    X, _, y = scenes()
    rows = torch.from_numpy(X)
    for loss, n_members in [("giou", 1), ("mse", 2), ("gaussian_nll", 1)]:
        model = regressor(loss, n_members=n_members).fit(X, y)
        module = model.to_module()
        np.testing.assert_allclose(module(rows), model.predict(X), atol=1e-4)
        exported = torch.export.export(
            module, (rows[:2],), dynamic_shapes=({0: torch.export.Dim("rows")},)
        ).module()
        np.testing.assert_allclose(exported(rows), model.predict(X), atol=1e-4)
        assert model.to_module("raw")(rows).shape[:2] == (40, 4)


def test_a_network_of_ones_own():
    X, _, y = scenes()

    class Flat(nn.Sequential):
        def __init__(self, n_outputs):
            super().__init__(nn.Flatten(), nn.Linear(120, n_outputs))

    model = regressor("mse", module=Flat, module_params=None, max_epochs=50).fit(X, y)
    assert model.predict(X).shape == (40, 4)
    assert isinstance(model.net_.module_, Flat)
    with pytest.raises(ValueError, match="returns 2 numbers per row, and giou for 4 targets"):
        regressor(module=Flat, module_params={"n_outputs": 2}).fit(X, y)


def test_an_own_loss_sees_prediction_and_boxes():
    X, _, y = scenes()
    shapes = set()

    def largest(prediction, target):
        shapes.add((prediction.shape[1:], target.shape[1:]))
        return (prediction - target).abs().amax(1)

    model = regressor(largest, max_epochs=2).fit(X, y)
    assert shapes == {((4,), (4,))}
    assert model.predict(X).shape == (40, 4)


# ---------------------------------------------------------------------- wrong input


def as_sizes(y):
    """Return boxes as x, y, width, height."""
    return np.column_stack((y[:, :2], y[:, 2:] - y[:, :2]))


def with_row(y, row, box):
    changed = y.copy()
    changed[row] = box
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, as_sizes(y)), r"would fit as x, y, width, height.*column_stack"),
        (
            lambda X, y: (X, with_row(y, 7, (5, 2, 3, 4))),
            r"1 of 40 rows has x2 <= x1 or y2 <= y1, for example row 7: \[5\.0, 2\.0, 3\.0, 4\.0\]",
        ),
        (lambda X, y: (X, with_row(y, 3, (5, 5, 5, 9))), r"row 3.*one behind the last pixel"),
        (
            lambda X, y: (X, with_row(y, 9, (4, 4, 11, 8))),
            r"1 of 40 rows leaves the image, which is 10 wide and 12 high, for example row 9.*clip",
        ),
        (lambda X, y: (X, with_row(y, 0, (-1, 4, 5, 8))), r"leaves the image.*row 0: \[-1\.0"),
        (lambda X, y: (X, y[:, :3]), r"shape \(n_samples, 4\); got \(40, 3\)"),
        (lambda X, y: (X, y[0]), r"got \(4,\).*A single box is \[\[x1, y1, x2, y2\]\]"),
        (lambda X, y: (X, y[:, None]), r"got \(40, 1, 4\)"),
        (lambda X, y: (X, np.where(y == y[3, 2], np.nan, y)), r"NaN"),
        (lambda X, y: (X, np.full((40, 4), "left")), r"four numbers .*could not convert"),
        (
            lambda X, y: (X, [*y[:39].tolist(), [1, 2]]),
            r"exactly one box .*row 39 of 40 has the shape \(2,\)",
        ),
        (lambda X, y: (X, with_row(y, 4, np.nan)), r"NaN"),
        (lambda X, y: (X, y / (10, 12, 10, 12)), r"shares of the image.*y \* \(10, 12, 10, 12\)"),
        (
            lambda X, y: (X, [*y[:-1], y[:2]]),
            r"exactly one box per image.*row 39 of 40 has the shape \(2, 4\).*Leave out",
        ),
        (lambda X, y: (X, [None, *y[1:]]), r"row 0 of 40 has the shape \(\)"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X[:30], y), r"inconsistent numbers of samples"),
        (lambda X, y: ([*X[:9], X[9][:5]], y[:10]), r"images of unequal size: row 9"),
        (lambda X, y: (X.reshape(40, -1), y), r"X needs images of shape"),
        (lambda X, y: (np.stack((X, X, X), -1), y), r"axis 3, of 3, looks like the channels"),
    ],
)
def test_wrong_input_is_named(change, message):
    X, _, y = scenes()
    with pytest.raises(ValueError, match=message):
        regressor().fit(*change(X, y))


def test_wrong_boxes_are_named_in_score_too(fitted):
    model, X, y = fitted
    with pytest.raises(ValueError, match="would fit as x, y, width, height"):
        model.score(X, as_sizes(y))
    with pytest.raises(ValueError, match="1 of 40 rows holds NaN or infinity, for example row 4"):
        model.score(X, with_row(y, 4, np.nan))
    with pytest.raises(ValueError, match="target y is None"):
        model.score(X, None)
    assert model.score(X, y.astype(str)) == model.score(X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "dice"}, r"segmentation loss, and this needs one for boxes"),
        ({"loss": "gio"}, r"no boxes loss 'gio'\. Did you mean 'giou'"),
        ({"loss": CIoU(eps=0.0)}, r"CIoU needs eps > 0"),
        ({"loss": "lognormal_nll"}, r"needs y > 0"),
        ({"module": "mlp"}, r"'mlp' is a network for other data .* Choose 'locator' or 'cnn'"),
        ({"module": "locater"}, r"no built-in module 'locater'.*'locator'"),
        ({"module_params": {"widths": 3}}, r"'locator' has no parameter 'widths'.*channels"),
    ],
)
def test_wrong_parameters_are_named(params, message):
    X, _, y = scenes()
    with pytest.raises(ValueError, match=message):
        regressor(**params).fit(X, with_row(y, 0, (0, 0, 3, 3)))


def test_prediction_needs_a_fit_and_images_of_the_same_size(fitted):
    model, X, _ = fitted
    with pytest.raises(NotFittedError):
        regressor().predict(X)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 6, 10\).*trained on rows"):
        model.predict(X[:, :6])


# ---------------------------------------------------------------------- searches


GRID = [{"loss": ["mse", "giou", "ciou"]}, {"loss": ["smooth_l1"], "loss__beta": [0.1, 1.0]}]


def test_searches_over_losses_by_its_own_score():
    X, _, y = scenes(30)
    cv = KFold(3)
    model = regressor(max_epochs=8, lr=0.02)
    grid = GridSearchCV(model, GRID, cv=cv).fit(X, y)
    ours = LossSearchCV(model, GRID, cv=cv).fit(X, y)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"]
    )
    assert len(np.unique(grid.cv_results_["mean_test_score"])) > 3
    assert ours.best_params_ == grid.best_params_
    np.testing.assert_array_equal(ours.predict(X), grid.predict(X))


def test_works_at_the_end_of_a_pipeline_and_with_scorers():
    X, _, y = scenes()
    pipeline = make_pipeline(FunctionTransformer(np.negative), regressor())
    pipeline.set_params(neuralboxregressor__loss="huber", neuralboxregressor__loss__delta=0.5)
    assert pipeline.fit(X, y).predict(X).shape == (40, 4)
    scores = cross_val_score(regressor(), X, y, cv=2, scoring="neg_mean_absolute_error")
    assert (scores < 0).all()


def test_tags_are_true():
    tags = regressor().__sklearn_tags__()
    assert tags.estimator_type == "regressor"
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert not tags.target_tags.single_output


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn(check):
    check("NeuralBoxRegressor", NeuralBoxRegressor())
