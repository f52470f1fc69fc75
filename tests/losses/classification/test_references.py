"""Values of the classification losses equal to references that we did not write, or to formulas."""

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from sklearn import metrics
from sklearn._loss import loss as sklearn_loss
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model._sgd_fast import ModifiedHuber as SGDModifiedHuber
from sklearn.linear_model._sgd_fast import SquaredHinge as SGDSquaredHinge
from torch import nn

from sklloss.losses import (
    LDAM,
    ActivePassive,
    Asymmetric,
    AUCMargin,
    BiTempered,
    Bootstrap,
    Brier,
    ClassBalanced,
    Coral,
    Corn,
    CrossEntropy,
    CumulativeLink,
    Exponential,
    Focal,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    Hinge,
    LogitAdjusted,
    ModifiedHuber,
    MultiMargin,
    NormalizedCrossEntropy,
    Poly1,
    ProbabilityAbsoluteError,
    ProbabilityHuber,
    SoftF1,
    SquaredHinge,
    SquaredLogits,
    SymmetricCrossEntropy,
    TaylorCrossEntropy,
)

from ..random_batches import draw, values

COUNTS = (40, 25, 10, 5)


def counted(loss, n_classes=4):
    """Return raw (n, outputs), y (n,), the state and the loss of each row, for classes of unequal
    counts."""
    y = torch.repeat_interleave(torch.arange(n_classes), torch.tensor(COUNTS[:n_classes]))[:, None]
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(
        len(y), 1, loss.n_outputs(n_classes), dtype=torch.float64, generator=generator
    )
    state = loss.prepare(y, torch.ones(len(y)).double(), n_classes)
    return raw[:, 0], y[:, 0], state, loss.pointwise(raw, y, state)[:, 0].numpy()


def entropy_of(scores, y, **options):
    return nn.functional.cross_entropy(scores, y, reduction="none", **options)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_equals_torch(smoothing):
    loss = CrossEntropy(label_smoothing=smoothing)
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    expected = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)(raw[:, 0], y[:, 0])
    np.testing.assert_allclose(values(loss, raw, y, state), expected, rtol=1e-6)


def test_binary_cross_entropy_equals_torch():
    raw, y, _, state = draw(CrossEntropy(), n=50, n_targets=1, n_classes=2)
    expected = nn.BCEWithLogitsLoss(reduction="none")(raw[:, 0, 0], y[:, 0].double())
    np.testing.assert_allclose(values(CrossEntropy(), raw, y, state), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (Brier(), lambda p, e: ((p - e) ** 2).sum(1)),
        (ProbabilityAbsoluteError(), lambda p, e: abs(p - e).sum(1)),
        (ProbabilityHuber(delta=0.3), lambda p, e: special.huber(0.3, p - e).sum(1)),
        (Focal(gamma=1.5), lambda p, e: (-e * (1 - p) ** 1.5 * np.log(p)).sum(1)),
        (
            Focal(gamma=2.0, alpha=(1.0, 2.0, 3.0, 4.0)),
            lambda p, e: (-e * [1, 2, 3, 4] * (1 - p) ** 2 * np.log(p)).sum(1),
        ),
    ],
)
def test_probability_losses_equal_their_formulas(loss, reference):
    raw, y, _, state = draw(loss, n=50, n_targets=1)
    p = special.softmax(raw[:, 0].numpy(), axis=1)
    np.testing.assert_allclose(
        values(loss, raw, y, state), reference(p, np.eye(4)[y[:, 0]]), rtol=1e-6
    )


def test_focal_alpha_of_two_classes_is_the_share_of_the_second():
    loss = Focal(alpha=0.25)
    *_, state = draw(loss, n=50, n_targets=1, n_classes=2)
    assert state["alpha"].flatten().tolist() == [0.75, 0.25]
    with pytest.raises(ValueError, match="weights for 2 classes; y has 4"):
        draw(loss)


