"""Without matplotlib, displays name the extra that brings it; nothing else needs it."""

import sys

import numpy as np
import pytest

from sklloss.inspection import (
    LossComparisonDisplay,
    LossShapeDisplay,
    PredictionIntervalDisplay,
    ReliabilityDisplay,
    TrainingCurveDisplay,
)

from .small_searches import loss_search

ONE = np.ones(3)
CALLS = {
    "LossComparisonDisplay": lambda: LossComparisonDisplay.from_search(loss_search()),
    "LossShapeDisplay": lambda: LossShapeDisplay.from_losses("mse"),
    "TrainingCurveDisplay": lambda: TrainingCurveDisplay.from_search(loss_search()),
    "PredictionIntervalDisplay": lambda: PredictionIntervalDisplay.from_predictions(
        ONE, np.ones((3, 2)), ONE
    ),
    "ReliabilityDisplay": lambda: ReliabilityDisplay.from_predictions(ONE, ONE),
}


@pytest.mark.parametrize("name", CALLS)
def test_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=rf"{name}\.plot needs matplotlib.*'sklloss\[plot\]'"):
        CALLS[name]()
