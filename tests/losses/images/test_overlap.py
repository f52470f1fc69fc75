"""Losses of an image's regions: laws, and numbers of MONAI."""

import copy
import pickle

import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import f1_score, jaccard_score

import sklloss.losses as losses
from sklloss.losses import Dice, State, Tversky, get_loss

SETTINGS = (
    Dice(),
    Dice(smooth=0.0),
    Dice(smooth=0.1, include_background=False),
    Tversky(),
    Tversky(alpha=0.3, beta=0.7),
    Tversky(alpha=2.0, beta=0.1, smooth=0.0, include_background=False),
)
each = pytest.mark.parametrize("loss", SETTINGS, ids=repr)

# Computed with MONAI 1.6.1, DiceLoss and TverskyLoss(alpha=0.3, beta=0.7), softmax=True,
# to_onehot_y=True, reduction="none", averaged over classes; smooth_nr = smooth_dr = smooth.
RAW = [
    [[2.0, -1.0, 0.5], [0.0, 1.0, -2.0], [0.3, 0.2, 0.1], [-1.0, 0.0, 3.0]],
    [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [-3.0, 1.0, 0.0], [0.7, -0.7, 2.0]],
]
LABELS = [[0, 1, 1, 2], [2, 2, 0, 2]]  # the second image lacks class 1
OF_MONAI = [
    (Dice(1.0), [0.22372585432917705, 0.47952148200442135]),
    (Dice(1.0, include_background=False), [0.2104632536572547, 0.4136811463631072]),
    (Dice(1e-5), [0.3078997359790299, 0.7624408780069567]),
    (Dice(1e-5, include_background=False), [0.28522024170570415, 0.6517209618767023]),
    (Tversky(0.3, 0.7, 1.0), [0.1698354317237907, 0.3371363046608078]),
    (Tversky(0.3, 0.7, 1.0, False), [0.1741393200250192, 0.27346690695816184]),
    (Tversky(0.3, 0.7, 1e-5), [0.2937378141754783, 0.779867431305752]),
    (Tversky(0.3, 0.7, 1e-5, False), [0.28858012347122913, 0.6772129994863729]),
]
WEIGHTED_SUM = [
    1.5923097785639206,
    3.0248135461419476,
]  # DiceLoss(weight=[1, 2, 5]), before the mean
OF_SIGMOID = 0.24006781476526762  # DiceLoss(sigmoid=True), one channel for two classes


def images():
    """Return raw (2, 4, 3) and labels (2, 4) of the images that MONAI was shown."""
    return torch.tensor(RAW, dtype=torch.float64), torch.tensor(LABELS)


def state_of(loss, y, n_classes, dtype=torch.float64):
    return loss.prepare(y.reshape(-1, 1), torch.ones(y.numel(), dtype=dtype), n_classes)


