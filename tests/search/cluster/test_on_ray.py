"""Searches on a real ray with two CPUs on this machine."""

import builtins
import pickle
import tempfile

import joblib
import numpy as np
import pytest
import ray
from ray.experimental import tqdm_ray
from ray.util.joblib import register_ray

from sklloss import NeuralRegressor, load, save
from sklloss.search.checkpoints import kept
from sklloss.search.cluster import mail

from .small_searches import (
    Killed,
    assert_same,
    gone,
    own_files,
    own_processes,
    pipeline_search,
    raising,
    regressor,
    search,
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    before, printed = own_processes(), builtins.print
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:  # Its sockets need a short path.
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            object_store_memory=100 * 2**20,
            _temp_dir=folder,
        )
        register_ray()
        try:
            with joblib.parallel_config("ray"):
                yield
        finally:
            ray.shutdown()
            builtins.print = printed  # ray has replaced it
    assert gone(before) == set()


@pytest.fixture(autouse=True)
def no_file_is_left(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert own_files() == set()


def test_models_can_be_kept_although_ray_replaces_print(diabetes, tmp_path):
    X, y = diabetes
    model = NeuralRegressor(n_members=1, max_epochs=2, random_state=0).fit(X, y)
    tqdm_ray.instance()  # as for the first line that a worker prints
    assert builtins.print.__module__ == "ray.experimental.tqdm_ray"
    save(model, tmp_path / "model")
    for kept_model in (load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(kept_model.predict(X), model.predict(X))
    (tmp_path / "model").unlink()


def test_searches_have_the_bits_of_one_process(diabetes, capsys, monkeypatch):
    with joblib.parallel_config("sequential"):
        alone = [search().fit(*diabetes), pipeline_search().fit(*diabetes)]
        halved = search(halving=3).fit(*diabetes)
    # No file is shared with workers.
    monkeypatch.delattr(tempfile, "TemporaryDirectory")
    spread = [search(verbose=1).fit(*diabetes), pipeline_search().fit(*diabetes)]
    for one, other in zip(spread, alone, strict=True):
        assert_same(one, other)
        np.testing.assert_array_equal(one.predict(diabetes[0]), other.predict(diabetes[0]))
    assert "54/54" in capsys.readouterr().err
    assert_same(search(halving=3).fit(*diabetes), halved)


def test_a_killed_worker_costs_nothing_but_time(diabetes, tmp_path):
    with joblib.parallel_config("sequential"):
        alone = search().fit(*diabetes)
    assert_same(search(scoring=Killed(tmp_path / "flag")).fit(*diabetes), alone)
    assert (tmp_path / "flag").exists()


def test_a_stack_that_kills_every_worker_ends_the_search_with_its_name(diabetes):
    ending = search(grid={"loss": ["mse", "huber", "mae"]}, scoring=Killed(), stack_size=1)
    with pytest.raises(RuntimeError, match=r"the stack of 1 model \(candidate 2") as caught:
        ending.fit(*diabetes)
    assert "3 times" in str(caught.value)
    assert isinstance(caught.value.__cause__, ray.exceptions.WorkerCrashedError)
    assert ending.partial_results_["interrupted"][[0, 2]].tolist() == [False, True]


def test_errors_of_workers_arrive(diabetes):
    with pytest.raises(KeyError, match="from a worker"):
        search(scoring=raising, error_score="raise").fit(*diabetes)


def test_a_checkpoint_gets_states_from_workers(diabetes, tmp_path, monkeypatch):
    # States that arrive after the results of their stack are not kept.
    long = regressor(max_epochs=30, n_iter_no_change=30)
    with joblib.parallel_config("sequential"):
        undisturbed = search(long, checkpoint=tmp_path / "alone.db").fit(*diabetes)
    monkeypatch.setattr(kept, "seconds_between_states", 0.0)
    monkeypatch.setattr(mail, "SECONDS_BETWEEN_LOOKS", 0.01)
    states = []
    monkeypatch.setattr(kept.KeptSearch, "keep", lambda *message: states.append(message))
    assert_same(search(long, checkpoint=tmp_path / "spread.db").fit(*diabetes), undisturbed)
    assert states
