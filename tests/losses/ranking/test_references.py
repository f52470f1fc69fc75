"""Losses for ranking equal sums over pairs and permutations, LightGBM and scikit-learn."""

import itertools
import math

import lightgbm
import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import ndcg_score
from torch.nn import functional

from sklloss.losses import (
    ApproxNDCG,
    LambdaRank,
    ListMLE,
    ListNet,
    PairwiseHinge,
    RankNet,
    RelevanceSquaredError,
)

from .random_groups import SIZES, draw


def groups_of(raw, y):
    """Return scores and relevance of each group, without padding, as arrays."""
    return [(s[t >= 0, 0].detach().numpy(), t[t >= 0].numpy()) for s, t in zip(raw, y, strict=True)]


def pairs_of(y):
    return [(i, j) for i, j in itertools.permutations(range(len(y)), 2) if y[i] > y[j]]


def swap_changes(scores, y, truncation):
    """Return by how much scikit-learn's NDCG changes if two rows swap their places, for each pair
    that counts."""
    place = (-scores).argsort().argsort()
    gain = np.exp2(y) - 1
    changes = {}
    for i, j in pairs_of(y):
        if min(place[i], place[j]) < truncation:
            swapped = scores.copy()
            swapped[[i, j]] = scores[[j, i]]
            changes[i, j] = abs(ndcg_score([gain], [scores]) - ndcg_score([gain], [swapped]))
    return changes


def lambda_loss(scores, changes, sigma):
    """Return LambdaRank's definition with its weights given."""
    values = {(i, j): np.log1p(np.exp(-sigma * (scores[i] - scores[j]))) for i, j in changes}
    return sum(w * values[p] for p, w in changes.items()) / sum(changes.values())


def test_squared_error_is_that_of_standardised_relevance():
    loss = RelevanceSquaredError()
    raw, y, weights, state = draw(loss)
    share = np.repeat(weights.numpy() / SIZES, SIZES)
    values = y[y >= 0].numpy()
    centre = np.average(values, weights=share)
    spread = np.average((values - centre) ** 2, weights=share) ** 0.5
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        expected = np.mean((scores - (relevance - centre) / spread) ** 2) / 2
        assert loss.of_row(raw, y, state)[k].item() == pytest.approx(expected)
    back = loss.predict(((y - centre) / spread).unsqueeze(-1), state)
    torch.testing.assert_close(back, y)


@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_hinge_is_torchs_margin_ranking_loss_over_pairs(margin):
    loss = PairwiseHinge(margin=margin)
    raw, y, _, state = draw(loss)
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        i, j = np.array(pairs_of(relevance)).T
        better, worse = torch.from_numpy(scores[i]), torch.from_numpy(scores[j])
        expected = functional.margin_ranking_loss(
            better, worse, torch.ones_like(better), margin=margin
        )
        torch.testing.assert_close(loss.of_row(raw, y, state)[k], expected)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_ranknet_is_cross_entropy_over_pairs(sigma):
    loss = RankNet(sigma=sigma)
    raw, y, _, state = draw(loss)
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        i, j = np.array(pairs_of(relevance)).T
        lead = sigma * torch.from_numpy(scores[i] - scores[j])
        expected = functional.binary_cross_entropy_with_logits(lead, torch.ones_like(lead))
        torch.testing.assert_close(loss.of_row(raw, y, state)[k], expected)


@pytest.mark.parametrize("loss", [LambdaRank(), LambdaRank(sigma=0.5, truncation=2)])
def test_lambdarank_is_its_definition_and_its_gradient_the_finite_differences_of_that(loss):
    raw, y, _, state = draw(loss)
    raw.requires_grad_()
    values = loss.of_row(raw, y, state)
    values.sum().backward()
    step = 1e-6
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        changes = swap_changes(scores, relevance, loss.truncation)
        assert values[k].item() == pytest.approx(lambda_loss(scores, changes, loss.sigma))
        for row, unit in enumerate(np.eye(len(scores)) * step):
            ends = [lambda_loss(scores + s * unit, changes, loss.sigma) for s in (1, -1)]
            difference = (ends[0] - ends[1]) / (2 * step)
            assert raw.grad[k, row, 0].item() == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("truncation", [3, 30])
