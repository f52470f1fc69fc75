"""Weighted statistics equal the same statistics of repeated rows."""

import numpy as np
import pytest
import torch

from sklloss.losses.weighted import (
    class_mass,
    robust_scale,
    weighted_mean,
    weighted_quantile,
    weighted_std,
)

VALUES = torch.randn(60, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).exp()
COUNTS = torch.randint(1, 4, (60,), generator=torch.Generator().manual_seed(1))
REPEATED = VALUES.repeat_interleave(COUNTS, 0)
ONES = torch.ones(len(REPEATED), dtype=torch.float64)


def test_mean_and_standard_deviation_equal_numpy():
    np.testing.assert_allclose(weighted_mean(VALUES, COUNTS.double()), REPEATED.numpy().mean(0))
    np.testing.assert_allclose(weighted_std(VALUES, COUNTS.double()), REPEATED.numpy().std(0))


@pytest.mark.parametrize("level", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_quantile_equals_numpy(level):
    expected = np.quantile(REPEATED.numpy(), level, axis=0, method="averaged_inverted_cdf")
    for weights in (COUNTS.double(), COUNTS.double() / 7, 0.3 * COUNTS.double()):
        np.testing.assert_allclose(weighted_quantile(VALUES, weights, level), expected)


def test_robust_scale_is_that_of_a_normal_law():
    normal = torch.randn(100_000, 1, generator=torch.Generator().manual_seed(0)).double()
    assert robust_scale(3 * normal, torch.ones(100_000).double()).item() == pytest.approx(
        3, rel=0.02
    )


def test_robust_scale_falls_back_where_most_values_are_equal():
    third = torch.cat((torch.zeros(70), torch.arange(30.0))).double()[:, None]
    assert robust_scale(third, torch.ones(100).double()).item() > 0  # no spread around the median
    few = torch.cat((torch.zeros(95), torch.ones(5).double())).double()[:, None]
    assert robust_scale(few, torch.ones(100).double()).item() == pytest.approx(0.2179, abs=1e-3)
    assert robust_scale(torch.ones(5, 1).double(), torch.ones(5).double()).item() == 0


def test_class_mass_is_each_class_share_of_the_weight():
    y = torch.tensor([[0, 1], [2, 1], [2, 0]])
    mass = class_mass(y, torch.tensor([1.0, 1.0, 2.0]), 3)
    torch.testing.assert_close(mass, torch.tensor([[0.25, 0, 0.75], [0.5, 0.5, 0]]))