def test_hinge_equals_scikit_learn():
    raw, y, _, state = draw(Hinge(), n=50, n_targets=1)
    expected = metrics.hinge_loss(y[:, 0], raw[:, 0], labels=range(4))
    assert values(Hinge(), raw, y, state).mean() == pytest.approx(expected, rel=1e-6)
    raw, y, _, state = draw(Hinge(), n=50, n_targets=1, n_classes=2)
    expected = metrics.hinge_loss(y[:, 0], raw[:, 0, 0])
    assert values(Hinge(), raw, y, state).mean() == pytest.approx(expected, rel=1e-6)


def test_class_balanced_equals_weighted_cross_entropy():
    raw, y, _, mine = counted(ClassBalanced(beta=0.99))
    effective = (1 - 0.99 ** np.array(COUNTS)) / (1 - 0.99)
    weight = torch.from_numpy(4 / effective / (1 / effective).sum())
    np.testing.assert_allclose(mine, entropy_of(raw, y, weight=weight), rtol=1e-6)


def test_logit_adjusted_equals_shifted_cross_entropy():
    raw, y, _, mine = counted(LogitAdjusted(tau=1.5))
    prior = torch.tensor(COUNTS).double() / sum(COUNTS)
    np.testing.assert_allclose(mine, entropy_of(raw + 1.5 * prior.log(), y), rtol=1e-6)


def test_ldam_equals_shifted_cross_entropy():
    raw, y, _, mine = counted(LDAM(max_margin=0.4, scale=10.0))
    margins = np.array(COUNTS) ** -0.25
    margins *= 0.4 / margins.max()
    shifted = raw - nn.functional.one_hot(y) * torch.from_numpy(margins)
    np.testing.assert_allclose(mine, entropy_of(10 * shifted, y), rtol=1e-6)


def asymmetric_of_the_paper(x, present, gamma_neg, gamma_pos, clip):
    """The authors' implementation, in NumPy: per label."""
    positive = special.expit(x)
    negative = np.minimum(1 - positive + clip, 1)
    log_likelihood = np.where(present, np.log(positive), np.log(negative))
    p = np.where(present, positive, negative)
    return -log_likelihood * (1 - p) ** np.where(present, gamma_pos, gamma_neg)


@pytest.mark.parametrize("settings", [(4.0, 1.0, 0.05), (2.0, 0.0, 0.0), (0.0, 0.0, 0.0)])
def test_asymmetric_equals_its_authors_code(settings):
    loss = Asymmetric(*settings)
    raw, y, _, mine = counted(loss)
    expected = asymmetric_of_the_paper(raw.numpy(), np.eye(4)[y] == 1, *settings).sum(1)
    np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-12)
    raw, y, _, mine = counted(loss, n_classes=2)
    expected = asymmetric_of_the_paper(raw[:, 0].numpy(), y.numpy() == 1, *settings)
    np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-12)
    if settings == (0.0, 0.0, 0.0):
        entropy = nn.functional.binary_cross_entropy_with_logits(
            raw[:, 0], y.double(), reduction="none"
        )
        np.testing.assert_allclose(mine, entropy, rtol=1e-6)


def own(p, y):
    return p[np.arange(len(y)), y]


def soft_targets(p, y, beta, opinion):
    return -((beta * np.eye(4)[y] + (1 - beta) * opinion) * np.log(p)).sum(1)


NOISE = ((0.7, 0.1, 0.1, 0.1), (0.0, 0.8, 0.2, 0.0), (0.0, 0.0, 1.0, 0.0), (0.3, 0.3, 0.3, 0.1))


