"""Tasks that are lost, what workers of other machines send, and how many workers there are."""

import time

import numpy as np
import pytest

from sklloss.search.cluster import held, mail
from sklloss.search.cluster.active import number_of
from sklloss.search.cluster.kept import Kept
from sklloss.search.cluster.mail import CountsByMail
from sklloss.search.cluster.tasks import MOST_LOSSES, Losses, Task, title_of
from sklloss.search.stacks import Stack
from sklloss.search.steps import Shape, with_seeds

from .small_searches import pipeline_search


class Number:
    def __init__(self, number):
        self.number = number


class OneFit:
    def __init__(self, candidate, split):
        self.candidate, self.split = Number(candidate), split


def test_a_task_that_is_lost_too_often_ends_the_search():
    losses, task, cause = (
        Losses("MySearch"),
        Task("the stack of 2 models", "results", ()),
        OSError(),
    )
    for _ in range(MOST_LOSSES - 1):
        losses.add(4, task, cause)
    losses.add(5, task, cause)
    assert losses.one_more_is_too_many(4)
    assert not losses.one_more_is_too_many(5)
    with pytest.raises(RuntimeError, match="MySearch has lost the stack of 2 models 3 times") as it:
        losses.add(4, task, cause)
    assert it.value.__cause__ is cause
    assert "memory" in str(it.value)


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        ([2], "the stack of 1 model (candidate 2, split 1)"),
        ([2, 4], "the stack of 2 models (candidates 2, 4, split 1)"),
        (range(8), "the stack of 8 models (candidates 0, 1, 2, 3, 4 and 3 more, split 1)"),
    ],
)
def test_errors_name_a_stack_by_its_candidates(candidates, title):
    assert title_of(Stack(tuple(OneFit(each, 1) for each in candidates))) == title


def test_n_jobs_of_0_has_no_meaning():
    with pytest.raises(ValueError, match="n_jobs == 0"):
        number_of(0, 8)


class Checkpoint:
    def __init__(self, seconds):
        self.seconds, self.kept = seconds, []

    def keep(self, number, payload):
        self.kept.append((number, payload))


def counts_of(messages, checkpoint=None, closed=None):
    def fetch():
        taken = messages[:]
        del messages[: len(taken)]
        return taken

    closed = [] if closed is None else closed
    return CountsByMail(2, messages.append, fetch, lambda: closed.append(True), checkpoint)


def test_epochs_and_states_come_by_mail(monkeypatch):
    monkeypatch.setattr(mail, "SECONDS_BETWEEN_MESSAGES", 0.0)
    messages, closed, checkpoint = [], [], Checkpoint(seconds=0.0)
    counts = counts_of(messages, checkpoint, closed)
    with counts:
        first, second = counts.slot(0), counts.slot(1)
        first.add(2)
        first.add(3)
        second.add(7)
        assert second.wants_state()
        second.keep(1, b"half")
    assert counts.read().tolist() == [5, 7]
    assert checkpoint.kept == [(1, b"half")]
    assert closed == [True]


def test_a_stack_that_runs_again_counts_anew_and_one_that_is_over_counts_no_more(monkeypatch):
    monkeypatch.setattr(mail, "SECONDS_BETWEEN_MESSAGES", 0.0)
    checkpoint = Checkpoint(seconds=0.0)
    with counts_of([], checkpoint) as counts:
        counts.slot(0).add(5)
        lost = counts.slot(1)
        lost.add(4)
    counts.reset(1)
    assert counts.read().tolist() == [5, 0]
    with counts_of([], checkpoint) as counts:
        counts.finish(1, 9)
        lost.post = counts.slot(1).post
        lost.add(1)
        lost.keep(1, b"late")
    assert counts.read().tolist() == [0, 9]
    assert checkpoint.kept == []


def test_mail_that_fails_ends_no_search():
    def fails(*_):
        raise OSError("The cluster is gone.")

    with CountsByMail(1, fails, fails, fails) as counts:
        counts.slot(0).add(1)
    assert counts.read().tolist() == [0]


def test_states_are_wanted_no_more_often_than_asked(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(mail.time, "monotonic", lambda: now[0])
    slot = mail.MailSlot([].append, 0, seconds_between_states=60.0)
    assert not slot.wants_state()
    now[0] = 61.0
    assert slot.wants_state()
    slot.keep(0, b"half")
    assert not slot.wants_state()
    assert not mail.MailSlot([].append, 0).wants_state()


def test_steps_are_fitted_once_in_a_process_and_not_sent_with_a_copy():
    import pickle

    kept, fitted = Kept(), []

    def fit():
        fitted.append(1)
        return "steps"

    assert [kept.steps("key", fit) for _ in range(3)] == ["steps"] * 3
    assert len(fitted) == 1
    assert pickle.loads(pickle.dumps(kept)).steps("key", lambda: "new") == "new"


def test_only_steps_without_a_seed_get_one():
    pipeline = pipeline_search().estimator
    seeded = with_seeds(pipeline, 7)
    assert seeded.get_params()["pca__random_state"] == 7
    assert seeded.get_params()["neuralregressor__random_state"] == 0
    assert with_seeds(pipeline.set_params(pca__random_state=3), 7)["pca"].random_state == 3
    assert Shape(*np.zeros((3, 2)).shape, False) == (3, 2, False)


def test_a_search_is_held_until_it_is_over_or_unused_for_long(monkeypatch):
    monkeypatch.setattr(held, "SECONDS_HELD", 0.2)
    here, fetched = held.Held(), []

    def fetch():
        fetched.append(1)
        return "rows"

    with here.using("search", lambda: None) as nothing:
        assert nothing is None
    with here.using("search", fetch) as rows:
        assert rows == "rows"
        time.sleep(0.4)  # A task takes longer than a search is held without one.
    with here.using("search", fetch), here.using("search", fetch):
        pass
    assert len(fetched) == 1
    here.forget("search")
    with here.using("search", fetch):
        assert len(fetched) == 2
    time.sleep(0.6)
    with here.using("search", lambda: None) as nothing:
        assert nothing is None
