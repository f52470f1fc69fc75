"""Noisy strings to learn from and to be judged by, and a transcriber that has learned."""

import pytest

from .small_transcribers import small, strings


@pytest.fixture(scope="module")
def data():
    return strings(120)


@pytest.fixture(scope="module")
def unseen():
    return strings(60, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    return small().fit(*data)
