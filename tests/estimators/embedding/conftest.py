"""A fitted embedder."""

import pytest

from .small_embedders import embedder, table


@pytest.fixture(scope="module")
def fitted():
    X, y = table()
    return embedder().fit(X, y), X, y
