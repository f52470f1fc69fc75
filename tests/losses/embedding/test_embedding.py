"""Losses for embeddings: equal to torch's, to sums over all pairs and triplets, blind to lengths
and turns, and sound at the edges."""

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
    Contrastive,
    CosineEmbedding,
    EmbeddingInfoNCE,
    EmbeddingLoss,
    HingeEmbedding,
    State,
    Triplet,
    get_loss,
    list_losses,
)
from sklloss.losses import pairs as pair_sums
from sklloss.losses.catalogue import CATALOGUE
from sklloss.losses.embedding.embedding import (
    AnchorLoss,
    PairLoss,
    distance,
    excess,
    unit,
)

ALL = (
    *(cls() for cls in CATALOGUE if cls.task == "embedding"),
    CosineEmbedding(margin=0.4),
    CosineEmbedding(margin=-0.7),
    HingeEmbedding(margin=1.7),
    Contrastive(margin=0.3),
    Triplet(margin=0.2),
    EmbeddingInfoNCE(temperature=0.5),
)
each = pytest.mark.parametrize("loss", ALL, ids=repr)
kinds = pytest.mark.parametrize("n_sides", [1, 2], ids=["rows", "pairs"])
OF_ROWS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 3])[
    :, None
]  # the last is the only one of its class
OF_PAIRS = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 0], [1, 0], [2, 1], [3, 3], [0, 1], [0, 0]])
N_COMPONENTS = 5


def draw(loss, n_sides=1, dtype=torch.float64, seed=0):
    """Return raw (n, sides, components), y, weights and the state."""
    generator = torch.Generator().manual_seed(seed)
    y = OF_ROWS if n_sides == 1 else OF_PAIRS
    raw = torch.randn(*y.shape, N_COMPONENTS, dtype=dtype, generator=generator)
    weights = 0.5 + torch.rand(len(y), dtype=dtype, generator=generator)
    return raw, y, weights, loss.prepare(y, weights)


def units(raw):
    """Return the vectors of each side as arrays of length 1."""
    values = raw.numpy()
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


# ---------------------------------------------------------------------- references


def all_pairs():
    product = itertools.product(range(len(OF_ROWS)), repeat=2)
    return [torch.tensor(p) for p in zip(*product, strict=True)]


def by_torch(loss, left, right, alike):
    """Return torch's loss of each pair of unit vectors."""
    sign = torch.where(alike, 1, -1)
    if isinstance(loss, CosineEmbedding):
        cosine_loss = torch.nn.CosineEmbeddingLoss(loss.margin, reduction="none")
        return cosine_loss(left, right, sign)
    d = (left - right).norm(dim=-1)
    if isinstance(loss, HingeEmbedding):
        return torch.nn.HingeEmbeddingLoss(loss.margin, reduction="none")(d, sign)
    return torch.where(alike, d, (loss.margin - d).clamp(min=0)) ** 2  # Hadsell's, doubled


OF_EACH_PAIR = [loss for loss in ALL if isinstance(loss, PairLoss)]


@pytest.mark.parametrize("loss", OF_EACH_PAIR, ids=repr)
def test_of_given_pairs_it_is_the_mean_of_torchs(loss):
    raw, y, weights, state = draw(loss, n_sides=2)
    left, right = torch.from_numpy(units(raw)).unbind(1)
    values = by_torch(loss, left, right, y[:, 0] == y[:, 1])
    assert loss(raw, y, state).item() == pytest.approx(values.mean().item(), abs=1e-9)
    expected = np.average(values.numpy(), weights=weights.numpy())
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("loss", OF_EACH_PAIR, ids=repr)
def test_of_rows_it_is_half_of_alike_and_half_of_unlike_pairs_by_torch(loss):
    raw, y, weights, state = draw(loss)
    vectors, (i, j) = torch.from_numpy(units(raw))[:, 0], all_pairs()
    alike = y[i, 0] == y[j, 0]
    values = by_torch(loss, vectors[i], vectors[j], alike)
    for w, found in [(None, loss(raw, y, state)), (weights, loss(raw, y, state, weights))]:
        pair_weights = (torch.ones(len(y)) if w is None else w).double()
        pair_weights = pair_weights[i] * pair_weights[j]
        halves = [
            np.average(values[kind].numpy(), weights=pair_weights[kind].numpy())
            for kind in (alike, ~alike)
        ]
        assert found.item() == pytest.approx(np.mean(halves), abs=1e-7)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_triplet_is_the_mean_of_torchs_over_all_triplets(margin):
    loss = Triplet(margin)
    raw, y, weights, state = draw(loss)
    v, labels = torch.from_numpy(units(raw))[:, 0], y[:, 0].tolist()
    triplets = [
        (a, p, n)
        for a, p, n in itertools.product(range(len(y)), repeat=3)
        if labels[a] == labels[p] != labels[n]
    ]
    a, p, n = (torch.tensor(column) for column in zip(*triplets, strict=True))
    torchs = torch.nn.TripletMarginLoss(margin, eps=0.0, reduction="none")
    values = torchs(v[a], v[p], v[n])
    assert loss(raw, y, state).item() == pytest.approx(values.mean().item(), abs=1e-7)
    expected = np.average(values, weights=weights[a] * weights[p] * weights[n])
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, abs=1e-7)


