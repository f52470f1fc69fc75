"""Candidates are called by their loss and by what differs between them."""

import functools

import pytest
import torch

from sklloss.advice.verdicts.labels import distinct, labels_of, loss_name, losses_of
from sklloss.losses import Huber, Quantile, get_loss


def pinball(prediction, y, level=0.5):
    return torch.maximum(level * (y - prediction), (level - 1) * (y - prediction))


class Cube(torch.nn.Module):
    def forward(self, prediction, y):
        return (prediction - y).abs() ** 3


@pytest.mark.parametrize(
    ("loss", "label", "name"),
    [
        ("huber", "huber", "huber"),
        (Huber(delta=2.0), "huber(delta=2)", "huber"),
        (Huber(), "huber", "huber"),
        (Huber, "huber", "huber"),
        (torch.nn.L1Loss, "L1Loss", "L1Loss"),
        (torch.nn.HuberLoss(delta=2.0), "HuberLoss()", "HuberLoss"),
        (Cube, "Cube", "Cube"),
        (Cube(), "Cube()", "Cube"),
        (pinball, "pinball", "pinball"),
        (get_loss(pinball, task="regression", level=0.9), "pinball(level=0.9)", "pinball"),
        (get_loss(Cube, task="regression"), "Cube", "Cube"),
        ({"price": Huber(), "sold": "cross_entropy"}, *2 * ["price: huber, sold: cross_entropy"]),
        (None, "None", "None"),
    ],
)
def test_losses_of_every_kind_read_well(loss, label, name):
    settings = [{"net__loss": loss}, {"net__loss": "mse"}]
    assert labels_of(settings) == [label, "mse"]
    assert losses_of(settings) == [name, "mse"]


def test_parameters_of_the_loss_are_inside_and_others_follow():
    settings = [
        {"net__loss": "huber", "net__loss__delta": 0.5, "net__lr": 0.001, "net__dropout": 0.1},
        {
            "net__loss": "quantile",
            "net__loss__quantile": 0.25,
            "net__lr": 0.01,
            "net__dropout": 0.1,
        },
        {"net__loss": "mse", "net__lr": 0.01, "net__dropout": 0.1},
    ]
    expected = [
        "huber(delta=0.5, lr=0.001)",
        "quantile(quantile=0.25, lr=0.01)",
        "mse(lr=0.01)",
    ]
    assert labels_of(settings) == expected


def test_parameters_that_end_alike_keep_their_path():
    settings = [{"a__alpha": 1, "b__alpha": 2}, {"a__alpha": 2, "b__alpha": 1}]
    assert labels_of(settings) == ["a__alpha=1 b__alpha=2", "a__alpha=2 b__alpha=1"]


def test_without_a_loss_there_is_none():
    settings = [{"C": 1.0, "kernel": "rbf"}, {"C": 1.0, "kernel": "linear"}]
    assert labels_of(settings) == ["kernel=rbf", "kernel=linear"]
    assert losses_of(settings) == [None, None]


def test_a_single_candidate_shows_what_it_sets():
    assert labels_of([{"C": 1.0, "kernel": "rbf"}]) == ["C=1 kernel=rbf"]
    assert labels_of([{}]) == ["defaults"]


def test_a_loss_that_some_candidates_leave_at_its_default():
    settings = [{"loss": "mae", "lr": 0.1}, {"lr": 0.2}]
    assert labels_of(settings) == ["mae(lr=0.1)", "lr=0.2"]
    assert losses_of(settings) == ["mae", None]


@pytest.mark.parametrize(
    ("loss", "label"),
    [(Huber(delta=2.0), "huber(delta=2, lr=0.1)"), (Cube(), "Cube(lr=0.1)")],
    ids=["Loss", "module"],
)
def test_instances_keep_their_own_parameters(loss, label):
    assert labels_of([{"loss": loss, "lr": 0.1}, {"loss": loss, "lr": 1.0}])[0] == label


def test_long_values_are_cut():
    settings = [{"sizes": tuple(range(100))}, {"sizes": functools.partial(pinball, level=0.1)}]
    for label in labels_of(settings):
        assert label.endswith("...")
        assert len(label) == len("sizes=") + 40


def test_equal_labels_are_told_apart_by_their_row():
    first, second = Quantile(quantile=0.1), Quantile(quantile=0.9)
    assert loss_name(first) == loss_name(second)
    functions = [lambda prediction, y: y, lambda prediction, y: prediction]
    labels = labels_of([{"loss": f} for f in functions])
    assert distinct(labels, [4, 7]) == ["<lambda> [row 4]", "<lambda> [row 7]"]