def test_lambdas_are_those_of_lightgbm(truncation):
    """A tree with a leaf per row says gradient / hessian, in which the factor of a group
    cancels."""
    rng = np.random.default_rng(0)
    scores, relevance = 0.5 * rng.normal(size=10), rng.integers(0, 3, 10)
    settings = {
        "objective": "lambdarank",
        "lambdarank_norm": False,
        "lambdarank_truncation_level": truncation,
        "num_leaves": 10,
        "min_data_in_leaf": 0,
        "min_data_in_bin": 1,
        "min_sum_hessian_in_leaf": 0.0,
        "learning_rate": 1.0,
        "verbosity": -1,
        "num_threads": 1,
    }
    row = np.arange(10.0)[:, None]
    data = lightgbm.Dataset(row, relevance, group=[10], init_score=scores)
    said = lightgbm.train(settings, data, num_boost_round=1).predict(row)
    assert len(set(said)) == 10
    loss, y = LambdaRank(truncation=truncation), torch.from_numpy(relevance).double()[None]
    raw = torch.from_numpy(scores)[None, :, None].requires_grad_()
    loss.of_row(raw, y, loss.prepare(y, torch.ones(1).double())).sum().backward()
    changes = swap_changes(scores, relevance, truncation)
    hessian = np.zeros(10)
    for (i, j), change in changes.items():
        p = expit(scores[j] - scores[i])
        hessian[[i, j]] += change * p * (1 - p)
    ours = -raw.grad[0, :, 0].numpy() * sum(changes.values()) / hessian
    np.testing.assert_allclose(said, ours, atol=1e-3)  # LightGBM reads its sigmoid from a table


def test_listnet_is_torchs_cross_entropy_of_two_softmaxes():
    raw, y, _, state = draw(ListNet())
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        target = torch.from_numpy(relevance).softmax(-1)
        expected = functional.cross_entropy(torch.from_numpy(scores), target)
        torch.testing.assert_close(ListNet().of_row(raw, y, state)[k], expected)


def law_of_orders(scores):
    """Return the probability of each permutation by drawing one row after the other."""
    law = {}
    for order in itertools.permutations(range(len(scores))):
        left = [math.exp(scores[k]) for k in order]
        law[order] = math.prod(left[k] / sum(left[k:]) for k in range(len(order)))
    assert sum(law.values()) == pytest.approx(1)
    return law


def test_listmle_is_plackett_and_luces_law():
    raw, y, _, state = draw(ListMLE())
    scores, relevance = groups_of(raw, y)[0]
    law = law_of_orders(scores)
    expected = -math.log(law[tuple((-relevance).argsort().tolist())]) / (len(scores) - 1)
    assert ListMLE().of_row(raw, y, state)[0].item() == pytest.approx(expected)


def test_in_listmle_rows_of_equal_relevance_do_not_compete():
    raw, y, _, state = draw(ListMLE())
    for k in (1, 2):
        scores, relevance = groups_of(raw, y)[k]
        lowest = relevance == relevance.min()
        terms = [
            np.log(np.exp(np.append(scores[relevance < t], s)).sum()) - s
            for s, t in zip(scores[~lowest], relevance[~lowest], strict=True)
        ]
        assert ListMLE().of_row(raw, y, state)[k].item() == pytest.approx(np.mean(terms))


def test_approx_ndcg_of_scores_far_apart_is_one_minus_scikit_learns():
    loss = ApproxNDCG(temperature=1e-3)
    raw, y, _, state = draw(loss)
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        expected = 1 - ndcg_score([np.exp2(relevance) - 1], [scores])
        assert loss.of_row(raw, y, state)[k].item() == pytest.approx(expected, abs=1e-6)


def test_approx_ndcg_counts_smooth_places():
    loss = ApproxNDCG(temperature=0.5)
    raw, y, _, state = draw(loss)
    for k, (scores, relevance) in enumerate(groups_of(raw, y)):
        place = 0.5 + expit((scores - scores[:, None]) / 0.5).sum(1)
        gain = np.exp2(relevance) - 1
        best = np.sort(gain)[::-1] @ (1 / np.log2(np.arange(2, 2 + len(gain))))
        expected = 1 - gain @ (1 / np.log2(1 + place)) / best
        assert loss.of_row(raw, y, state)[k].item() == pytest.approx(expected)