def test_triplet_of_pairs_is_the_mean_of_torchs_over_rights_of_other_pairs():
    raw, y, _, state = draw(Triplet(), n_sides=2)
    left, right = torch.from_numpy(units(raw)).unbind(1)
    alike = (y[:, 0] == y[:, 1]).nonzero()[:, 0].tolist()
    pairs = [(i, j) for i in alike for j in range(len(y)) if i != j]
    i, j = (torch.tensor(column) for column in zip(*pairs, strict=True))
    value = torch.nn.TripletMarginLoss(1.0, eps=0.0)(left[i], right[i], right[j])
    assert Triplet()(raw, y, state).item() == pytest.approx(value.item(), abs=1e-7)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_infonce_of_pairs_is_torchs_cross_entropy_of_finding_the_right_one(temperature):
    loss = EmbeddingInfoNCE(temperature)
    raw, y, _, state = draw(loss, n_sides=2)
    left, right = torch.from_numpy(units(raw)).unbind(1)
    values = torch.nn.functional.cross_entropy(
        left @ right.T / temperature, torch.arange(len(y)), reduction="none"
    )
    alike = y[:, 0] == y[:, 1]
    expected = values[alike].mean().item()
    assert loss(raw, y, state).item() == pytest.approx(expected, abs=1e-9)
    assert loss(raw, y, state, 3 * torch.ones(9).double()).item() == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_infonce_of_rows_is_the_formula_of_supervised_contrastive_learning(temperature):
    """Khosla 2020, equation 2, in loops."""
    loss = EmbeddingInfoNCE(temperature)
    raw, y, _, state = draw(loss)
    s = units(raw)[:, 0] @ units(raw)[:, 0].T / temperature
    labels, of_anchor = y[:, 0].tolist(), []
    for i in range(len(y)):
        others = [a for a in range(len(y)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        total = np.log(sum(np.exp(s[i, a]) for a in others))
        if positives:
            of_anchor.append(np.mean([total - s[i, p] for p in positives]))
    assert len(of_anchor) == len(y) - 1  # the last row is alone in its class
    assert loss(raw, y, state).item() == pytest.approx(np.mean(of_anchor), abs=1e-9)


def nt_xent(vectors, labels, temperature):
    """Chen 2020, algorithm 1, in loops: each row of a pair against all rows but itself."""
    s = vectors @ vectors.T / temperature
    of_pair = []
    for i, j in itertools.permutations(range(len(labels)), 2):
        if labels[i] == labels[j]:
            others = [k for k in range(len(labels)) if k != i]
            of_pair.append(np.log(sum(np.exp(s[i, k]) for k in others)) - s[i, j])
    return np.mean(of_pair)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_infonce_of_two_rows_per_class_is_nt_xent(temperature):
    loss, y = EmbeddingInfoNCE(temperature), torch.tensor([0, 1, 2, 3, 3, 1, 0, 2])[:, None]
    raw = torch.randn(8, 1, N_COMPONENTS, generator=torch.Generator().manual_seed(0)).double()
    expected = nt_xent(units(raw)[:, 0], y[:, 0].tolist(), temperature)
    state = loss.prepare(y, torch.ones(8).double())
    assert loss(raw, y, state).item() == pytest.approx(expected, abs=1e-9)


def test_nt_xent_of_more_rows_is_another_loss_and_no_name_of_this_one():
    """A pair against its negatives alone, as metric learning libraries extend it."""
    loss, y = EmbeddingInfoNCE(0.5), torch.arange(9)[:, None] % 3
    raw = torch.randn(9, 1, N_COMPONENTS, generator=torch.Generator().manual_seed(0)).double()
    s = units(raw)[:, 0] @ units(raw)[:, 0].T / 0.5
    of_pair = []
    for i, j in itertools.permutations(range(9), 2):
        if i % 3 == j % 3:
            negatives = sum(np.exp(s[i, k]) for k in range(9) if k % 3 != i % 3)
            of_pair.append(np.log(np.exp(s[i, j]) + negatives) - s[i, j])
    value = loss(raw, y, loss.prepare(y, torch.ones(9).double())).item()
    assert value - np.mean(of_pair) > 0.05
    with pytest.raises(ValueError, match="no embedding loss 'nt_xent'"):
        get_loss("nt_xent", task="embedding")


def test_excess_is_the_sum_over_the_table_of_differences():
    generator = torch.Generator().manual_seed(0)
    level, values = torch.rand(2, 3, 7, 8, generator=generator).double()
    weight = torch.rand(3, 1, 8, generator=generator).double()
    table = (level.unsqueeze(-1) - values.unsqueeze(-2)).clamp(min=0) * weight.unsqueeze(-2)
    torch.testing.assert_close(excess(level, values, weight), table.sum(-1))


# ---------------------------------------------------------------------- calculus


@each
@kinds
def test_gradient_is_the_derivative(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    raw.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: loss(r, y, state, weights), raw, atol=1e-6)


@each
@kinds
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-6, 1.0, 1e4])
def test_value_and_gradient_are_finite_in_float32(loss, n_sides, size):
    raw, y, weights, state = draw(loss, n_sides, dtype=torch.float32)
    raw = (size * raw.sign()).requires_grad_()
    value = loss(raw, y, state, weights)
    value.backward()
    assert value.isfinite()
    assert raw.grad.isfinite().all()


