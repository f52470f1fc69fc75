"""Queries to learn from and to be judged by, and a ranker that has learned."""

import pytest

from .small_queries import queries, small


@pytest.fixture(scope="module")
def data():
    return queries()


@pytest.fixture(scope="module")
def unseen():
    return queries(40, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    X, y, ids = data
    return small().fit(X, y, group=ids)
