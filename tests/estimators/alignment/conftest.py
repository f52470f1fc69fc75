import pytest

from .small_homes import fitted, homes


@pytest.fixture(scope="session")
def table():
    return homes()


@pytest.fixture(scope="session")
def model(table):
    return fitted(table)