@each
@kinds
def test_value_and_gradient_are_finite_where_vectors_meet_or_are_opposite(loss, n_sides):
    _, y, weights, state = draw(loss, n_sides)
    for signs in (torch.ones(len(y)), torch.arange(len(y)) % 2 * 2.0 - 1):
        raw = signs[:, None, None].double().expand(*y.shape, N_COMPONENTS).clone().requires_grad_()
        value = loss(raw, y, state, weights)
        value.backward()
        assert value.isfinite()
        assert raw.grad.isfinite().all()


@each
@kinds
def test_only_directions_count_and_turning_all_of_them_changes_nothing(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    value = loss(raw, y, state, weights)
    lengths = torch.rand(*y.shape, 1, generator=torch.Generator().manual_seed(1)).double() + 0.1
    torch.testing.assert_close(loss(raw * lengths, y, state, weights), value)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(2)).double())
    torch.testing.assert_close(loss(raw @ turn.Q, y, state, weights), value)


@each
@kinds
def test_neither_the_order_of_rows_nor_the_names_of_classes_count(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    value = loss(raw, y, state, weights)
    torch.testing.assert_close(loss(raw[order], y[order], state, weights[order]), value)
    torch.testing.assert_close(loss(raw, 7 - y, state, weights), value)


@each
@kinds
def test_drawing_classes_together_lowers_the_loss(loss, n_sides):
    raw, y, _, state = draw(loss, n_sides)
    corners = torch.eye(4, N_COMPONENTS, dtype=torch.float64)[y]
    if n_sides == 2 and isinstance(loss, AnchorLoss):  # every pair of a batch has its own corner
        y = torch.arange(5)[:, None].expand(-1, 2)
        raw, corners = raw[:5], torch.eye(5, dtype=torch.float64)[y]
    at_one_point = torch.ones_like(raw)
    assert loss(corners, y, state) < loss(raw, y, state)
    assert loss(corners, y, state) < loss(at_one_point, y, state)


def test_distance_is_that_of_unit_vectors_and_0_without_a_slope_where_they_meet():
    cosine = torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.0 + 1e-7], requires_grad=True)
    d = distance(cosine)
    torch.testing.assert_close(d, torch.tensor([2.0, 2**0.5, 1.0, 0.0, 0.0]))
    d.sum().backward()
    assert cosine.grad[3:].tolist() == [0, 0]