def draw(loss, n=5, n_pixels=12, n_classes=3, dtype=torch.float64, seed=0):
    """Return raw (n, pixels, outputs), labels (n, pixels), weights (n,) and the state."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(n_classes, (n, n_pixels), generator=generator)
    y[0] = 0  # an image of one class
    width = loss.n_outputs(n_classes)
    raw = torch.randn(n, n_pixels, width, dtype=dtype, generator=generator)
    weights = 0.5 + torch.rand(n, dtype=dtype, generator=generator)
    return raw, y, weights, state_of(loss, y, n_classes, dtype)


@pytest.mark.parametrize(("loss", "expected"), OF_MONAI, ids=lambda value: repr(value)[:70])
def test_equals_monai(loss, expected):
    raw, y = images()
    assert loss.of_row(raw, y, state_of(loss, y, 3)).tolist() == pytest.approx(expected, rel=1e-12)


def test_weights_of_classes_equal_monai_up_to_their_sum():
    raw, y = images()
    state = state_of(Dice(), y, 3)
    state["weight_by_class"] = torch.tensor([[[1.0, 2.0, 5.0]]], dtype=torch.float64)
    expected = [value / 8 for value in WEIGHTED_SUM]
    assert Dice().of_row(raw, y, state).tolist() == pytest.approx(expected, rel=1e-12)


def test_one_output_for_two_classes_equals_monais_sigmoid():
    raw = torch.tensor([[[2.0], [-1.0], [0.5], [0.0]]], dtype=torch.float64)
    y = torch.tensor([[1, 0, 1, 0]])
    loss = Dice(include_background=False)
    assert loss(raw, y, state_of(loss, y, 2)).item() == pytest.approx(OF_SIGMOID, rel=1e-12)


@pytest.mark.parametrize("include_background", [True, False])
def test_certain_decisions_cost_one_minus_scikit_learns_scores(include_background):
    """With logits of ±1e3 probabilities are decisions: Dice is F1, and Tversky(1, 1) the Jaccard
    index."""
    raw, y = images()
    raw, y = 1e3 * raw[:1], y[:1]  # which has all classes
    predicted, labels = raw.argmax(-1)[0], list(range(1 - include_background, 3))
    pairs = [
        (Dice(0.0, include_background), f1_score),
        (Tversky(1.0, 1.0, 0.0, include_background), jaccard_score),
    ]
    for loss, score in pairs:
        expected = score(y[0], predicted, labels=labels, average="macro", zero_division=0)
        assert 1 - loss(raw, y, state_of(loss, y, 3)).item() == pytest.approx(expected)


def test_tversky_of_halves_is_dice():
    raw, y, _, state = draw(Dice())
    torch.testing.assert_close(
        Tversky().of_row(raw, y, state_of(Tversky(), y, 3)), Dice().of_row(raw, y, state)
    )


def test_beta_above_alpha_makes_missed_pixels_dearer():
    y = torch.tensor([[0, 0, 1, 1]])
    missed = torch.tensor([[[-9.0], [-9.0], [-9.0], [9.0]]], dtype=torch.float64)
    added = torch.tensor([[[-9.0], [9.0], [9.0], [9.0]]], dtype=torch.float64)
    loss = Tversky(alpha=0.2, beta=0.8, smooth=0.0, include_background=False)
    state = state_of(loss, y, 2)
    assert loss(missed, y, state).item() == pytest.approx(1 - 1 / 1.8, abs=1e-3)
    assert loss(added, y, state).item() == pytest.approx(1 - 2 / 2.2, abs=1e-3)


@each
@pytest.mark.parametrize("n_classes", [2, 3])
def test_gradient_is_the_derivative(loss, n_classes):
    raw, y, _, state = draw(loss, n_classes=n_classes)
    state["weight_by_class"] = torch.arange(1.0, n_classes + 1).double().reshape(1, 1, -1)
    assert torch.autograd.gradcheck(lambda r: loss.of_row(r, y, state), raw.requires_grad_())


@each
@pytest.mark.parametrize("size", [1.0, 30.0, 1e3, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, size):
    raw, y, _, state = draw(loss, n=40, n_pixels=200, dtype=torch.float32)
    raw = (size * raw.sign() * raw.abs().clamp(max=1)).requires_grad_()
    value = loss.pointwise(raw, y, state)
    value.sum().backward()
    assert value.isfinite().all()
    assert raw.grad.isfinite().all()


@each
def test_truth_is_the_minimum(loss):
    """The true mask costs 0, up to classes that an image lacks without smoothing; any change of a
    pixel costs more."""
    _, y, _, state = draw(loss)
    certain = 50 * (2 * torch.nn.functional.one_hot(y, 3).double() - 1)
    least = loss.of_row(certain, y, state)
    lacks = torch.stack([(y != k).all(1) for k in range(3)], 1)
    counted = lacks[:, 1:] if not loss.include_background else lacks
    expected = counted.double().mean(1) if loss.smooth == 0 else torch.zeros(5).double()
    torch.testing.assert_close(least, expected, rtol=0, atol=1e-9)
    for pixel in range(12):
        wrong = certain.clone()
        wrong[:, pixel] = certain[:, pixel].roll(1, -1)
        assert (loss.of_row(wrong, y, state) >= least - 1e-9).all()
    assert (loss.of_row(-certain, y, state) > least)[1:].all()


def test_smoothing_lets_absent_classes_cost_nothing():
    y = torch.zeros(1, 9, dtype=torch.long)
    certain = torch.tensor([50.0, -50.0, -50.0]).double().expand(1, 9, 3)
    assert Dice(1.0)(certain, y, state_of(Dice(), y, 3)).item() == pytest.approx(0, abs=1e-12)
    loss = Dice(0.0)
    assert loss(certain, y, state_of(loss, y, 3)).item() == pytest.approx(2 / 3)


@each
def test_every_pixel_carries_its_images_loss_and_weights_count_images(loss):
    raw, y, weights, state = draw(loss)
    rows, values = loss.of_row(raw, y, state), loss.pointwise(raw, y, state)
    assert values.shape == y.shape
    torch.testing.assert_close(values, rows[:, None].expand(y.shape), rtol=0, atol=0)
    expected = (rows * weights).sum() / weights.sum()
    torch.testing.assert_close(loss(raw, y, state, weights), expected)
    whole = torch.tensor([2.0, 0.0, 1.0, 3.0, 1.0]).double()
    repeats = whole.long()
    repeated = [each.repeat_interleave(repeats, 0) for each in (raw, y)]
    torch.testing.assert_close(loss(raw, y, state, whole), loss(*repeated, state))


@each
def test_stacked_equals_alone_bit_for_bit(loss):
    settings = [loss, loss.replace(smooth=0.5), loss.replace(smooth=2.0)]
    drawn = [draw(s, n=64, n_pixels=64, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    state = State.stack([d[3] for d in drawn])
    rows, means = loss.of_row(raw, y, state), loss(raw, y, state, weights)
    for k, (setting, (raw_k, y_k, weights_k, state_k)) in enumerate(
        zip(settings, drawn, strict=True)
    ):
        torch.testing.assert_close(rows[k], setting.of_row(raw_k, y_k, state_k), rtol=0, atol=0)
        torch.testing.assert_close(means[k], setting(raw_k, y_k, state_k, weights_k))


@each
def test_there_is_a_decision_and_no_posterior(loss):
    raw, _, _, state = draw(loss)
    assert not hasattr(loss, "predict_proba")
    assert torch.equal(loss.predict(raw, state), raw.argmax(-1))


@each
def test_start_is_the_shares_of_the_classes(loss):
    _, y, _, state = draw(loss)
    flat = y.reshape(-1, 1)
    start = loss.baseline(flat, torch.ones(len(flat)).double(), state)
    shares = torch.bincount(flat[:, 0], minlength=3).double() / len(flat)
    torch.testing.assert_close(start.softmax(-1)[0], shares)


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


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Dice(smooth=-1.0), r"Dice needs smooth >= 0; got -1\.0.*default"),
        (Dice(include_background=1), r"Dice needs include_background to be one of True, False"),
        (Tversky(alpha=0.0), r"Tversky needs alpha > 0; got 0\.0.*default"),
        (Tversky(beta=-2.0), r"Tversky needs beta > 0; got -2\.0.*default"),
    ],
)
def test_parameters_outside_their_domain_are_named(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.check_params()


@pytest.mark.parametrize(
    ("name", "task", "kind"),
    [
        ("dice", "segmentation", "Dice"),
        ("DiceLoss", "segmentation", "Dice"),
        ("tversky", "segmentation", "Tversky"),
        ("dice", "classification", "SoftF1"),
        ("cross_entropy", "segmentation", "CrossEntropy"),
        ("mse", "segmentation", "Brier"),
        ("focal", "segmentation", "Focal"),
    ],
)
def test_names_mean_the_loss_of_their_task(name, task, kind):
    assert type(get_loss(name, task=task)).__name__ == kind


def test_shapes_that_would_broadcast_are_refused():
    raw, y, weights, state = draw(Dice())
    with pytest.raises(ValueError, match="Add or drop an axis"):
        Dice()(raw, y[:, :1], state, weights)
