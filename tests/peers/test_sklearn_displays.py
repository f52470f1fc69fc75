"""Peer: scikit-learn's displays of curves over parameters and sizes.

Its users rely on these promises:

- a number, such as a parameter of the loss, is drawn along an axis
- names of losses are not, which scikit-learn refuses while it plots; the guide says what to do
- the functions without a plot take names of losses, and a learning curve takes any loss
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    cross_val_score,
    validation_curve,
)

from sklloss import NeuralRegressor

from ..laws.test_same_bits import NUMBERS, TABLE

LOSSES = ["mse", "mae", "huber"]
NET = NeuralRegressor("huber", hidden_layer_sizes=(8,), max_epochs=3, random_state=0)


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")
    yield
    plt.close("all")


def test_a_parameter_of_the_loss_is_drawn():
    given = {"param_name": "loss__delta", "param_range": [0.5, 1.0, 2.0], "cv": 2}
    display = ValidationCurveDisplay.from_estimator(NET, TABLE, NUMBERS, **given)
    expected = [
        cross_val_score(clone(NET).set_params(loss__delta=d), TABLE, NUMBERS, cv=2)
        for d in given["param_range"]
    ]
    np.testing.assert_array_equal(display.test_scores, expected)


def test_names_of_losses_are_not_drawn_but_scored():
    given = {"param_name": "loss", "param_range": LOSSES, "cv": 2}
    with pytest.raises(TypeError, match="-: 'str' and 'str'|'subtract'"):
        ValidationCurveDisplay.from_estimator(NET, TABLE, NUMBERS, **given)
    _, scores = validation_curve(NET, TABLE, NUMBERS, **given)
    assert scores.shape == (3, 2)
    assert len(np.unique(scores)) == 6


def test_learning_curves_of_two_losses_share_an_axis():
    _, ax = plt.subplots()
    for loss in LOSSES[:2]:
        net = clone(NET).set_params(loss=loss)
        sizes = {"train_sizes": [0.5, 1.0], "cv": 2}
        LearningCurveDisplay.from_estimator(net, TABLE, NUMBERS, ax=ax, **sizes)
    assert len(ax.lines) == 4
