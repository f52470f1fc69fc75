"""What holds for the tests and for the doctests of the package alike."""

import pytest

from sklloss.losses import listing


@pytest.fixture(autouse=True)
def _no_registered_loss_stays():
    """Forget the losses that a test registers."""
    before = list(listing._registered)
    yield
    listing._registered[:] = before
