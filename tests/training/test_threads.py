"""Numbers of threads: of one for small steps, put back whoever else computes at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sklloss import LossSearchCV
from sklloss.losses.weighted import row_sums, weighted_mean, weighted_std
from sklloss.search.threads import one_thread
from sklloss.training.threads import one_thread_of_torch

from .small_regressor import small


@pytest.fixture
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def numbers():
    """Return how many threads torch and BLAS have, here and in a new thread."""
    of_blas = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
    with ThreadPoolExecutor(1) as pool:
        return torch.get_num_threads(), pool.submit(torch.get_num_threads).result(), of_blas


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("setting", [one_thread_of_torch, one_thread])
@pytest.mark.parametrize("first_out", [0, 1])
def test_threads_that_overlap_put_back_what_was_before(setting, first_out):
    before = numbers()
    may_leave, knows = [threading.Event(), threading.Event()], threading.Barrier(2)
    is_in = threading.Barrier(3)
    after = [None, None]

    def run(k):
        assert torch.get_num_threads() == 2
        knows.wait(10)
        with setting():
            is_in.wait(10)
            may_leave[k].wait(10)
            assert torch.get_num_threads() == 1
        after[k] = torch.get_num_threads()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    is_in.wait(10)
    for k in (first_out, 1 - first_out):
        assert numbers()[1] == 1
        may_leave[k].set()
        threads[k].join(10)
    assert after == [2, 2]
    assert numbers() == before


@pytest.mark.usefixtures("_two_threads")
def test_a_thread_that_began_beside_a_fit_does_not_keep_its_number():
    with ThreadPoolExecutor(1) as pool:
        with one_thread_of_torch():
            assert pool.submit(torch.get_num_threads).result() == 1
        pool.submit(small(max_epochs=1).fit, np.eye(20), np.arange(20)).result()
        assert pool.submit(torch.get_num_threads).result() == 2
    assert numbers()[:2] == (2, 2)


@pytest.mark.usefixtures("_two_threads")
def test_fits_and_searches_in_threads_leave_the_process_as_it_was(diabetes):
    before = numbers()
    search = LossSearchCV(small(max_epochs=2), {"loss": ["mse", "mae"]}, cv=2, n_jobs=2)
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(small(max_epochs=2).fit, *diabetes) for _ in range(12)]
        searches = [pool.submit(search.fit, *diabetes)]
        for each in [*fits, *searches]:
            each.result()
    assert numbers() == before
    predictions = [each.result().predict(diabetes[0]) for each in fits]
    for prediction in predictions[1:]:
        np.testing.assert_array_equal(prediction, predictions[0])


@pytest.mark.parametrize("n_rows", [63, 10_001, 3_000_000])
def test_sums_over_rows_do_not_depend_on_the_number_of_threads(n_rows):
    source = torch.Generator().manual_seed(0)
    y, weights = (torch.rand(n_rows, 1, generator=source, dtype=torch.float64) for _ in range(2))
    found = []
    before = torch.get_num_threads()
    for n_threads in (1, 2, 3):
        torch.set_num_threads(n_threads)
        w = weights[:, 0]
        found.append((row_sums(w), weighted_mean(y, w).item(), weighted_std(y, w).item()))
    torch.set_num_threads(before)
    assert found[0] == found[1] == found[2]
    assert found[0][1] == pytest.approx(np.average(y[:, 0], weights=weights[:, 0]), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-170, 1.0, 1e170, 1e300])
def test_standard_deviations_of_any_unit(scale):
    y = torch.arange(5.0, dtype=torch.float64).unsqueeze(1) * scale
    assert weighted_std(y, torch.ones(5, dtype=torch.float64)).item() == pytest.approx(
        np.sqrt(2) * scale
    )
