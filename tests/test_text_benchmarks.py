"""The benchmarks of texts run, and compare networks of one size; how fast or good anything is, is
not looked at."""

import importlib
import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from .estimators.text.labelled_lines import LINES, PAGE_OF
from .test_benchmarks import barred, column, names_in, tables_in

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT / "benchmarks"), str(ROOT / "examples")]

text_speed, film_reviews = (
    importlib.import_module(name) for name in ("text_speed", "film_reviews")
)


def few_reviews(n_rows=None):
    """Return lines of text instead of reviews."""
    some = np.random.default_rng(0).permutation(len(LINES))[:n_rows]
    return pd.Series(LINES[some]), pd.Series((PAGE_OF[some] == "breast_cancer").astype(int))


@pytest.fixture(autouse=True)
def _reviews_are_few(monkeypatch):
    for module in (text_speed, film_reviews):
        monkeypatch.setattr(module, "film_reviews", few_reviews)


def test_speed_has_a_line_for_every_rival_and_a_bar_for_the_tutorial(capsys):
    text_speed.main(
        [
            "--rows",
            "60",
            "--epochs",
            "1",
            "--rounds",
            "1",
            "--threads",
            "1",
            "--poolings",
            "mean",
            "conv",
            "gru",
        ]
    )
    mean, conv, gru = tables_in(capsys.readouterr().out)
    rivals = [text_speed.OURS, text_speed.SKORCH, text_speed.BAG, text_speed.SAME]
    assert names_in(mean) == rivals
    assert names_in(conv) == names_in(gru) == [name for name in rivals if name != text_speed.BAG]
    assert barred(mean) == [text_speed.SKORCH]
    assert barred(conv) == barred(gru) == []
    assert column(mean, "times as long")[0] == "1.00"


@pytest.mark.parametrize("pooling", text_speed.NETWORKS)
def test_rivals_train_as_many_numbers(pooling):
    job = text_speed.job_of(60, 16, 1)
    ours = text_speed.our_fit(job, pooling).net_.module_
    n_numbers = sum(parameter.numel() for parameter in ours.parameters())
    for network in text_speed.NETWORKS[pooling].values():
        built = network(job.n_tokens)
        assert sum(parameter.numel() for parameter in built.parameters()) == n_numbers


def test_accuracies_have_bars_for_networks_of_texts(capsys):
    film_reviews.main(["--rows", "120", "--splits", "2"])
    (table,) = tables_in(capsys.readouterr().out)
    names = names_in(table)
    assert names[0] == film_reviews.REFERENCE
    assert barred(table) == names[2:] == [name for name in names if name.startswith("words")]
    assert film_reviews.BY_DEFAULT in names
    reference = float(column(table, "accuracy")[0])
    assert column(table, "bar")[2:] == [f">= {max(0.85, reference):.4f}"] * len(names[2:])


def test_example_names_words_of_both_sides(monkeypatch, capsys):
    monkeypatch.setattr("data.film_reviews", few_reviews)
    runpy.run_path(str(ROOT / "examples" / "sentiment.py"))
    plt.close("all")
    shown = capsys.readouterr().out
    assert shown.count("words, ") == 4
    sides = {
        line.split(": ")[0]: line.split(": ")[1].split(", ")
        for line in shown.splitlines()
        if line.startswith(("Against: ", "For: "))
    }
    assert len(sides["Against"]) == len(sides["For"]) == 8
    assert not set(sides["Against"]) & set(sides["For"])
