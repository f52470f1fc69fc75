"""Which workers a search has: those of the backend of joblib that is active."""

from __future__ import annotations

from typing import Any

from joblib.parallel import get_active_backend

from .local import LocalPool
from .pool import Pool


def pool_of(search: Any) -> Pool:
    """Return the workers of a search.

    Under the backends "dask" and "ray" they are those of the cluster: all of them where `n_jobs` is
    None or -1, at most `n_jobs` otherwise.  With ``n_jobs=1`` the search stays in its own process,
    whatever the backend is.

    Raises
    ------
    TimeoutError
        If a cluster of dask has no worker, and none comes within ``wait_for_workers_timeout``
        seconds, an option of its backend.
    ValueError
        If `n_jobs` is 0.
    """
    backend, n_jobs = get_active_backend()
    names = {(each.__module__, each.__name__) for each in type(backend).__mro__}
    n_jobs = n_jobs if search.n_jobs is None else search.n_jobs
    if ("joblib._dask", "DaskDistributedBackend") in names:
        if n_jobs == 1:
            return LocalPool(search, backend="sequential")
        from .on_dask import DaskPool

        return DaskPool(search, backend, number_of(n_jobs, backend.effective_n_jobs(-1)))
    if ("ray.util.joblib.ray_backend", "RayBackend") in names:
        if n_jobs == 1:
            return LocalPool(search, backend="sequential")
        from .on_ray import RayPool, n_cpus

        return RayPool(search, backend, number_of(n_jobs, n_cpus()))
    return LocalPool(search)


def number_of(n_jobs: int | None, available: int) -> int:
    """Return how many workers `n_jobs` asks for, of those that a cluster has.

    Examples
    --------
    >>> [number_of(n_jobs, 8) for n_jobs in (None, -1, -2, 3, 100)]
    [8, 8, 7, 3, 8]
    """
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 has no meaning. Use n_jobs=None for all of a cluster.")
    asked = -1 if n_jobs is None else n_jobs
    return max(1, min(asked if asked > 0 else available + 1 + asked, available))
