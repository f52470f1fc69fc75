"""Mistyped values of parameters are answered with the nearest there are."""

import pytest

from sklloss import NeuralClassifier, NeuralRegressor

X = [[0.0], [1.0], [2.0], [3.0]]
Y = [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("params", "question"),
    [
        ({"activation": "rleu"}, "Did you mean 'relu'"),
        ({"optimizer": "adamm"}, "Did you mean 'adam'"),
        ({"module": "mpl"}, "Did you mean 'mlp'"),
        ({"dtype": "float23"}, "Did you mean 'float32'"),
        ({"loss": "cros_entropy"}, "Did you mean 'cross_entropy'"),
        ({"batch_size": "atuo"}, "Did you mean 'auto'"),
    ],
)
def test_mistyped_names_are_answered_with_the_nearest(params, question):
    with pytest.raises(ValueError, match=question):
        NeuralClassifier(**params).fit(X, Y)


def test_what_is_near_to_nothing_gets_the_list():
    message = "activation to be one of 'relu', .*; got 'qqq'. The default"
    with pytest.raises(ValueError, match=message):
        NeuralRegressor(activation="qqq").fit(X, Y)
