"""Probabilities that are probabilities: what predict_proba says is the law that was trained on."""

import numpy as np
import pytest
import torch

from sklloss.losses import State

from ...loss_instances import WITH_POSTERIOR
from ..random_batches import draw

INVERTIBLE = [loss for loss in WITH_POSTERIOR if loss.functional != "mode"]
TOLERANCE = {"generalized_cross_entropy": 1e-2}  # flat near corners
BALANCES = (
    "class_balanced",
    "logit_adjusted",
)  # the decision is that of balanced classes, on purpose


def random_posteriors(n_classes):
    """Return 30 posteriors, a quarter of them near corners."""
    rng = np.random.default_rng(n_classes)
    inner = rng.dirichlet(np.full(n_classes, 2.0), 22)
    corners = rng.dirichlet(np.full(n_classes, 0.3), 8)
    posteriors = np.vstack((inner, 0.98 * corners + 0.02 / n_classes))
    return torch.from_numpy(posteriors / posteriors.sum(1, keepdims=True))


def minimisers(loss, posteriors, state):
    """Return the raw outputs and states that minimise the expected loss under each posterior, one
    model each."""
    n, n_classes = posteriors.shape
    stacked = State.stack([state] * n)
    starts = [torch.zeros(n, 1, 1, loss.n_outputs(n_classes), dtype=torch.float64)]
    logits = posteriors.log()
    if loss.n_outputs(n_classes) == n_classes:
        starts.append(logits[:, None, None])
    elif n_classes == 2:
        starts.append(logits.diff(dim=1)[:, None, None])
    found = [minimised_from(loss, posteriors, stacked, start) for start in starts]
    best = torch.stack([value for _, _, value in found]).argmin(0)
    raw = torch.stack([raw for raw, _, _ in found])[best, torch.arange(n)]
    tensors = {k: torch.stack([s[k] for _, s, _ in found])[best, torch.arange(n)] for k in state}
    return raw, State(tensors, state.trained)


def minimised_from(loss, posteriors, state, start):
    raw = start.clone().requires_grad_()
    trained = {key: state[key].clone().requires_grad_() for key in state.trained}
    state = State({**state, **trained}, state.trained)
    optimizer = torch.optim.LBFGS(
        [raw, *trained.values()], max_iter=2000, history_size=50, tolerance_grad=1e-12,
        tolerance_change=1e-16, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def expected():
        columns = [
            loss.pointwise(raw, torch.full(raw.shape[:-1], k), state)[:, 0, 0] * posteriors[:, k]
            for k in range(posteriors.shape[1])
        ]
        return torch.stack(columns).sum(0)

    def closure():
        optimizer.zero_grad()
        value = expected().sum()
        value.backward()
        return value

    for _ in range(5):
        optimizer.step(closure)
    return raw.detach(), State({k: v.detach() for k, v in state.items()}), expected().detach()


def attainable(loss, posteriors):
    """Return which posteriors Taylor's cross-entropy can tell.

    Those that leave the smallest class some p.  At its optimum posteriors go as
    g(p) = p / (1 - (1-p)^order), which is 1 / order at p = 0: where the others' p already sum to 1
    when the smallest has none, it is lost.
    """
    p = torch.linspace(1e-9, 1, 100_001, dtype=torch.float64)
    g = p / (1 - (1 - p) ** loss.order)
    others = posteriors / (loss.order * posteriors.amin(1, keepdim=True))
    return np.interp(others, g, p, right=np.inf).sum(1) < 0.99


def seen(loss, posteriors):
    """Return the distribution of the labels that the loss sees: with forward_correction, seen through
    its noise."""
    if loss.name != "forward_correction":
        return posteriors
    return posteriors @ torch.tensor(loss.matrix(posteriors.shape[1]), dtype=torch.float64)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("loss", INVERTIBLE, ids=repr)
def test_posterior_is_recovered_from_the_minimiser(loss, n_classes):
    posteriors = random_posteriors(n_classes)
    if loss.name == "taylor_cross_entropy":
        posteriors = torch.cat((posteriors, 0.3 * posteriors + 0.7 / n_classes))
        posteriors = posteriors[attainable(loss, posteriors)]
    assert len(posteriors) >= 15
    _, _, _, state = draw(loss, n_classes=n_classes, n_targets=1)
    raw, learnt = minimisers(loss, seen(loss, posteriors), state)
    recovered = loss.predict_proba(raw, learnt)[:, 0, 0]
    assert (recovered - posteriors).abs().max() < TOLERANCE.get(loss.name, 1e-3)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("loss", WITH_POSTERIOR, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_probabilities_and_keep_the_decision(loss, n_classes, dtype):
    raw, _, _, state = draw(loss, n=500, n_targets=1, n_classes=n_classes, dtype=dtype)
    for size in (1.0, 30.0, 1e4):
        assert (loss.inverse_link(size * raw, state).sum(-1) - 1).abs().max() < 1e-5
        p = loss.predict_proba(size * raw, state)
        assert p.shape == (500, 1, n_classes)
        assert ((p >= 0) & (p <= 1)).all()
        assert (p.sum(-1) - 1).abs().max() < 1e-6
        if not loss.decides_by_posterior:
            continue
        certain = p.max(-1).values > p.sort(-1).values[..., -2] + 1e-5
        assert torch.equal(p.argmax(-1)[certain], loss.predict(size * raw, state)[certain])


@pytest.mark.parametrize("loss", WITH_POSTERIOR, ids=repr)
def test_decision_and_probability_of_two_classes_rank_rows_alike(loss):
    _, _, _, state = draw(loss, n=300, n_targets=1, n_classes=2)
    grid = torch.linspace(-6, 6, 300, dtype=torch.float64)
    raw = grid[:, None, None].expand(300, 1, loss.n_outputs(2)).clone()
    raw[..., 0] *= 1 if loss.n_outputs(2) == 1 else -1
    p = loss.predict_proba(raw, state)[:, 0, 1]
    decision = loss.decision_function(raw, state)[:, 0, 0]
    assert (p.diff() > 0).all()
    assert (decision.diff() > 0).all()
