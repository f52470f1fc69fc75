"""Probabilities that are probabilities: what predict_proba says is the law that was trained on."""

import numpy as np
import pytest
import torch

from ..instances import WITH_POSTERIOR
from .drawn import draw

INVERTIBLE = [loss for loss in WITH_POSTERIOR if loss.functional == "class posterior"]


def random_posteriors(n_classes):
    """Return 30 posteriors, a quarter of them near corners."""
    rng = np.random.default_rng(n_classes)
    inner = rng.dirichlet(np.full(n_classes, 2.0), 22)
    corners = rng.dirichlet(np.full(n_classes, 0.3), 8)
    posteriors = np.vstack((inner, 0.98 * corners + 0.02 / n_classes))
    return torch.from_numpy(posteriors / posteriors.sum(1, keepdims=True))


def minimisers(loss, posteriors, state):
    """Return the raw outputs that minimise the expected loss under each posterior."""
    n, n_classes = posteriors.shape
    raw = torch.zeros(n, 1, loss.n_outputs(n_classes), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [raw], max_iter=2000, history_size=50, tolerance_grad=1e-12, tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure():
        optimizer.zero_grad()
        columns = [
            loss.pointwise(raw, torch.full((n, 1), k), state)[:, 0] * posteriors[:, k]
            for k in range(n_classes)
        ]
        value = torch.stack(columns).sum()
        value.backward()
        return value

    for _ in range(5):
        optimizer.step(closure)
    return raw.detach()


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("loss", INVERTIBLE, ids=repr)
def test_posterior_is_recovered_from_the_minimiser(loss, n_classes):
    posteriors = random_posteriors(n_classes)
    _, _, _, state = draw(loss, n_classes=n_classes, n_targets=1)
    raw = minimisers(loss, posteriors, state)
    recovered = loss.predict_proba(raw, state)[:, 0]
    assert (recovered - posteriors).abs().max() < 1e-3


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("loss", WITH_POSTERIOR, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_probabilities_and_keep_the_decision(loss, n_classes, dtype):
    raw, _, _, state = draw(loss, n=500, n_targets=1, n_classes=n_classes, dtype=dtype)
    for size in (1.0, 30.0, 1e4):
        p = loss.predict_proba(size * raw, state)
        assert p.shape == (500, 1, n_classes)
        assert ((p >= 0) & (p <= 1)).all()
        assert (p.sum(-1) - 1).abs().max() < 1e-6
        certain = p.max(-1).values > p.sort(-1).values[..., -2] + 1e-5
        assert torch.equal(p.argmax(-1)[certain], loss.predict(size * raw, state)[certain])
