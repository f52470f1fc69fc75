"""From numbers per pixel, as losses have them, to images."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..targets.answers import Reading, readings_of_classes


class OnGrid(nn.Module):
    """Numbers per pixel as images: (n_samples, height * width, n_numbers) to (n_samples, n_numbers, height, width).

    One number per pixel gives (n_samples, height, width).
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.grid = (height, width)

    def forward(self, values: Tensor) -> Tensor:
        """Put the pixels where they belong."""
        images = values.mT.unflatten(-1, self.grid)
        return images.squeeze(1) if values.shape[-1] == 1 else images


class ChosenOnGrid(nn.Module):
    """Scores per pixel, (n_samples, height * width, n_classes or 1), to images of the class index that they choose."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.grid = (height, width)

    def forward(self, scores: Tensor) -> Tensor:
        """Return the argmax, or whether the only score is above 0, (n_samples, height, width)."""
        single = scores.shape[-1] == 1
        index = (scores.squeeze(-1) > 0).long() if single else scores.argmax(-1)
        return index.unflatten(-1, self.grid)


def segmentation_readings(
    loss: Any, height: int, width: int, by_mean_posterior: bool
) -> dict[str, Reading]:
    """Return what a segmenter's module can put out; "auto" is probabilities, or the decision where there are none.

    Parameters
    ----------
    loss : ClassificationLoss
    height, width : int
        Of the images.
    by_mean_posterior : bool
        Whether the mean of several members' probabilities decides.
    """
    images, chosen = OnGrid(height, width), ChosenOnGrid(height, width)
    return readings_of_classes(loss, images, chosen, by_mean_posterior)