@pytest.mark.parametrize(
    ("loss", "formula"),
    [
        (GeneralizedCrossEntropy(q=0.3), lambda p, y: (1 - own(p, y) ** 0.3) / 0.3),
        (
            SymmetricCrossEntropy(alpha=0.2, beta=0.5),
            lambda p, y: -0.2 * np.log(own(p, y)) + 0.5 * 9.21 * (1 - own(p, y)),
        ),
        (NormalizedCrossEntropy(), lambda p, y: np.log(own(p, y)) / np.log(p).sum(1)),
        (
            ActivePassive(alpha=2.0, beta=0.5),
            lambda p, y: 2 * np.log(own(p, y)) / np.log(p).sum(1) + 0.5 * (1 - own(p, y)),
        ),
        (Bootstrap(), lambda p, y: soft_targets(p, y, 0.95, p)),
        (Bootstrap(beta=0.9), lambda p, y: soft_targets(p, y, 0.9, p)),
        (Bootstrap(hard=True), lambda p, y: soft_targets(p, y, 0.8, np.eye(4)[p.argmax(1)])),
        (ForwardCorrection(NOISE), lambda p, y: -np.log(own(p @ np.array(NOISE), y))),
        (
            ForwardCorrection(noise_rate=0.3),
            lambda p, y: -np.log(0.6 * own(p, y) + 0.1),
        ),
        (Poly1(epsilon=2.0), lambda p, y: -np.log(own(p, y)) + 2 * (1 - own(p, y))),
        (
            TaylorCrossEntropy(order=4),
            lambda p, y: sum((1 - own(p, y)) ** j / j for j in (1, 2, 3, 4)),
        ),
    ],
    ids=lambda v: repr(v) if hasattr(v, "name") else "",
)
def test_losses_of_softmax_equal_their_formulas(loss, formula):
    raw, y, _, mine = counted(loss)
    p = special.softmax(raw.numpy(), axis=1)
    np.testing.assert_allclose(mine, formula(p, y.numpy()), rtol=1e-6)


def tempered_softmax_by_root(z, t):
    """Find the normaliser of the tempered softmax by bracketing."""

    def mass(shift):
        return (np.maximum(1 + (1 - t) * (z - shift), 1e-300) ** (1 / (1 - t))).sum() - 1

    shift = optimize.brentq(mass, z.max(), z.max() + 1e4, xtol=1e-14, rtol=1e-15)
    return (1 + (1 - t) * (z - shift)) ** (1 / (1 - t))


@pytest.mark.parametrize(("t1", "t2"), [(0.8, 1.2), (0.2, 2.0)])
def test_bi_tempered_equals_its_definition(t1, t2):
    raw, y, state, mine = counted(BiTempered(t1=t1, t2=t2))
    p = np.array([tempered_softmax_by_root(z, t2) for z in raw.numpy()])
    log_t = (own(p, y.numpy()) ** (1 - t1) - 1) / (1 - t1)
    expected = -log_t - (1 - (p ** (2 - t1)).sum(1)) / (2 - t1)
    np.testing.assert_allclose(mine, expected, rtol=1e-5)
    shown = BiTempered(t1=t1, t2=t2).predict_proba(raw[:, None], state)[:, 0]
    np.testing.assert_allclose(shown, p, atol=1e-5)


@pytest.mark.parametrize("power", [1, 2])
def test_multi_margin_equals_torch(power):
    raw, y, _, mine = counted(MultiMargin(margin=0.7, power=power))
    reference = nn.MultiMarginLoss(p=power, margin=0.7, reduction="none")
    np.testing.assert_allclose(mine, reference(raw, y), rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (SquaredHinge(margin=1.0), SGDSquaredHinge(1.0).py_loss),
        (ModifiedHuber(), SGDModifiedHuber().py_loss),
        (Exponential(), lambda z, sign: np.exp(-sign * z)),
    ],
)
def test_binary_margin_losses_equal_scikit_learn(loss, reference):
    for n_classes in (2, 4):
        raw, y, _, mine = counted(loss, n_classes)
        labels = np.eye(4)[y] if n_classes == 4 else y[:, None].numpy()
        expected = [
            sum(reference(z, 2.0 * label - 1) for z, label in zip(*row, strict=True))
            for row in zip((2 * raw - raw).tolist(), labels, strict=True)
        ]
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-12)


def test_exponential_equals_scikit_learn():
    raw, y, _, mine = counted(Exponential(), n_classes=2)
    reference = sklearn_loss.ExponentialLoss().loss(y.double().numpy(), raw[:, 0].numpy().copy())
    np.testing.assert_allclose(mine, reference, rtol=1e-6)


def test_squared_logits_is_a_squared_distance():
    raw, y, _, mine = counted(SquaredLogits(scale=3.0))
    np.testing.assert_allclose(mine, ((raw.numpy() - 3 * np.eye(4)[y]) ** 2).sum(1), rtol=1e-6)


