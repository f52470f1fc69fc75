"""Mistyped names: the nearest are offered, and nothing where none is near."""

import pytest

from sklloss.parameters.names import did_you_mean


@pytest.mark.parametrize(
    ("name", "names", "question"),
    [
        ("hubr", ["mae", "huber"], "Did you mean 'huber'?"),
        ("HUBER", ["mae", "huber"], "Did you mean 'huber'?"),
        ("adm", ["sgd", "adam", "adamw"], "Did you mean 'adam' or 'adamw'?"),
        ("zzz", ["mae", "huber"], ""),
        (3, [1, 2, 3], "Did you mean 3?"),
        ("x", [], ""),
    ],
)
def test_the_nearest_names_are_offered(name, names, question):
    assert did_you_mean(name, names) == question


def test_no_more_names_are_offered_than_wanted():
    assert did_you_mean("adm", ["sgd", "adam", "adamw"], n=1) == "Did you mean 'adam'?"
