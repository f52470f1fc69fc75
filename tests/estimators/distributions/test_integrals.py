"""CRPS and moments from a cdf alone, beside closed forms of scoringrules 0.10 and scipy."""

import numpy as np
import pytest
from scipy import stats

from sklloss.estimators.distributions.integrals import crps_of, moments_of

from .known import known

Y = np.array([-3.0, 0.4, 2.5, 40.0])
COUNTS = np.array([0.0, 2.0, 7.0, 150.0])

# What scoringrules' crps_normal, crps_laplace, crps_t, crps_uniform, crps_lognormal (of |Y|),
# crps_negbinom and crps_poisson return.
CRPS = [
    (stats.norm(0.5, 2), Y, [2.436316010164, 0.469384250451, 1.204882715255, 38.371620832904]),
    (stats.laplace(0.5, 2), Y, [2.347547886901, 0.502458849001, 1.235758882343, 38.000000005293]),
    (stats.t(3, 0.5, 2), Y, [2.312814507143, 0.553166148172, 1.217995562088, 37.851641115453]),
    (stats.uniform(-1, 4), Y, [3.333333333333, 0.423333333333, 0.895833333333, 38.333333333333]),
    (
        stats.lognorm(0.7, scale=np.exp(0.2)),
        np.abs(Y),
        [1.122719803518, 0.578838790496, 0.746928849796, 37.84749156069],
    ),
    (
        stats.nbinom(1.5, 0.2),
        COUNTS,
        [3.162010440379, 1.734443842619, 1.572731099027, 141.162010440379],
    ),
    (
        stats.nbinom(0.8, 0.002),
        COUNTS,
        [181.95910843165, 179.997902362232, 175.260581023826, 95.130399813135],
    ),
    (
        stats.poisson(3.7),
        COUNTS,
        [2.633602752175, 0.915450953937, 2.345620592787, 145.233602752175],
    ),
]


@pytest.mark.parametrize(("law", "y", "expected"), CRPS, ids=lambda each: "")
def test_crps_is_that_of_closed_forms(law, y, expected):
    found = crps_of(known(law, 4), y[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4 if law.args == (0.8, 0.002) else 1e-6)


def test_crps_of_counts_takes_fractions_of_y():
    """∫ (F(x) - 1[x >= 2.3])² dx, summed by hand."""
    law = stats.poisson(2.0)
    cdf = law.cdf(np.arange(60))
    by_hand = np.sum(cdf[:2] ** 2) + 0.3 * cdf[2] ** 2 + 0.7 * (1 - cdf[2]) ** 2
    by_hand += np.sum((1 - cdf[3:]) ** 2)
    np.testing.assert_allclose(crps_of(known(law, 1), np.array([[2.3]])), by_hand, rtol=1e-9)


@pytest.mark.parametrize(
    ("law", "rtol"),
    [
        (stats.norm(5, 2), 1e-6),
        (stats.gamma(2, scale=3), 1e-5),
        (stats.t(5, 1, 2), 1e-3),
        (stats.lognorm(0.7), 1e-3),
    ],
    ids=["normal", "gamma", "t", "lognormal"],
)
def test_moments_are_those_of_scipy(law, rtol):
    mean, std = moments_of(known(law, 2))
    np.testing.assert_allclose(mean, law.mean(), rtol=rtol)
    np.testing.assert_allclose(std, law.std(), rtol=rtol)