def test_soft_f1_of_sure_decisions_is_the_f1_score():
    loss = SoftF1(smooth=0.0)
    raw, y, weights, state = draw(loss, n=60, n_targets=1)
    decided = raw.argmax(-1)[:, 0]
    f1 = metrics.f1_score(y[:, 0], decided, average="macro", sample_weight=weights)
    sure = 1e4 * nn.functional.one_hot(decided, 4).double()[:, None]
    assert loss(sure, y, state, weights).item() == pytest.approx(1 - f1, abs=1e-9)
    labels = torch.randint(2, (60, 3), generator=torch.Generator().manual_seed(1))
    scores = 1e4 * torch.randn(60, 3, 1, generator=torch.Generator().manual_seed(2)).double()
    state = loss.prepare(labels, weights, 2)
    f1 = metrics.f1_score(labels, scores[..., 0] > 0, average="macro", sample_weight=weights)
    assert loss(scores, labels, state, weights).item() == pytest.approx(1 - f1, abs=1e-6)


def test_auc_margin_equals_weighted_moments_and_draws_its_threshold():
    loss = AUCMargin(margin=0.8)
    raw, y, weights, state = draw(loss, n=60, n_targets=1)
    scores, w, positive = raw[:, 0, 0].numpy(), weights.numpy(), y[:, 0].numpy() == 1

    def moments(rows):
        mean = np.average(scores[rows], weights=w[rows])
        return mean, np.average((scores[rows] - mean) ** 2, weights=w[rows])

    (upper, above), (lower, below) = moments(positive), moments(~positive)
    expected = above + below + max(0, 0.8 - upper + lower) ** 2
    assert loss(raw, y, state, weights).item() == pytest.approx(expected, rel=1e-9)
    state["raw_threshold"].requires_grad_()
    optimizer = torch.optim.SGD([state["raw_threshold"]], lr=0.0006)
    for _ in range(200):
        optimizer.zero_grad()
        loss(raw, y, state, weights).backward()
        optimizer.step()
    decision = loss.decision_function(raw, state)[:, 0, 0].detach().numpy()
    odds = np.log(w[~positive].sum() / w[positive].sum())
    moved = (above + below) / 2 / max(upper - lower, 0.05) * odds
    np.testing.assert_allclose(decision, scores - (upper + lower) / 2 - moved, atol=1e-6)


def test_threshold_of_auc_margin_is_that_of_discriminant_analysis():
    loss, source = AUCMargin(), np.random.default_rng(0)
    y = np.repeat([0, 1], [400, 100])
    scores = source.normal(size=500) + 2 * y
    # Equal variances in both classes, as discriminant analysis assumes.
    for label in (0, 1):
        rows = y == label
        scores[rows] = (scores[rows] - scores[rows].mean()) / scores[rows].std() + 2 * label
    raw, labels = torch.from_numpy(scores)[:, None, None], torch.from_numpy(y)[:, None]
    weights = torch.ones(500, dtype=torch.float64)
    state = loss.prepare(labels, weights, 2)
    state["raw_threshold"].requires_grad_()
    optimizer = torch.optim.SGD([state["raw_threshold"]], lr=0.0006)
    for _ in range(200):
        optimizer.zero_grad()
        loss(raw, labels, state, weights).backward()
        optimizer.step()
    reference = LinearDiscriminantAnalysis().fit(scores[:, None], y)
    decision = loss.decision_function(raw, state)[:, 0, 0].detach().numpy()
    expected = reference.decision_function(scores[:, None]) / reference.coef_[0, 0]
    np.testing.assert_allclose(decision, expected, atol=1e-6)


def test_auc_margin_of_one_class_alone_is_finite():
    loss = AUCMargin()
    raw, y, weights, state = draw(loss, n=10, n_targets=1)
    assert loss(raw, torch.ones_like(y), state, weights).isfinite()


