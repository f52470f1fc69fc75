"""What holds for the tests and for the doctests of the package alike."""

import pytest
import torch

from sklloss.losses import listing

try:
    import torchvision  # noqa: F401
except ModuleNotFoundError:
    pass  # Where only the oldest versions are tested.
except RuntimeError:
    # Beside a CPU build of torch its compiled operators are missing, of which it needs two to be
    # imported. They are declared for as long as this object lives.
    OPERATORS = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


@pytest.fixture(autouse=True)
def _no_registered_loss_stays():
    """Forget the losses that a test registers."""
    before = list(listing._registered)
    yield
    listing._registered[:] = before
