"""The benchmark of recommendation runs and has a line for every rival; how fast anything is, is not
looked at."""

import importlib
import sys
from pathlib import Path

import pytest

from .test_benchmarks import barred, column, names_in, tables_in

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT / "benchmarks"), str(ROOT / "examples")]

recommender_speed = importlib.import_module("recommender_speed")
full = recommender_speed.movielens


@pytest.fixture(autouse=True)
def _few_watched(monkeypatch):
    def few():
        ratings = full()
        return ratings[ratings.userId <= 30].reset_index(drop=True)

    monkeypatch.setattr(recommender_speed, "movielens", few)


def test_every_rival_has_a_line_and_both_losses_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(recommender_speed, "implicit_ndcg", lambda *args: 0.001)
    recommender_speed.main(["--splits", "1", "--rounds", "1", "--threads", "1"])
    (table,) = tables_in(capsys.readouterr().out)
    speed = recommender_speed
    assert names_in(table) == [speed.IMPLICIT, speed.BPR, speed.INFONCE, speed.DENSE, speed.SPARSE]
    assert barred(table) == [speed.BPR, speed.INFONCE]
    assert column(table, "times as long")[0] == "1.00"
    assert column(table, "epochs") == ["100", "1", "1", "1", "1"]


def test_the_goal_is_what_implicit_reaches_and_epochs_end_there():
    split = recommender_speed.Split.at_random(0)
    goal = recommender_speed.implicit_ndcg(split, 0, 1)
    assert 0.01 < goal < 1
    epochs = recommender_speed.epochs_to(split, "bpr", 0, 0.04)
    if epochs > 1:
        before = recommender_speed.our_fit(split, "bpr", 0, epochs - 1)
        assert recommender_speed.our_ndcg(split, before) < 0.04
    model = recommender_speed.our_fit(split, "bpr", 0, epochs)
    assert recommender_speed.our_ndcg(split, model) >= 0.04
    with pytest.raises(RuntimeError, match="does not reach"):
        recommender_speed.epochs_to(split, "bpr", 0, 1.1)


def test_loops_learn_to_put_what_was_watched_first():
    split = recommender_speed.Split.at_random(0)
    codes = [split.train[name].astype("category").cat.codes for name in recommender_speed.PAIR]
    users, items = (recommender_speed.torch.tensor(column.to_numpy("int64")) for column in codes)
    for is_sparse in (False, True):
        net = recommender_speed.loop_fit(split, 0, 40, is_sparse)
        others = recommender_speed.torch.randint(int(items.max()) + 1, (len(users),))
        lead = score_of(net, users, items) - score_of(net, users, others)
        assert lead.mean() > 0.1


def score_of(net, users, items):
    """Return the scores of pairs."""
    return (net.user(users) * net.item(items)).sum(1) + net.item_bias(items).squeeze(1)
