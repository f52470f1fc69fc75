"""A fitted estimator of several tasks."""

import pytest

from .small_tasks import model, table


@pytest.fixture(scope="module")
def fitted():
    X, y = table()
    return model().fit(X, y), X, y