def test_cumulative_link_equals_differences_of_the_logistic_law():
    loss = CumulativeLink()
    raw, y, state, mine = counted(loss)
    start = np.cumsum(COUNTS)[:-1] / sum(COUNTS)
    cutpoints = special.logit(start)
    edges = np.r_[-np.inf, cutpoints, np.inf]
    below, above = edges[y], edges[y.numpy() + 1]
    mass = stats.logistic.cdf(above - raw[:, 0].numpy()) - stats.logistic.cdf(
        below - raw[:, 0].numpy()
    )
    np.testing.assert_allclose(mine, -np.log(mass), rtol=1e-6)
    everywhere = np.diff(stats.logistic.cdf(edges - raw.numpy()), axis=1)
    shown = loss.predict_proba(raw[:, None], state)[:, 0]
    np.testing.assert_allclose(shown, everywhere, atol=1e-6)


def test_coral_equals_binary_cross_entropies():
    loss = Coral()
    raw, y, state, mine = counted(loss)
    biases = special.logit(1 - np.cumsum(COUNTS)[:-1] / sum(COUNTS))
    scores = raw + torch.from_numpy(biases)
    above = (y[:, None] > torch.arange(3)).double()
    expected = nn.functional.binary_cross_entropy_with_logits(scores, above, reduction="none")
    np.testing.assert_allclose(mine, expected.sum(1), rtol=1e-6)
    exceeding = np.c_[np.ones(len(y)), special.expit(scores.numpy()), np.zeros(len(y))]
    shown = loss.predict_proba(raw[:, None], state)[:, 0]
    np.testing.assert_allclose(shown, -np.diff(exceeding, axis=1), atol=1e-6)


def test_corn_equals_conditional_binary_cross_entropies():
    loss = Corn()
    raw, y, state, mine = counted(loss)
    expected = np.zeros(len(y))
    for k in range(3):
        asked = y > k - 1
        entropy = nn.functional.binary_cross_entropy_with_logits(
            raw[asked, k], (y[asked] > k).double(), reduction="none"
        )
        expected[asked] += entropy.numpy()
    np.testing.assert_allclose(mine, expected, rtol=1e-6)
    exceeding = np.cumprod(special.expit(raw.numpy()), axis=1)
    law = -np.diff(np.c_[np.ones(len(y)), exceeding, np.zeros(len(y))], axis=1)
    np.testing.assert_allclose(loss.predict_proba(raw[:, None], state)[:, 0], law, atol=1e-6)


@pytest.mark.parametrize("loss", [ClassBalanced(), LogitAdjusted(), LDAM()], ids=repr)
def test_class_counts_are_sums_of_weights_and_none_is_zero(loss):
    y = torch.tensor([[0], [1], [1], [2]])
    weighted = loss.prepare(y, torch.tensor([4.0, 1.0, 2.0, 1.0]), 3)
    repeated = loss.prepare(y.repeat_interleave(torch.tensor([4, 1, 2, 1]), 0), torch.ones(8), 3)
    for key in weighted:
        torch.testing.assert_close(weighted[key], repeated[key])
    with pytest.raises(ValueError, match="class at position 3 has no training rows"):
        loss.prepare(y, torch.ones(4), 4)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (((0.5, 0.5), (0.2, 0.8)), "to be 3 x 3"),
        (((0.5, 0.5, 0.0), (0.5, 0.2, 0.2), (0.0, 0.0, 1.0)), "summing to 1"),
        (((0.5, 0.5, 0.0), (0.5, 0.5, 0.0), (0.5, 0.5, 0.0)), "needs a noise_matrix of full rank"),
    ],
)
def test_noise_matrices_that_are_none_are_refused(matrix, message):
    y = torch.tensor([[0], [1], [2]])
    with pytest.raises(ValueError, match=message):
        ForwardCorrection(noise_matrix=matrix).prepare(y, torch.ones(3), 3)


def test_soft_bootstrap_needs_a_large_beta():
    with pytest.raises(ValueError, match=r"Bootstrap needs 0\.8 <= beta <= 1; got 0\.6"):
        Bootstrap(beta=0.6).check_params()
    Bootstrap(beta=0.6, hard=True).check_params()