def test_a_vector_without_direction_stays_and_has_a_gradient_of_its_size():
    raw = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e-20, 0.0]], requires_grad=True)
    vectors = unit(raw)
    torch.testing.assert_close(vectors[:2], torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
    vectors.sum().backward()
    assert raw.grad.abs().max() <= 1


# ---------------------------------------------------------------------- weights and batches


REPEATABLE = [loss for loss in ALL if not isinstance(loss, EmbeddingInfoNCE)]


@pytest.mark.parametrize("loss", REPEATABLE, ids=repr)
def test_weight_2_is_a_row_repeated(loss):
    raw, y, _, state = draw(loss)
    weights = torch.tensor([2, 1, 1, 3, 1, 1, 1, 2, 2])
    repeated = [t.repeat_interleave(weights, 0) for t in (raw, y)]
    torch.testing.assert_close(loss(raw, y, state, weights.double()), loss(*repeated, state))


@pytest.mark.parametrize("loss", OF_EACH_PAIR, ids=repr)
def test_weight_2_is_a_pair_repeated(loss):
    raw, y, _, state = draw(loss, n_sides=2)
    weights = torch.tensor([2, 0, 1, 3, 1, 1, 1, 2, 2])
    repeated = [t.repeat_interleave(weights, 0) for t in (raw, y)]
    torch.testing.assert_close(loss(raw, y, state, weights.double()), loss(*repeated, state))


@each
@kinds
def test_weight_0_is_a_row_removed(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    weights[[1, 6, 7]] = 0
    kept = weights > 0
    value = loss(raw, y, state, weights)
    torch.testing.assert_close(value, loss(raw[kept], y[kept], state, weights[kept]))


@each
@kinds
def test_only_ratios_of_weights_count(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    value = loss(raw, y, state, weights)
    torch.testing.assert_close(loss(raw, y, state, 1000 * weights), value)


@each
def test_a_batch_of_one_class_and_a_batch_of_single_rows_have_finite_values(loss):
    raw, y, weights, state = draw(loss)
    for labels in (torch.zeros_like(y), torch.arange(len(y))[:, None]):
        leaf = raw.clone().requires_grad_()
        value = loss(leaf, labels, state, weights)
        value.backward()
        assert value.isfinite()
        assert leaf.grad.isfinite().all()
    alone = loss(raw[:1], y[:1], state, weights[:1])
    assert alone.item() == pytest.approx(0, abs=1e-7)


@each
def test_the_loss_of_a_batch_is_counted_with_its_weight(loss):
    raw, y, weights, state = draw(loss)
    total = loss.total(raw, y, state, weights)
    torch.testing.assert_close(total, loss(raw, y, state, weights) * weights.sum())


@each
@kinds
@pytest.mark.parametrize("cut", ["raw", "y", "sample_weight"])
def test_shapes_that_would_broadcast_are_refused(loss, n_sides, cut):
    raw, y, weights, state = draw(loss, n_sides)
    arguments = {"raw": raw, "y": y, "sample_weight": weights}
    arguments[cut] = arguments[cut][:1]
    with pytest.raises(ValueError, match="Add or drop an axis"):
        loss(arguments["raw"], arguments["y"], state, arguments["sample_weight"])


@each
@kinds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stacked_equals_alone_bit_for_bit(loss, n_sides, dtype):
    (name,) = loss.params
    settings = [loss, *(loss.replace(**{name: value}) for value in (0.3, 0.9))]
    drawn = [draw(s, n_sides, dtype=dtype, seed=i) for i, s in enumerate(settings)]
    raw, y, weights = (torch.stack([d[i] for d in drawn]) for i in range(3))
    leaf = raw.clone().requires_grad_()
    values = loss(leaf, y, State.stack([d[3] for d in drawn]), weights)
    values.sum().backward()
    for k, (raw_k, y_k, weights_k, state_k) in enumerate(drawn):
        alone_leaf = raw_k[None].clone().requires_grad_()
        alone = settings[k](alone_leaf, y_k[None], State.stack([state_k]), weights_k[None])
        alone.sum().backward()
        assert torch.equal(values[k : k + 1], alone)
        assert torch.equal(leaf.grad[k], alone_leaf.grad[0])


# ---------------------------------------------------------------------- contract


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
        CosineEmbedding(1.5),
        CosineEmbedding(-1.5),
        HingeEmbedding(0.0),
        Contrastive(-1.0),
        Triplet(0.0),
        Triplet(float("nan")),
        EmbeddingInfoNCE(0.0),
    ],
)
def test_parameters_outside_their_domain_are_named(loss):
    (name,) = loss.params
    with pytest.raises(ValueError, match=f"{type(loss).__name__} needs .*{name}"):
        loss.check_params()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CosineEmbeddingLoss", CosineEmbedding),
        ("HingeEmbeddingLoss", HingeEmbedding),
        ("contrastive", Contrastive),
        ("TripletMarginLoss", Triplet),
        ("infonce", EmbeddingInfoNCE),
        ("InfoNCE", EmbeddingInfoNCE),
        ("sup_con", EmbeddingInfoNCE),
    ],
)
def test_names_mean_the_loss_of_their_task(name, kind):
    assert type(get_loss(name, task="embedding")) is kind


