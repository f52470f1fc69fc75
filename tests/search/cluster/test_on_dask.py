"""Searches on a real cluster of dask: two worker processes, each with a nanny that restarts it."""

import logging
import os
import platform
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker
from distributed.comm import CommClosedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV
from sklloss.search.checkpoints import kept
from sklloss.search.cluster import mail, on_dask
from sklloss.search.cluster import undisturbed as memory
from sklloss.search.evaluation import Evaluation

from .small_searches import (
    Killed,
    assert_same,
    gone,
    own_files,
    own_processes,
    pid,
    pipeline_search,
    raising,
    regressor,
    search,
)

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
import wire

CALM = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}


@pytest.fixture(scope="module")
def client():
    before = own_processes()
    # A worker that takes all of a busy machine's memory is not what is tested.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, **CALM) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        yield client
    assert gone(before) == set()


def held_here():
    """Return what a worker process holds of searches."""
    from sklloss.search.cluster.held import held

    return list(held._things)


@pytest.fixture(autouse=True)
def nothing_is_left(client, tmp_path, monkeypatch):
    """Check that the cluster holds nothing of a search, nor does the disk, after every test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    scheduler, end = client.cluster.scheduler, time.monotonic() + 20
    while (scheduler.tasks or scheduler.extensions["queues"].queues) and time.monotonic() < end:
        time.sleep(0.05)
    assert not scheduler.tasks
    # Long before it is forgotten of itself.
    while any(client.run(held_here).values()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(client.run(held_here).values())
    assert not scheduler.extensions["queues"].queues
    assert own_files() == set()


@pytest.mark.parametrize("make", [search, pipeline_search])
def test_a_search_has_the_bits_of_one_process(make, client, diabetes, capsys, monkeypatch):
    with joblib.parallel_config("sequential"):
        alone = make().fit(*diabetes)
    # No file is shared with workers.
    monkeypatch.delattr(tempfile, "TemporaryDirectory")
    spread = make(verbose=1).fit(*diabetes)
    assert_same(spread, alone)
    np.testing.assert_array_equal(spread.predict(diabetes[0]), alone.predict(diabetes[0]))
    assert "54/54" in capsys.readouterr().err


def test_halving_has_the_bits_of_one_process(client, diabetes):
    with joblib.parallel_config("sequential"):
        alone = search(halving=3).fit(*diabetes)
    assert_same(search(halving=3).fit(*diabetes), alone)


def test_epochs_are_counted_while_stacks_train(client, monkeypatch):
    monkeypatch.setattr(mail, "SECONDS_BETWEEN_LOOKS", 0.01)
    X = np.random.default_rng(0).standard_normal((500, 5))
    read = []

    class Watched(mail.CountsByMail):
        def _take(self, *message):
            read.append(message[:2])
            super()._take(*message)

    monkeypatch.setattr(on_dask, "CountsByMail", Watched)
    model = regressor(max_epochs=400, n_iter_no_change=400, batch_size=20)
    searched = LossSearchCV(model, {"loss": ["mse", "mae"]}, cv=2, refit=False, verbose=1)
    searched.fit(X, X[:, 0])
    assert any(0 < n_epochs < 800 for _, n_epochs in read)


@pytest.mark.parametrize("steps", [(), (StandardScaler(),)])
def test_data_go_to_each_worker_once(steps, client):
    X = np.random.default_rng(0).standard_normal((10_000, 50))
    model = make_pipeline(*steps, regressor(max_epochs=1, batch_size=2000))
    grid = {"neuralregressor__loss": ["mse", "mae"], "neuralregressor__lr": [0.01, 0.02]}
    client.run(wire.begin_to_count)
    LossSearchCV(model, grid, cv=3, refit=False, stack_size=1).fit(X, X[:, 0])
    found = wire.times_the_data(client, X.nbytes)
    assert 1 < found["received"] < 1.3
    assert found["received"] + found["sent"] < 2


def is_profiled(worker):
    return worker.periodic_callbacks["profile"].is_running()


def counts_if_profiled(estimator, X, y):
    """Score 1 where the profiler of the worker samples what this training does."""
    return float(is_profiled(get_worker()))


def test_the_profiler_of_dask_rests_while_networks_train(client, diabetes):
    """Its samples, a hundred a second, take a sixth of the time of a search."""
    found = search(scoring=counts_if_profiled).fit(*diabetes)
    assert not found.cv_results_["mean_test_score"].any()
    end = time.monotonic() + 10
    while not all(client.run(lambda dask_worker: is_profiled(dask_worker)).values()):
        assert time.monotonic() < end
        time.sleep(0.05)


def pages_of_arrays():
    """Return how many pages the system has to give for arrays that follow each other."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(200):
        np.ones(2**20, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def counts_pages(estimator, X, y):
    return float(pages_of_arrays())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the variable of dask is glibc's")
def test_workers_of_dask_keep_memory_while_networks_train(client, diabetes):
    """Without that, every array is fetched anew, which takes a sixth of the time of a search."""
    of_one = 2**20 // os.sysconf("SC_PAGE_SIZE")
    found = search(scoring=counts_pages).fit(*diabetes)
    assert found.cv_results_["mean_test_score"].max() < 20 * of_one


def test_workers_of_dask_give_memory_back_after_the_last_training(monkeypatch):
    calls = []

    class Glibc:
        def mallopt(self, *arguments):
            calls.append(arguments)

        def malloc_trim(self, pad):
            calls.append("trimmed")

    class Worker:
        nanny = "tcp://127.0.0.1:1"

    monkeypatch.setattr(memory, "glibc", Glibc)
    monkeypatch.setattr(memory, "_worker", Worker)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    begin, end = [(-1, 2**26), (-3, 2**25)], [(-1, 65536), (-3, 2**17), "trimmed"]
    with memory.kept_memory(), ThreadPoolExecutor(1) as pool:
        other = memory.kept_memory()
        pool.submit(other.__enter__).result()
        pool.submit(other.__exit__, None, None, None).result()
        assert calls == 2 * begin
    assert calls == 2 * begin + end
    monkeypatch.setattr(Worker, "nanny", None)
    with memory.kept_memory():
        pass
    assert calls == 2 * begin + end


def test_data_are_sent_again_where_a_worker_dies_meanwhile(client, diabetes, monkeypatch):
    with joblib.parallel_config("sequential"):
        alone = search().fit(*diabetes)
    monkeypatch.setattr(on_dask, "SECONDS_BETWEEN_LOOKS", 0.01)
    calls, scatter = [], client.scatter

    def broken_once(*args, **kwargs):
        calls.append(args)
        if len(calls) == 1:
            raise CommClosedError("in <TCP> on Worker: Stream is closed")
        return scatter(*args, **kwargs)

    monkeypatch.setattr(client, "scatter", broken_once)
    assert_same(search().fit(*diabetes), alone)
    assert len(calls) == 3

    monkeypatch.setattr(client, "scatter", lambda *_, **__: broken_once(calls.clear()))
    with pytest.raises(CommClosedError):
        search().fit(*diabetes)


def test_killed_workers_cost_nothing_but_time(client, diabetes, tmp_path):
    with joblib.parallel_config("sequential"):
        alone = search().fit(*diabetes)
    one = search(scoring=Killed(tmp_path / "one"), verbose=1).fit(*diabetes)
    assert_same(one, alone)
    client.wait_for_workers(2, timeout=60)
    # Where all are killed at once, dask has lost X, too.
    all_workers = Killed(tmp_path / "all", client.run(os.getpid).values())
    assert_same(search(scoring=all_workers).fit(*diabetes), alone)
    assert (tmp_path / "one").exists()
    assert (tmp_path / "all").exists()


def test_a_stack_that_kills_every_worker_ends_the_search_with_its_name(
    client, diabetes, monkeypatch
):
    client.wait_for_workers(2, timeout=60)
    # dask itself runs tasks again; here, none.
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    ending = search(grid={"loss": ["mse", "huber", "mae"]}, scoring=Killed(), stack_size=1)
    with pytest.raises(RuntimeError, match=r"the stack of 1 model \(candidate 2") as caught:
        ending.fit(*diabetes)
    assert "1 time:" in str(caught.value)
    assert "memory" in str(caught.value)
    assert ending.partial_results_["interrupted"][[0, 2]].tolist() == [False, True]


def test_errors_of_workers_arrive(client, diabetes):
    with pytest.raises(KeyError, match="from a worker"):
        search(scoring=raising, error_score="raise").fit(*diabetes)
    with pytest.raises(ValueError, match="All the 18 fits failed"):
        search(pipeline_search().estimator, {"standardscaler__copy": [None] * 6}).fit(*diabetes)


def test_cross_validation_around_a_search(client, diabetes):
    with joblib.parallel_config("sequential"):
        alone = cross_val_score(search(), *diabetes, cv=2)
    np.testing.assert_array_equal(cross_val_score(search(), *diabetes, cv=2), alone)


def test_n_jobs_of_1_stays_in_its_own_process(client, diabetes):
    here = search(scoring=pid, n_jobs=1, refit=False).fit(*diabetes)
    assert set(here.cv_results_["mean_test_score"]) == {os.getpid()}
    there = search(scoring=pid, n_jobs=2, refit=False).fit(*diabetes)
    scores = {there.cv_results_[f"split{i}_test_score"][0] for i in range(3)}
    assert scores <= {float(each) for each in client.run(os.getpid).values()}


def interrupted_after(n, monkeypatch):
    """Let the user interrupt searches after n stacks."""
    stacks, add = [], Evaluation.add

    def interrupting(evaluation, results):
        stacks.append(results)
        if len(stacks) > n + 1:  # The first are those that fail before any training.
            raise KeyboardInterrupt
        return add(evaluation, results)

    monkeypatch.setattr(Evaluation, "add", interrupting)


def test_an_interrupted_search_keeps_results_and_frees_workers(client, diabetes, monkeypatch):
    interrupted_after(4, monkeypatch)
    grid = {"max_epochs": [1, 2, 10**7]}
    long = search(regressor(), grid, cv=2, stack_size=1)
    with pytest.raises(KeyboardInterrupt) as caught:
        long.fit(*diabetes)
    assert "after 2 of 3 candidates" in caught.value.__notes__[0]
    assert long.partial_results_["interrupted"].tolist() == [False, False, True]
    before = client.run(time.process_time)
    time.sleep(1)
    after = client.run(time.process_time)
    assert all(after[each] - before[each] < 0.5 for each in before)


def test_a_checkpoint_gets_states_from_workers(client, diabetes, tmp_path, monkeypatch):
    with joblib.parallel_config("sequential"):
        undisturbed = search(checkpoint=tmp_path / "alone.db").fit(*diabetes)
    monkeypatch.setattr(kept, "seconds_between_states", 0.0)
    states, keep = [], kept.KeptSearch.keep

    def noted(checkpoint, position, payload):
        states.append(position)
        keep(checkpoint, position, payload)

    monkeypatch.setattr(kept.KeptSearch, "keep", noted)
    with monkeypatch.context() as interrupting:
        interrupted_after(2, interrupting)
        with pytest.raises(KeyboardInterrupt):
            search(checkpoint=tmp_path / "spread.db").fit(*diabetes)
    assert_same(search(checkpoint=tmp_path / "spread.db").fit(*diabetes), undisturbed)
    assert states


def test_a_cluster_without_workers_is_an_error_in_time(client, diabetes):
    with (
        LocalCluster(n_workers=0, processes=False, **CALM) as empty,
        Client(empty, set_as_default=False) as other,
        joblib.parallel_config("dask", client=other, wait_for_workers_timeout=0.2),
        pytest.raises(TimeoutError, match="no worker after 0.2 seconds"),
    ):
        search().fit(*diabetes)


def test_workers_that_do_not_come_back_are_an_error(client, diabetes, tmp_path, monkeypatch):
    monkeypatch.setattr(on_dask, "SECONDS_WITHOUT_WORKERS", 0.5)
    monkeypatch.setattr(on_dask, "SECONDS_BETWEEN_LOOKS", 0.1)
    with (
        LocalCluster(n_workers=1, processes=False, **CALM) as small,
        Client(small, set_as_default=False) as other,
        joblib.parallel_config("dask", client=other),
    ):
        add = Evaluation.add

        def without_workers(evaluation, results):
            small.scale(0)
            other.sync(small.scheduler.retire_workers, close_workers=True)
            return add(evaluation, results)

        monkeypatch.setattr(Evaluation, "add", without_workers)
        with pytest.raises((RuntimeError, TimeoutError), match="worker"):
            search().fit(*diabetes)