def test_the_five_are_listed():
    names = ["cosine_embedding", "hinge_embedding", "contrastive", "triplet", "infonce"]
    assert list_losses("embedding").name.tolist() == names
    assert get_loss("triplet", task="embedding", margin=0.2) == Triplet(0.2)
    with pytest.raises(ValueError, match=r"embedding loss, and this needs one for regression"):
        get_loss(Triplet(), task="regression")


def test_classes_of_torch_are_pointed_to_their_names():
    for given in (torch.nn.TripletMarginLoss, torch.nn.CosineEmbeddingLoss(0.5)):
        name = given.__name__ if isinstance(given, type) else type(given).__name__
        with pytest.raises(ValueError, match=f"rows paired by hand.*loss='{name}'"):
            get_loss(given, task="embedding")


@each
@kinds
def test_the_best_constant_has_all_rows_at_one_point(loss, n_sides):
    raw, y, weights, state = draw(loss, n_sides)
    baseline = loss.baseline(y, weights, state)
    constant = loss.constant_raw(baseline, y, state)
    assert constant.shape == (*y.shape, 1)
    at_one_point = raw[:1, :1].expand_as(raw)
    expected = loss(at_one_point, y, state, weights)
    torch.testing.assert_close(loss(constant, y, state, weights), expected)


@each
def test_predictions_are_unit_vectors(loss):
    raw, y, _, state = draw(loss)
    np.testing.assert_allclose(loss.predict(raw, state), units(raw))
    np.testing.assert_allclose(loss.inverse_link(raw, state), units(raw))
    assert loss.shaped(raw.flatten(1), y, state).shape == raw.shape
    assert loss.n_outputs() == 1


def test_there_is_no_loss_per_row():
    raw, y, _, state = draw(Triplet())
    with pytest.raises(TypeError, match="Triplet has a value per batch, but none per row"):
        Triplet().pointwise(raw, y, state)
    with pytest.raises(NotImplementedError, match="needs a method of_vectors"):
        EmbeddingLoss().of_vectors(raw, y, state, torch.ones(9))


@each
@kinds
def test_blocks_of_anchors_sum_to_the_whole(loss, n_sides, monkeypatch):
    raw, y, weights, state = draw(loss, n_sides)

    def value_and_gradient():
        leaf = raw.clone().requires_grad_()
        value = loss(leaf, y, state, weights)
        return value.detach(), *torch.autograd.grad(value, leaf)

    whole = value_and_gradient()
    # Blocks of four, of four and of one.
    monkeypatch.setattr(pair_sums, "PAIRS_AT_ONCE", 40)
    for found, expected in zip(value_and_gradient(), whole, strict=True):
        torch.testing.assert_close(found, expected)


# Prints how many MiB a gradient over one batch of 6,000 rows adds to the process.
MEMORY = """
import resource
import torch
from sklloss.losses import get_loss
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
torch.set_num_threads(1)
for size in (100, 6_000):
    before, loss = peak(), get_loss({name!r}, task="embedding")
    y = torch.arange(size)[:, None] % 10
    raw = torch.linspace(-1, 1, size * 4).view(size, 1, 4).sin().requires_grad_()
    loss(raw, y, loss.prepare(y, torch.ones(size))).backward()
print(peak() - before)
"""


@pytest.mark.parametrize("name", ["cosine_embedding", "contrastive", "infonce"])
def test_a_large_batch_takes_bounded_memory(name):
    added = int(subprocess.check_output([sys.executable, "-c", MEMORY.format(name=name)]))
    # One number for every pair takes 137 MiB, and a gradient needs at least seven of them.
    assert added < 300
